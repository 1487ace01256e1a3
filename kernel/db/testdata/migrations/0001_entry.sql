-- +goose Up
CREATE TABLE db_entry (
    id   TEXT PRIMARY KEY,
    n    BIGINT NOT NULL DEFAULT 0,
    body {{blob}}
);

-- +goose Down
DROP TABLE db_entry;
