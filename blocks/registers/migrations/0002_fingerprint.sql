-- +goose Up
ALTER TABLE registers_done ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
