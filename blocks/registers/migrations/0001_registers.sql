-- +goose Up
CREATE TABLE registers_record (
  id TEXT PRIMARY KEY,
  register TEXT NOT NULL,
  version INTEGER NOT NULL,
  valid_from TEXT NOT NULL,
  updated BIGINT NOT NULL,
  search TEXT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX registers_record_register ON registers_record (register, id);
CREATE TABLE registers_unique (
  register TEXT NOT NULL,
  value TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (register, value)
);
CREATE TABLE registers_index (
  register TEXT NOT NULL,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (register, field, value, record)
);
CREATE INDEX registers_index_record ON registers_index (record);
CREATE TABLE registers_history (
  record TEXT NOT NULL,
  version INTEGER NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (record, version)
);
CREATE TABLE registers_done (
  change_key TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  version INTEGER NOT NULL
);
CREATE TABLE registers_sequence (
  register TEXT NOT NULL,
  prefix TEXT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (register, prefix)
);
