-- +goose Up
CREATE TABLE notify_message (
  id TEXT PRIMARY KEY,
  message_key TEXT NOT NULL UNIQUE,
  subject TEXT NOT NULL,
  reference TEXT NOT NULL,
  link TEXT NOT NULL,
  created BIGINT NOT NULL,
  read_at BIGINT NOT NULL,
  inbox INTEGER NOT NULL,
  content TEXT NOT NULL
);
CREATE INDEX notify_message_subject ON notify_message (subject, inbox, created);
CREATE TABLE notify_delivery (
  id TEXT PRIMARY KEY,
  message TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  detail TEXT NOT NULL,
  provider_ref TEXT NOT NULL,
  updated BIGINT NOT NULL
);
CREATE INDEX notify_delivery_message ON notify_delivery (message);
CREATE TABLE notify_sandbox_sms (
  sms_key TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  content TEXT NOT NULL
);
