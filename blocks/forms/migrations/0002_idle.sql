-- +goose Up
CREATE INDEX forms_application_idle ON forms_application (updated) WHERE state = 'draft';
