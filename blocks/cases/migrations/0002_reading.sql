-- +goose Up
CREATE TABLE cases_reading (
  case_id TEXT NOT NULL,
  officer TEXT NOT NULL,
  day TEXT NOT NULL,
  PRIMARY KEY (case_id, officer, day)
);
