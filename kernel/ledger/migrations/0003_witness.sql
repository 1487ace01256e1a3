-- +goose Up
CREATE TABLE ledger_witnessed (
    origin TEXT PRIMARY KEY,
    size   BIGINT NOT NULL,
    root   TEXT NOT NULL,
    note   TEXT NOT NULL,
    at     BIGINT NOT NULL
);

CREATE TABLE ledger_cosignature (
    size    BIGINT NOT NULL,
    witness TEXT NOT NULL,
    line    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (size, witness)
);
CREATE INDEX ledger_cosignature_witness ON ledger_cosignature (witness, size);
