-- +goose Up
CREATE TABLE exchange_event_type (
    room         TEXT NOT NULL,
    name         TEXT NOT NULL,
    schema       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    title_vi     TEXT NOT NULL,
    title_en     TEXT NOT NULL,
    last         BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (room, name)
);

CREATE TABLE exchange_publication (
    id           TEXT PRIMARY KEY,
    room         TEXT NOT NULL,
    event_type   TEXT NOT NULL,
    sequence     BIGINT NOT NULL,
    message_id   TEXT NOT NULL,
    content      {{blob}} NOT NULL,
    published_at BIGINT NOT NULL,
    stopped_at   BIGINT NOT NULL,
    UNIQUE (room, event_type, message_id)
);
CREATE INDEX exchange_publication_age ON exchange_publication (published_at);

CREATE TABLE exchange_subscription (
    id           TEXT PRIMARY KEY,
    room         TEXT NOT NULL,
    event_type   TEXT NOT NULL,
    subscriber   TEXT NOT NULL,
    delivery     TEXT NOT NULL,
    ttl          BIGINT NOT NULL,
    fifo         INTEGER NOT NULL,
    purpose      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (room, event_type, subscriber)
);

CREATE TABLE exchange_delivery (
    id           TEXT PRIMARY KEY,
    subscription TEXT NOT NULL,
    publication  TEXT NOT NULL,
    sequence     BIGINT NOT NULL,
    state        TEXT NOT NULL,
    expires_at   BIGINT NOT NULL,
    handed       TEXT NOT NULL,
    ended_at     BIGINT NOT NULL,
    UNIQUE (subscription, publication)
);
CREATE INDEX exchange_delivery_next ON exchange_delivery (subscription, state, sequence);
CREATE INDEX exchange_delivery_publication ON exchange_delivery (publication, state);
CREATE INDEX exchange_delivery_age ON exchange_delivery (state, expires_at);
