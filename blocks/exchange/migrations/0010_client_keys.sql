-- +goose Up
ALTER TABLE exchange_client_key ADD COLUMN kind TEXT NOT NULL DEFAULT 'secret';
ALTER TABLE exchange_client_key ADD COLUMN public TEXT NOT NULL DEFAULT '';
