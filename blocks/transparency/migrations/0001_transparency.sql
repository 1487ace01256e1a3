-- +goose Up
CREATE TABLE transparency_read (
  id TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  reader TEXT NOT NULL,
  member TEXT NOT NULL,
  event TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX transparency_read_subject ON transparency_read (subject, id);
CREATE TABLE transparency_consent (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  given_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  withdrawn_at BIGINT NOT NULL,
  given {{blob}} NOT NULL,
  withdrawn {{blob}}
);
CREATE INDEX transparency_consent_subject ON transparency_consent (subject, id);
