-- +goose Up
CREATE TABLE identity_account (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL UNIQUE,
  member TEXT NOT NULL,
  roles TEXT NOT NULL,
  created BIGINT NOT NULL,
  content TEXT NOT NULL
);
CREATE TABLE identity_passkey (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  created BIGINT NOT NULL,
  used BIGINT NOT NULL,
  credential TEXT NOT NULL
);
CREATE INDEX identity_passkey_account ON identity_passkey (account);
CREATE TABLE identity_session (
  hash TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  level TEXT NOT NULL,
  acting TEXT NOT NULL,
  demo INTEGER NOT NULL,
  proved BIGINT NOT NULL,
  created BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  device TEXT NOT NULL
);
CREATE INDEX identity_session_account ON identity_session (account);
CREATE TABLE identity_attempt (
  hash TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  purpose TEXT NOT NULL,
  code TEXT NOT NULL,
  tries INTEGER NOT NULL,
  expires BIGINT NOT NULL,
  next TEXT NOT NULL
);
CREATE INDEX identity_attempt_account ON identity_attempt (account, expires);
CREATE TABLE identity_ceremony (
  hash TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  expires BIGINT NOT NULL,
  data TEXT NOT NULL
);
CREATE TABLE identity_sample (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  label TEXT NOT NULL
);
