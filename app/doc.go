// Package app is the one place that knows every block: it opens the database,
// builds the kernel and the blocks from the ground up, joins them where one
// asks another, and starts and stops them.
//
// Read Open for who needs whom; adapters.go says each join in a few lines.
package app
