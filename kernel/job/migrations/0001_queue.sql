-- +goose Up
CREATE TABLE job_queue (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    key_text     TEXT NOT NULL DEFAULT '',  -- as given by Key, for people
    unique_key   TEXT UNIQUE,               -- kind and key while the job lives; NULL without a key and when dead
    payload      TEXT NOT NULL,
    due_at       BIGINT NOT NULL,           -- waiting: not before; leased: end of the lease; dead: never
    worker       TEXT NOT NULL DEFAULT '',  -- who holds the lease
    attempt      INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    again_at     BIGINT NOT NULL DEFAULT 0, -- enqueued again while leased: due again then
    made_at      BIGINT NOT NULL,
    dead_at      BIGINT NOT NULL DEFAULT 0,
    last_error   TEXT NOT NULL DEFAULT ''
);

-- +goose Down
DROP TABLE job_queue;
