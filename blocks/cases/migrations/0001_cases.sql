-- +goose Up
CREATE TABLE cases_case (
  id TEXT PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  application TEXT NOT NULL UNIQUE,
  service TEXT NOT NULL,
  def_hash TEXT NOT NULL,
  state TEXT NOT NULL,
  visit INTEGER NOT NULL,
  step INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  stuck TEXT NOT NULL,
  status INTEGER NOT NULL,
  final TEXT NOT NULL,
  member TEXT NOT NULL,
  queue TEXT NOT NULL,
  assignee TEXT NOT NULL,
  subject TEXT NOT NULL,
  bill TEXT NOT NULL,
  search TEXT NOT NULL,
  clock TEXT NOT NULL,
  due BIGINT NOT NULL,
  opened BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version INTEGER NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX cases_case_subject ON cases_case (subject, opened);
CREATE INDEX cases_case_queue ON cases_case (member, queue, due);
CREATE INDEX cases_case_assignee ON cases_case (assignee, due);
CREATE INDEX cases_case_bill ON cases_case (bill);
CREATE TABLE cases_event (
  case_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  action TEXT NOT NULL,
  public INTEGER NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (case_id, seq)
);
CREATE INDEX cases_event_action ON cases_event (case_id, action);
CREATE TABLE cases_sequence (
  prefix TEXT NOT NULL,
  day TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (prefix, day)
);
