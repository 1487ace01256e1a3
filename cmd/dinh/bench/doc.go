// Package bench measures the whole house over HTTP, with everything on: four
// registers asked through the exchange, events in the ledger, decision tables,
// three signed documents, messages. It prints a table for people and writes
// the same figures to build/bench/house.json.
package bench
