-- +goose Up
CREATE TABLE ledger_timestamp (
    size  BIGINT PRIMARY KEY,
    at    BIGINT NOT NULL,
    reply {{blob}} NOT NULL
);
