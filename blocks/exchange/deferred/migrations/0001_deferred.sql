-- +goose Up
CREATE TABLE exchange_deferred (
    id          TEXT PRIMARY KEY,
    client      TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    service     TEXT NOT NULL,
    state       TEXT NOT NULL,
    push        INTEGER NOT NULL,
    here        INTEGER NOT NULL,
    content     {{blob}} NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    UNIQUE (client, message_id)
);
CREATE INDEX exchange_deferred_age ON exchange_deferred (expires_at);
