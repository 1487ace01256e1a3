// Package crash kills the house at random moments while people use it, starts
// it again, and counts: nothing acknowledged may be lost, nothing may be done
// twice.
package crash
