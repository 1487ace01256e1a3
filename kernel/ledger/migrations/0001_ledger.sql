-- +goose Up
CREATE TABLE ledger_leaf (
    id   TEXT PRIMARY KEY,
    at   BIGINT NOT NULL,
    idx  BIGINT,
    leaf {{blob}} NOT NULL
);
CREATE UNIQUE INDEX ledger_leaf_idx ON ledger_leaf (idx) WHERE idx IS NOT NULL;
CREATE INDEX ledger_leaf_pending ON ledger_leaf (at, id) WHERE idx IS NULL;

CREATE TABLE ledger_tile (
    level  BIGINT NOT NULL,
    n      BIGINT NOT NULL,
    hashes {{blob}} NOT NULL,
    PRIMARY KEY (level, n)
);

CREATE TABLE ledger_checkpoint (
    size BIGINT PRIMARY KEY,
    root TEXT NOT NULL,
    note TEXT NOT NULL,
    at   BIGINT NOT NULL
);

CREATE TABLE ledger_lease (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL
);
