-- +goose Up
CREATE TABLE exchange_group (
    id         TEXT PRIMARY KEY,
    title_vi   TEXT NOT NULL,
    title_en   TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);

CREATE TABLE exchange_group_member (
    group_id  TEXT NOT NULL,
    subsystem TEXT NOT NULL,
    added_at  BIGINT NOT NULL,
    added_by  TEXT NOT NULL,
    PRIMARY KEY (group_id, subsystem)
);

ALTER TABLE exchange_grant ADD COLUMN client_group TEXT NOT NULL DEFAULT '';
