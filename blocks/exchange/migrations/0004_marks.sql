-- +goose Up
CREATE TABLE exchange_mark (
    key TEXT PRIMARY KEY,
    at  BIGINT NOT NULL
);
CREATE INDEX exchange_mark_at ON exchange_mark (at);
