-- +goose Up
CREATE TABLE exchange_directory_member (
    id         TEXT PRIMARY KEY,
    class      TEXT NOT NULL,
    code       TEXT NOT NULL,
    name_vi    TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    subsystems TEXT NOT NULL,
    status     TEXT NOT NULL,
    node       TEXT NOT NULL,
    own        INTEGER NOT NULL
);

CREATE TABLE exchange_directory_node (
    id         TEXT PRIMARY KEY,
    member     TEXT NOT NULL,
    address    TEXT NOT NULL,
    ledger_key TEXT NOT NULL
);

CREATE TABLE exchange_directory_key (
    id         TEXT PRIMARY KEY,
    member     TEXT NOT NULL,
    public     TEXT NOT NULL,
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE TABLE exchange_directory_certificate (
    fingerprint TEXT PRIMARY KEY,
    node        TEXT NOT NULL,
    serial      TEXT NOT NULL,
    public_hash TEXT NOT NULL,
    pem         TEXT NOT NULL,
    from_at     BIGINT NOT NULL,
    until_at    BIGINT NOT NULL,
    revoked_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX exchange_directory_certificate_key ON exchange_directory_certificate (public_hash);

CREATE TABLE exchange_directory_request (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    member      TEXT NOT NULL,
    content     TEXT NOT NULL,
    state       TEXT NOT NULL,
    nonce       TEXT NOT NULL,
    nonce_until BIGINT NOT NULL,
    asked_at    BIGINT NOT NULL,
    decided_at  BIGINT NOT NULL,
    reason      TEXT NOT NULL
);
CREATE INDEX exchange_directory_request_secret ON exchange_directory_request (secret_hash);
CREATE INDEX exchange_directory_request_state ON exchange_directory_request (state, asked_at);

CREATE TABLE exchange_directory_vote (
    request TEXT NOT NULL,
    officer TEXT NOT NULL,
    person  TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason  TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (request, officer)
);
