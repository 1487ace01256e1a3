-- +goose Up
ALTER TABLE exchange_grant ADD COLUMN consent INTEGER NOT NULL DEFAULT 0;
