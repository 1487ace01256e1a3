-- +goose Up
CREATE TABLE job_periodic (
    kind    TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE job_periodic;
