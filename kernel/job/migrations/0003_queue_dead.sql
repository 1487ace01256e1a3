-- +goose Up
CREATE INDEX job_queue_dead ON job_queue (dead_at) WHERE dead_at > 0;

-- +goose Down
DROP INDEX job_queue_dead;
