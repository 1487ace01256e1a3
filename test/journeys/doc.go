// Package journeys uses the whole house as people do, over HTTP, and holds it
// to its promises: nobody sees what is not theirs, nothing wrong that somebody
// sends breaks anything, everything takes effect once, and what the log,
// addresses and figures say names nobody.
package journeys
