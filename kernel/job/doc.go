// Package job runs work that must not be lost: side effects, retries, timers.
//
// A job is a row written in the transaction of the fact that caused it, so either
// both exist or neither. Workers claim due rows in batches under a lease that a
// heartbeat extends, run them, and delete them. A worker that dies is replaced:
// when its lease runs out another claims the row. Every job therefore runs at
// least once, and its handler must be idempotent.
//
//	waiting ──claim──▶ leased ──handler ok──▶ gone (or waiting, when enqueued again meanwhile)
//	   ▲                  │
//	   ├──backoff─────────┤ handler failed (1 s, 2 s, 4 s … 1 h, a quarter more or less)
//	   ├──lease expired───┤ worker died
//	   │                  └──▶ dead: attempts used up, or Permanent
//	   └──────Retry────────────┘
//
// Tables: job_queue, the jobs; job_periodic, when each periodic job is next due.
package job
