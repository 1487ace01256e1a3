package opmon

import "sync"

// Kept is how many records a ring holds, as many as X-Road's buffer.
const Kept = 20_000

// MaxPage is how many records an answer holds, unless one second has more.
const MaxPage = 10_000

// Ring holds the newest records. It is safe for concurrent use.
type Ring struct {
	mu   sync.Mutex
	all  []Record
	next int   // where the next one goes, once the ring is full
	lost int64 // overwritten so far
}

// NewRing makes an empty ring.
func NewRing() *Ring { return &Ring{} }

// Add keeps a record and lets the oldest go when the ring is full.
func (r *Ring) Add(rec Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.all); n > 0 && rec.MonitoringDataTs < r.all[(r.next+n-1)%n].MonitoringDataTs {
		rec.MonitoringDataTs = r.all[(r.next+n-1)%n].MonitoringDataTs // a clock set back must not hide it from collectors
	}
	if len(r.all) < Kept {
		r.all = append(r.all, rec)
		return
	}
	r.all[r.next] = rec
	r.next = (r.next + 1) % Kept
	r.lost++
}

// Page is a part of the records.
type Page struct {
	Records []Record `json:"records"`
	// NextRecordsFrom is where the next page begins; missing on the last one.
	NextRecordsFrom int64 `json:"nextRecordsFrom,omitempty"`
	Overwritten     int64 `json:"overwritten"` // records that went before anybody could ask: ask oftener when it grows
}

// Between gives the records of the seconds from to to, both included, that keep
// accepts, the oldest first. A page ends between two seconds, so that nothing is
// lost or told twice.
func (r *Ring) Between(from, to int64, keep func(*Record) bool) Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := Page{Records: []Record{}, Overwritten: r.lost}
	for i := range r.all {
		rec := &r.all[(r.next+i)%len(r.all)]
		if rec.MonitoringDataTs < from || rec.MonitoringDataTs > to || !keep(rec) {
			continue
		}
		if n := len(p.Records); n >= MaxPage && rec.MonitoringDataTs != p.Records[n-1].MonitoringDataTs {
			p.NextRecordsFrom = rec.MonitoringDataTs
			break
		}
		p.Records = append(p.Records, *rec)
	}
	return p
}
