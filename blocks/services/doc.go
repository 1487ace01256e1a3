// Package services holds the public services as their teams write them, and
// the pure engine that every other room asks about them.
//
// The promise: a definition that loads is whole (schema, expressions, code
// lists), one that lints is safe to publish, one whose tests pass does what its
// team said. A published definition is kept by its hash for as long as a case
// refers to it, together with the code lists it used.
//
//	YAML ──Load──▶ Service ──Lint, RunTests──▶ Publish ──▶ Live(id), Get(hash)
//
// The engine functions of a [Service] read a [State] and nothing else: no
// clock, no store, no network. The same Service may be asked by all requests
// at once.
//
// Tables: services_definition (by hash), services_live (by id).
// Pages: /services, /services/{id}. API: /api/services, /api/services/{id}.
package services
