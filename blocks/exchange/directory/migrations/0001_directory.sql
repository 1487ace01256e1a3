-- +goose Up
CREATE TABLE exchange_directory_issue (
    version BIGINT PRIMARY KEY,
    signed  TEXT NOT NULL,
    kept_at BIGINT NOT NULL
);
