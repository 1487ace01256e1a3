// Package httpsig writes and reads HTTP message signatures (RFC 9421) and
// content digests (RFC 9530), byte for byte, and lets many messages share one
// Ed25519 signature without depending on one another.
package httpsig
