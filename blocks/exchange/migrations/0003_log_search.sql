-- +goose Up
CREATE TABLE exchange_log_search (
    id      TEXT PRIMARY KEY,
    at      BIGINT NOT NULL,
    officer TEXT NOT NULL,
    member  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    query   TEXT NOT NULL
);
CREATE INDEX exchange_event_message ON exchange_event (message_id);
