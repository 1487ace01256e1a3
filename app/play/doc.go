// Package play is a person at a browser without scripts: it opens pages,
// fills in what they ask and presses their buttons, over real HTTP. The
// demonstration, the benchmark and the end-to-end tests use the house through
// it, so what they show is what people can do.
package play
