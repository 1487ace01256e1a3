-- +goose Up
CREATE INDEX job_queue_due ON job_queue (due_at, id);

-- +goose Down
DROP INDEX job_queue_due;
