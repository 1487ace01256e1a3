-- +goose Up
CREATE TABLE forms_application (
  id TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  def_hash TEXT NOT NULL,
  subject TEXT NOT NULL,
  on_behalf TEXT NOT NULL,
  state TEXT NOT NULL,
  code TEXT NOT NULL,
  draft_key TEXT NOT NULL UNIQUE,
  sealed TEXT NOT NULL,
  version INTEGER NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  submitted BIGINT NOT NULL
);
CREATE INDEX forms_application_subject ON forms_application (subject, updated);
CREATE TABLE forms_file (
  application TEXT NOT NULL,
  field TEXT NOT NULL,
  subject TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (application, field)
);
CREATE INDEX forms_file_hash ON forms_file (subject, hash);
CREATE TABLE forms_garbage (
  subject TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (subject, hash)
);
