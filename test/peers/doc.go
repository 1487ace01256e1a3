// Package peers lets other people's programs judge a started dinh: X-Road
// clients as they are, scenarios of X-Road's own tests, an independent
// computation of the request hash, and GovStack's conformance suites.
//
// `make peers` fetches the programs at pinned versions and runs all of it. They
// are looked for in the folder that DINH_PEERS names, else in build/peers; what
// is not there is skipped with a word about why.
package peers
