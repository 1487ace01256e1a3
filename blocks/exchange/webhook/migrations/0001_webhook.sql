-- +goose Up
CREATE TABLE exchange_webhook (
    subsystem TEXT PRIMARY KEY,
    url       TEXT NOT NULL,
    set_by    TEXT NOT NULL,
    set_at    BIGINT NOT NULL
);
