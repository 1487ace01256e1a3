-- +goose Up
CREATE TABLE exchange_directory_seat (
    id               INTEGER PRIMARY KEY,
    application      TEXT NOT NULL,
    secret           TEXT NOT NULL,
    state            TEXT NOT NULL,
    reason           TEXT NOT NULL,
    key_id           TEXT NOT NULL,
    next_key         TEXT NOT NULL,
    next_key_from    BIGINT NOT NULL,
    compromised      INTEGER NOT NULL,
    tls_key          TEXT NOT NULL,
    certificate      TEXT NOT NULL,
    next_tls_key     TEXT NOT NULL,
    next_certificate TEXT NOT NULL,
    next_tls_from    BIGINT NOT NULL
);
