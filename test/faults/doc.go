// Package faults holds two gateways under load while things break around them:
// either gateway is killed, the database is killed, the network between them
// goes away. Afterwards it counts: every answer that a client got has evidence
// on both sides and a receipt, nothing was delivered twice, and nobody had to
// help. It runs with DINH_FAULTS=1 (make faults); without it, and where the
// machine cannot do what a test needs, tests are skipped with the reason.
package faults
