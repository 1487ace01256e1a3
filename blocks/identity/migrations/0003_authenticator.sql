-- +goose Up
CREATE TABLE identity_authenticator (
  account TEXT PRIMARY KEY,
  secret TEXT NOT NULL,
  confirmed INTEGER NOT NULL,
  step BIGINT NOT NULL,
  created BIGINT NOT NULL,
  used BIGINT NOT NULL
);
