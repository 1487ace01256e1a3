-- +goose Up
CREATE TABLE documents_base (
  name TEXT PRIMARY KEY,
  content {{blob}} NOT NULL
);
ALTER TABLE documents_document ADD COLUMN base TEXT NOT NULL DEFAULT '';
ALTER TABLE documents_document ADD COLUMN facts {{blob}};
