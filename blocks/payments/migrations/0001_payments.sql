-- +goose Up
CREATE TABLE payments_bill (
  id TEXT PRIMARY KEY,
  bill_key TEXT NOT NULL UNIQUE,
  subject TEXT NOT NULL,
  member TEXT NOT NULL,
  title TEXT NOT NULL,
  label TEXT NOT NULL,
  reference TEXT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  refunded BIGINT NOT NULL,
  state TEXT NOT NULL,
  return_path TEXT NOT NULL,
  created BIGINT NOT NULL,
  settled BIGINT NOT NULL
);
CREATE INDEX payments_bill_subject ON payments_bill (subject, created);
CREATE TABLE payments_payment (
  id TEXT PRIMARY KEY,
  bill TEXT NOT NULL,
  provider TEXT NOT NULL,
  provider_ref TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  created BIGINT NOT NULL,
  settled BIGINT NOT NULL
);
CREATE INDEX payments_payment_bill ON payments_payment (bill, created);
CREATE TABLE payments_refund (
  id TEXT PRIMARY KEY,
  refund_key TEXT NOT NULL UNIQUE,
  bill TEXT NOT NULL,
  payment TEXT NOT NULL,
  amount BIGINT NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX payments_refund_bill ON payments_refund (bill);
CREATE TABLE payments_journal (
  id TEXT PRIMARY KEY,
  entry_key TEXT NOT NULL UNIQUE,
  at BIGINT NOT NULL,
  text TEXT NOT NULL,
  reference TEXT NOT NULL
);
CREATE TABLE payments_line (
  journal TEXT NOT NULL,
  line INTEGER NOT NULL,
  account TEXT NOT NULL,
  currency TEXT NOT NULL,
  debit BIGINT NOT NULL,
  credit BIGINT NOT NULL,
  PRIMARY KEY (journal, line)
);
CREATE INDEX payments_line_account ON payments_line (account, currency);
CREATE TABLE payments_sandbox (
  ref TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  title TEXT NOT NULL,
  return_path TEXT NOT NULL,
  refunded BIGINT NOT NULL
);
CREATE TABLE payments_sandbox_refund (
  refund_key TEXT PRIMARY KEY,
  ref TEXT NOT NULL,
  amount BIGINT NOT NULL
);
