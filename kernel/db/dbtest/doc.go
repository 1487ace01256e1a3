// Package dbtest gives every test a fresh, migrated database of its own.
//
// The database is SQLite in memory, loaded from an image that was migrated once
// for each set of migrations, which takes about two milliseconds. With
// DINH_TEST_PG set to the url of a PostgreSQL server where databases may be made
// (postgres://postgres@localhost/postgres) the same tests run there: each test's
// database is cloned from a template named after the migrations' content.
package dbtest
