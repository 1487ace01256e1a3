-- +goose Up
ALTER TABLE payments_sandbox ADD COLUMN ends BIGINT NOT NULL DEFAULT 0;
CREATE INDEX payments_payment_started ON payments_payment (created) WHERE state = 'started';
