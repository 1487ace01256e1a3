// Package pair measures exchanges through two gateways in processes of their
// own, beside a bare two-hop proxy with mutual TLS and beside a direct call: the
// same target, the same client, the same payloads, in one run.
package pair
