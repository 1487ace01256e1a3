-- +goose Up
CREATE TABLE exchange_catalogue_request (
    id           TEXT PRIMARY KEY,
    client       TEXT NOT NULL,
    asking       TEXT NOT NULL,
    service      TEXT NOT NULL,
    owner        TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    legal_basis  TEXT NOT NULL,
    asked        TEXT NOT NULL,
    reason       TEXT NOT NULL,
    asked_at     BIGINT NOT NULL,
    asked_by     TEXT NOT NULL,
    asked_person TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    given        TEXT NOT NULL,
    answer       TEXT NOT NULL,
    decided_at   BIGINT NOT NULL,
    decided_by   TEXT NOT NULL
);
CREATE INDEX exchange_catalogue_request_asking ON exchange_catalogue_request (asking, id);
CREATE INDEX exchange_catalogue_request_owner ON exchange_catalogue_request (owner, id);
CREATE UNIQUE INDEX exchange_catalogue_request_open ON exchange_catalogue_request (client, service, purpose) WHERE outcome = '';

CREATE TABLE exchange_catalogue_use (
    month    TEXT NOT NULL,
    service  TEXT NOT NULL,
    client   TEXT NOT NULL,
    answered BIGINT NOT NULL,
    refused  BIGINT NOT NULL,
    failed   BIGINT NOT NULL,
    PRIMARY KEY (service, month, client)
);

CREATE TABLE exchange_catalogue_counted (
    id    INTEGER PRIMARY KEY,
    until BIGINT NOT NULL
);
