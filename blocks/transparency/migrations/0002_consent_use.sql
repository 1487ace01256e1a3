-- +goose Up
ALTER TABLE transparency_consent ADD COLUMN times BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transparency_consent ADD COLUMN used BIGINT NOT NULL DEFAULT 0;
