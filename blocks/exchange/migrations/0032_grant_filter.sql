-- +goose Up
ALTER TABLE exchange_grant ADD COLUMN record_filter TEXT NOT NULL DEFAULT '{}';
