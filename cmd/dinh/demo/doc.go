// Package demo plays three services from start to finish on a house of its own
// and then checks, from the outside where it can, that everything the people
// were told is true.
package demo
