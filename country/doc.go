// Package country is Viet Nam as data: members, grants, purposes, life
// events, code lists, the calendar, the registers and the services.
//
// The promise: nothing in the program knows a ministry, a province or a law by
// name; another country is another folder of the same shape. The files are
// embedded, so that one binary carries its country, and every loader names the
// file and the entry that is wrong and says what to change.
//
//	members.yaml      who is connected
//	grants.yaml       who may ask what, for which purpose, until when
//	purposes.yaml     the purposes, in words that people read in their data log
//	life-events.yaml  the moments by which people find services
//	codes.yaml        code lists (read by blocks/services)
//	calendar.yaml     holidays and swapped days (read by kernel/calendar)
//	requirements.yaml which evidence meets which requirement (read by blocks/exchange/broker)
//	registers/        one register a file (read by blocks/registers)
//	services/         one public service a file (read by blocks/services)
package country
