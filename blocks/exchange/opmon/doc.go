// Package opmon keeps what an operator needs to see of every exchange: who asked
// which service, how long each leg took, how much was carried, and how it ended.
//
// The promise: a record is kept for every exchange, also for a refused one, and for
// one whose answer streams at its end, with what passed and what broke it off; the
// memory that records take is bounded, and so is the number of figures, whatever
// strangers send. Records carry X-Road's names (PR-OPMON), so that its
// collectors understand them. Neither records nor figures hold personal data.
//
// A trace says less: see Record.Attributes.
//
// Each process keeps its own newest records; a collector asks every process.
package opmon
