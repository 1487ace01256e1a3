-- +goose Up
CREATE TABLE keys_key (
    kid         TEXT PRIMARY KEY,
    owner       TEXT NOT NULL,
    use         TEXT NOT NULL,
    alg         TEXT NOT NULL,
    subject     TEXT NOT NULL,
    private     {{blob}} NOT NULL,
    public      {{blob}} NOT NULL,
    certificate {{blob}},
    not_after   BIGINT NOT NULL,
    created     BIGINT NOT NULL,
    retired     BIGINT
);
CREATE UNIQUE INDEX keys_key_current ON keys_key (owner, use) WHERE retired IS NULL;
CREATE INDEX keys_key_owner ON keys_key (owner, created);

CREATE TABLE keys_subject (
    subject   TEXT PRIMARY KEY,
    wrapped   {{blob}},
    created   BIGINT NOT NULL,
    destroyed BIGINT
);
