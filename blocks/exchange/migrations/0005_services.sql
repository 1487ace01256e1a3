-- +goose Up
CREATE TABLE exchange_service (
    id                TEXT PRIMARY KEY,
    revision          BIGINT NOT NULL,
    title_vi          TEXT NOT NULL,
    title_en          TEXT NOT NULL,
    type              TEXT NOT NULL,
    url               TEXT NOT NULL,
    description_url   TEXT NOT NULL,
    description       TEXT NOT NULL,
    endpoints         TEXT NOT NULL,
    checked           INTEGER NOT NULL,
    timeouts          TEXT NOT NULL,
    tls               TEXT NOT NULL,
    local             INTEGER NOT NULL,
    public_statistics INTEGER NOT NULL,
    created_at        BIGINT NOT NULL,
    changed_at        BIGINT NOT NULL,
    changed_by        TEXT NOT NULL,
    disabled_at       BIGINT NOT NULL,
    disabled_by       TEXT NOT NULL,
    disabled_reason   TEXT NOT NULL
);
