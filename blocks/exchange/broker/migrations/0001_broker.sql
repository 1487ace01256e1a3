-- +goose Up
CREATE TABLE exchange_broker_request (
    code       TEXT PRIMARY KEY,
    service    TEXT NOT NULL,
    client     TEXT NOT NULL,
    officer    TEXT NOT NULL,
    reference  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    number     {{blob}},
    created_at BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    decided_at BIGINT NOT NULL
);
CREATE INDEX exchange_broker_request_subject ON exchange_broker_request (subject, created_at);
CREATE INDEX exchange_broker_request_client ON exchange_broker_request (client, created_at);
CREATE TABLE exchange_broker_paper (
    request     TEXT NOT NULL,
    requirement TEXT NOT NULL,
    found_by    TEXT NOT NULL,
    state       TEXT NOT NULL,
    consent     TEXT NOT NULL,
    PRIMARY KEY (request, requirement)
);
