-- +goose Up
ALTER TABLE exchange_grant ADD COLUMN endpoints TEXT NOT NULL DEFAULT '[]';
