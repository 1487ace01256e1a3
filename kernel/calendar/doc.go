// Package calendar knows which days the state works, and runs deadlines on them.
//
// A Calendar is data of the country: weekly days off, public holidays, and
// working days swapped by decision. Dates are text YYYY-MM-DD, as everywhere;
// a date that does not exist is refused with errs.Invalid calendar.bad_date.
//
//	zone: Asia/Ho_Chi_Minh
//	weekend: [sat, sun]
//	holidays:
//	  - {date: 2026-09-02, name: {vi: Quốc khánh, en: National Day}}
//	swapped:
//	  - {off: 2026-08-31, work: 2026-08-22}
//
// A Clock is one deadline. It is a value: store it as JSON, replace it with
// what its methods return.
//
//	        Pause            Resume
//	running ──────▶ paused ──────────▶ running     Due moves on by the working
//	   ▲                                           days spent paused
//	 Start
//
// The day of the start does not count; the last day counts to its end. A pause
// begun after the due day no longer moves it.
package calendar
