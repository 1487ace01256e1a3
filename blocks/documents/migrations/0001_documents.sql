-- +goose Up
CREATE TABLE documents_document (
  id TEXT PRIMARY KEY,
  document_key TEXT NOT NULL UNIQUE,
  code TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  title TEXT NOT NULL,
  number_hint TEXT NOT NULL,
  signer TEXT NOT NULL,
  signer_name TEXT NOT NULL,
  reference TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  issued BIGINT NOT NULL,
  valid_until TEXT NOT NULL,
  revoked BIGINT NOT NULL,
  revoke_reason TEXT NOT NULL,
  sealed_for TEXT NOT NULL,
  content {{blob}} NOT NULL
);
CREATE INDEX documents_document_reference ON documents_document (reference);
CREATE INDEX documents_document_sha256 ON documents_document (sha256);
CREATE TABLE documents_owner (
  subject TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (subject, document)
);
