-- +goose Up
CREATE TABLE exchange_assertion (
    id         TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX exchange_assertion_age ON exchange_assertion (expires_at);
