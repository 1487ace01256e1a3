-- +goose Up
ALTER TABLE identity_attempt ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE identity_attempt ADD COLUMN data TEXT NOT NULL DEFAULT '';
ALTER TABLE identity_account ADD COLUMN mail_key TEXT NOT NULL DEFAULT '';
CREATE INDEX identity_account_mail ON identity_account (mail_key) WHERE mail_key <> '';
CREATE INDEX identity_session_created ON identity_session (created);
CREATE TABLE identity_limit (
  limit_key TEXT NOT NULL,
  expires BIGINT NOT NULL,
  tries INTEGER NOT NULL,
  PRIMARY KEY (limit_key, expires)
);
CREATE INDEX identity_limit_expires ON identity_limit (expires);
