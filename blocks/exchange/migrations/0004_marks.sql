-- +goose Up
CREATE TABLE exchange_mark (
    key TEXT PRIMARY KEY,
    at  BIGINT NOT NULL
) {{by_key}};

CREATE TABLE exchange_sheaf (
    id   TEXT PRIMARY KEY,
    at   BIGINT NOT NULL,
    data {{blob}} NOT NULL
);

CREATE TABLE exchange_sheaf_message (
    message_id TEXT NOT NULL,
    sheaf      TEXT NOT NULL,
    place      BIGINT NOT NULL,
    PRIMARY KEY (message_id, sheaf, place)
) {{by_key}};

DROP INDEX exchange_event_subject;
CREATE INDEX exchange_event_person ON exchange_event (subject, id) WHERE subject <> '';
