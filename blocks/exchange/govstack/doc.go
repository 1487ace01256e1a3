// Package govstack lets GovStack's own test suites judge the house: it speaks
// the Information Mediator's directory and the Digital Registries' data API as
// those suites spell them, on a listener of its own that only a demonstration
// opens.
//
// The promise: nothing here knows anything by itself. Every answer about members
// and services is the exchange's, every record is read and written by a signed
// and granted call to a register, and MyPersonalDataUsage is the log of accesses.
// Only names are translated (see World), and /database/…, whose schemas this
// house keeps in files, is held in memory.
//
// The suites send every request twice, the first time without its body, put
// identifiers in quotes and glue two queries together; such things are borne
// here so that the real API need not bear them.
//
//	GET    /listClients
//	GET    /{instance}/{class}/{member}/{application}/listMethods · allowedMethods · getOpenAPI?serviceCode=
//	GET    /data/{registry}/{version}                     ?search=&filter=&ordering=&page=&pageSize=
//	POST   /data/{registry}/{version}/create · exists · read · update-or-create
//	PUT    /data/{registry}/{version}/update · update-entries
//	DELETE /data/{registry}/{version}/{id}/delete
//	GET    /data/{registry}/{version}/{uuid}/read-value/{field}.{ext}
//	GET    /data/MyPersonalDataUsage/1.0?userID=&DatabaseID=
//	GET    /databases, GET and DELETE /database/{id}, POST /database/modify
//
// A register that serves a registry has the fields uuid and state besides those
// of the registry: a record that GovStack deletes is withdrawn, for registers
// forget nothing.
package govstack
