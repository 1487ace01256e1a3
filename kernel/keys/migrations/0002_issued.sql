-- +goose Up
CREATE TABLE keys_issued (
    serial      TEXT PRIMARY KEY,
    kid         TEXT NOT NULL,
    owner       TEXT NOT NULL,
    subject     TEXT NOT NULL,
    certificate {{blob}} NOT NULL,
    not_before  BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    revoked     BIGINT,
    reason      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX keys_issued_kid ON keys_issued (kid);
CREATE INDEX keys_issued_revoked ON keys_issued (revoked) WHERE revoked IS NOT NULL;

CREATE TABLE keys_crl (
    number BIGINT PRIMARY KEY,
    at     BIGINT NOT NULL,
    crl    {{blob}} NOT NULL
);
