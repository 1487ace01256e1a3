-- +goose Up
CREATE TABLE exchange_version (
    id INTEGER PRIMARY KEY,
    n  BIGINT NOT NULL
);
INSERT INTO exchange_version (id, n) VALUES (1, 1);

CREATE TABLE exchange_member (
    id         TEXT PRIMARY KEY,
    class      TEXT NOT NULL,
    code       TEXT NOT NULL,
    name_vi    TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE exchange_subsystem (
    id      TEXT PRIMARY KEY,
    member  TEXT NOT NULL,
    code    TEXT NOT NULL,
    name_vi TEXT NOT NULL,
    name_en TEXT NOT NULL
);

CREATE TABLE exchange_grant (
    id           TEXT PRIMARY KEY,
    client       TEXT NOT NULL,
    service      TEXT NOT NULL,
    operations   TEXT NOT NULL,
    fields       TEXT NOT NULL,
    match_fields TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    legal_basis  TEXT NOT NULL,
    valid_from   BIGINT NOT NULL,
    valid_until  BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    granted_by   TEXT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    revoked_by   TEXT NOT NULL,
    reason       TEXT NOT NULL
);

CREATE TABLE exchange_client_key (
    id          TEXT PRIMARY KEY,
    subsystem   TEXT NOT NULL,
    hash        TEXT NOT NULL UNIQUE,
    label       TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    revoked_at  BIGINT NOT NULL
);

CREATE TABLE exchange_event (
    id             TEXT PRIMARY KEY,
    at             BIGINT NOT NULL,
    subject        TEXT NOT NULL,
    client         TEXT NOT NULL,
    service        TEXT NOT NULL,
    operation      TEXT NOT NULL,
    purpose        TEXT NOT NULL,
    legal_basis    TEXT NOT NULL,
    application    TEXT NOT NULL,
    issue          TEXT NOT NULL,
    message_id     TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    represented    TEXT NOT NULL,
    fields         TEXT NOT NULL,
    records        BIGINT NOT NULL,
    outcome        TEXT NOT NULL,
    reason         TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    answer_digest  TEXT NOT NULL,
    commit_key     TEXT NOT NULL
);
CREATE INDEX exchange_event_subject ON exchange_event (subject, id);

CREATE TABLE exchange_evidence (
    request_id        TEXT PRIMARY KEY,
    message_id        TEXT NOT NULL,
    at                BIGINT NOT NULL,
    client            TEXT NOT NULL,
    service           TEXT NOT NULL,
    request_key       TEXT NOT NULL,
    request_base      TEXT NOT NULL,
    request_signature TEXT NOT NULL,
    answer_key        TEXT NOT NULL,
    answer_base       TEXT NOT NULL,
    answer_signature  TEXT NOT NULL,
    request_hash      TEXT NOT NULL
);
CREATE INDEX exchange_evidence_message ON exchange_evidence (message_id);
