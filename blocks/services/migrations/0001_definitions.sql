-- +goose Up
CREATE TABLE services_definition (
    hash         TEXT   NOT NULL PRIMARY KEY,
    id           TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    yaml         TEXT   NOT NULL,
    codes        TEXT   NOT NULL,
    published_at BIGINT NOT NULL
);
CREATE INDEX services_definition_id ON services_definition (id, published_at);

-- Which definition new applications are started under.
CREATE TABLE services_live (
    id           TEXT   NOT NULL PRIMARY KEY,
    hash         TEXT   NOT NULL REFERENCES services_definition (hash),
    published_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE services_live;
DROP TABLE services_definition;
