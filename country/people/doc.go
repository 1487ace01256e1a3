// Package people makes a small country to try things with: families with
// their households, marriages, births, hospital notices, health cards, driving
// licences and fitness certificates.
//
// The promise: the same seed, size and day give the same world on every
// machine, to the byte; every record fits its register's schema; every number
// that a record mentions belongs to somebody in the population, and to one
// person only. Nobody in it is real: e-mail addresses lie in the reserved
// domain vidu.example and telephone numbers begin with 0900.
//
// A few people are always there, whatever the seed ([World.Samples]), so that
// demonstrations and tests can tell a story about them.
//
// Numbers that registers count (personal numbers, birth registrations, health
// cards) are taken from the upper part of their range; what a register gives
// out later begins below and does not meet them.
package people
