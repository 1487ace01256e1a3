-- +goose Up
-- Who asked, as a pseudonym of their address, while nothing is decided.
ALTER TABLE exchange_directory_request ADD COLUMN client TEXT NOT NULL DEFAULT '';
CREATE INDEX exchange_directory_request_client ON exchange_directory_request (client, state);
