package directory_test

import (
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// house is a member's own: its keystore, its agent, its follower.
type house struct {
	*directory.Agent
	keys     *keys.Keys
	follower *directory.Directory
	want     directory.Application
}

func (w *world) newHouse(t testing.TB, code, host string) *house {
	t.Helper()
	ctx := t.Context()
	d := dbtest.New(t, append(sets(), dbtest.Set{Name: "keys", FS: keys.Migrations()})...)
	h := &house{want: directory.Application{
		Class: "COM", Code: code, Name: i18n.Text{VI: "Ngân hàng " + code, EN: code + " Bank"}, Email: "ops@example.vn",
		Subsystems: []directory.Subsystem{{Code: "loans", Name: i18n.Text{VI: "Cho vay", EN: "Loans"}}}, Node: "node1", Address: host + ":5500",
	}}
	var err error
	h.keys, err = keys.Open(ctx, keys.Deps{DB: d, Clock: w.clock, Master: [32]byte{7}, Instance: "VCB"})
	ok(t, err)
	h.Agent, err = directory.NewAgent(directory.AgentDeps{DB: d, Clock: w.clock, Keys: h.keys, Instance: "VN", Central: w.server.URL})
	ok(t, err)
	h.follower, err = directory.New(ctx, directory.Deps{DB: d, Clock: w.clock, Source: w.server.URL, Trust: w.trust()})
	ok(t, err)
	return h
}

// join brings a house in.
func (w *world) join(t testing.TB, h *house) {
	t.Helper()
	ctx := t.Context()
	_, err := h.Request(ctx, h.want)
	ok(t, err)
	ok(t, h.Prove(ctx))
	all, err := w.registry.Requests(ctx, who("lan"))
	ok(t, err)
	for _, by := range []string{"lan", "minh"} {
		_, err := w.registry.Approve(ctx, who(by), all[0].ID)
		ok(t, err)
	}
	ok(t, h.Tend(ctx))
}

func TestAgentJoins(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	for _, host := range []string{"vcb.example.vn", "127.0.0.1"} {
		code := "VCB"
		if host == "127.0.0.1" {
			code = "ACB"
		}
		h := w.newHouse(t, code, host)
		ok(t, h.Tend(ctx)) // nothing to do
		_, err := h.Certificate(ctx)
		wantCode(t, err, "directory.no_seat")
		_, err = h.Rotate(ctx, false)
		wantCode(t, err, "directory.no_seat")
		bad := h.want
		bad.Code = "x y"
		_, err = h.Request(ctx, bad)
		wantCode(t, err, "directory.refused_there")

		w.join(t, h)
		_, err = h.Request(ctx, h.want)
		wantCode(t, err, "directory.seat_taken")
		c, err := h.Certificate(ctx)
		ok(t, err)
		if err := c.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
		ok(t, h.follower.Refresh(ctx))
		if n, found := h.follower.NodeBy(c.Leaf); !found || n.ID != "COM/"+code+"/node1" {
			t.Errorf("the certificate is of %+v", n)
		}
		mine, err := h.Current(ctx, "COM/"+code, keys.Sign)
		ok(t, err)
		if member, _, valid := h.follower.Key(mine.ID, w.clock.Now()); member != "COM/"+code || !valid {
			t.Error("it signs with a key that is not listed")
		}
		_, err = h.Current(ctx, "COM/OTHER", keys.Sign)
		wantCode(t, err, "keys.no_key")
	}
}

func TestAgentAsksAgainAfterRefusal(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	_, err := h.Request(ctx, h.want)
	ok(t, err)
	ok(t, h.Prove(ctx))
	all, err := w.registry.Requests(ctx, who("lan"))
	ok(t, err)
	_, err = w.registry.Refuse(ctx, who("lan"), all[0].ID, "thiếu giấy phép")
	ok(t, err)
	ok(t, h.Tend(ctx))
	s, err := h.Seat(ctx)
	ok(t, err)
	if s.State != directory.Refused || s.Reason != "thiếu giấy phép" {
		t.Errorf("%+v", s)
	}
	w.join(t, h)
}

// A request that gave way, or lapsed and is forgotten, is no reason not to ask again.
func TestAgentAsksAgainWhenItsRequestIsGone(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	_, err := h.Request(ctx, h.want)
	ok(t, err)
	for range 2 {
		w.clock.Advance(25 * time.Hour)
		ok(t, w.registry.Tidy(ctx))
	}
	w.clock.Advance(time.Minute)
	ok(t, w.registry.Tidy(ctx))
	r, err := h.Status(ctx)
	if err != nil || r.State != directory.Lapsed {
		t.Errorf("%s, %v", r.State, err)
	}
	w.join(t, h)
}

// A year and a half of a member that nobody looks after: certificates are renewed,
// keys are rotated now and then, and at no hour does a peer that fetches as seldom
// as it may refuse what the member signs or shows.
func TestTimelineWithoutAHand(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	w.join(t, h)
	ok(t, h.follower.Refresh(ctx))
	const step = 6 * time.Hour
	seenKeys, seenCertificates := map[string]bool{}, map[string]bool{}
	for n := range 500 * 4 {
		now := w.clock.Now()
		if n%200 == 100 {
			_, err := h.Rotate(ctx, false)
			ok(t, err)
		}
		away := n > 950 && n < 980 // the central node does not answer for a week
		w.away.Store(away)
		if err := h.Tend(ctx); !away {
			ok(t, err)
		}
		ok(t, w.registry.Publish(ctx))
		if h.follower.Expired(now.Add(step)) {
			if err := h.follower.Refresh(ctx); !away {
				ok(t, err)
			}
		}
		k, err := h.Current(ctx, "COM/VCB", keys.Sign)
		ok(t, err)
		seenKeys[k.ID] = true
		if _, public, valid := h.follower.Key(k.ID, now); public == nil || !valid {
			t.Fatalf("day %v: the key is refused", now.Sub(start()).Hours()/24)
		}
		c, err := h.Certificate(ctx)
		ok(t, err)
		seenCertificates[directory.Fingerprint(c.Leaf)] = true
		if _, found := h.follower.NodeBy(c.Leaf); !found || now.After(c.Leaf.NotAfter) {
			t.Fatalf("day %v: the certificate is refused", now.Sub(start()).Hours()/24)
		}
		w.clock.Advance(step)
	}
	if len(seenKeys) != 11 || len(seenCertificates) < 7 {
		t.Errorf("%d keys, %d certificates", len(seenKeys), len(seenCertificates))
	}
}

// What was written down before a stop is finished after it.
func TestAgentGoesOnAfterAStop(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	w.join(t, h)
	before, err := h.Seat(ctx)
	ok(t, err)
	w.away.Store(true)
	_, err = h.Rotate(ctx, false)
	wantCode(t, err, "directory.refused_there")
	_, err = h.Renew(ctx)
	wantCode(t, err, "directory.refused_there")
	s, err := h.Seat(ctx)
	ok(t, err)
	if s.Key != before.Key || s.NextKey == "" || s.NextTLSKey == "" || s.TLSKey != before.TLSKey {
		t.Errorf("%+v", s)
	}
	k, err := h.Current(ctx, "COM/VCB", keys.Sign)
	ok(t, err)
	if k.ID != before.Key {
		t.Error("it uses a key that nobody knows")
	}
	w.away.Store(false)
	ok(t, h.Tend(ctx))
	w.clock.Advance(lifetime + time.Hour)
	ok(t, h.Tend(ctx))
	after, err := h.Seat(ctx)
	ok(t, err)
	if after.Key != s.NextKey || after.TLSKey != s.NextTLSKey || after.NextKey != "" || after.NextTLSKey != "" {
		t.Errorf("not finished: %+v", after)
	}
}

func TestAgentReplacesACompromisedKey(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	w.join(t, h)
	before, err := h.Seat(ctx)
	ok(t, err)
	_, err = h.Rotate(ctx, false) // one that is under way is overtaken
	ok(t, err)
	w.clock.Advance(time.Minute)
	told, err := h.Rotate(ctx, true)
	ok(t, err)
	k, err := h.Current(ctx, "COM/VCB", keys.Sign)
	ok(t, err)
	if k.ID != told.Key || k.ID == before.Key {
		t.Errorf("signs with %s", k.ID)
	}
	if _, _, valid := w.directory.Key(before.Key, w.clock.Now()); valid {
		t.Error("the old key counts")
	}
	if _, _, valid := w.directory.Key(k.ID, w.clock.Now()); !valid {
		t.Error("the new key does not count")
	}
}

// The exchange verifies its own member's signatures, also those by rotated keys.
func TestRotatedKeysAreTheMembers(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	w.join(t, h)
	told, err := h.Rotate(ctx, true)
	ok(t, err)
	k, err := h.Key(ctx, told.Key)
	ok(t, err)
	if k.Owner != "COM/VCB" {
		t.Errorf("owner %q", k.Owner)
	}
}

// However short the directory's life is, keys change while both of them count.
func TestKeysChangeInTimeInADrill(t *testing.T) {
	t.Parallel()
	w, ctx := newWorldOf(t, brief), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	w.join(t, h)
	ok(t, h.follower.Refresh(ctx))
	before, err := h.Seat(ctx)
	ok(t, err)
	_, err = h.Rotate(ctx, false)
	ok(t, err)
	_, err = h.Renew(ctx)
	ok(t, err)
	for range 3 * int(brief/time.Second) {
		w.clock.Advance(time.Second)
		ok(t, h.Tend(ctx))
		ok(t, w.registry.Publish(ctx))
		if h.follower.Expired(w.clock.Now().Add(time.Second)) {
			ok(t, h.follower.Refresh(ctx))
		}
		k, err := h.Current(ctx, "COM/VCB", keys.Sign)
		ok(t, err)
		if _, _, valid := h.follower.Key(k.ID, w.clock.Now()); !valid {
			t.Fatalf("after %s the key is refused", w.clock.Now().Sub(start()))
		}
		c, err := h.Certificate(ctx)
		ok(t, err)
		if _, found := h.follower.NodeBy(c.Leaf); !found {
			t.Fatalf("after %s the certificate is refused", w.clock.Now().Sub(start()))
		}
	}
	after, err := h.Seat(ctx)
	ok(t, err)
	if after.Key == before.Key || after.Certificate == before.Certificate {
		t.Error("nothing changed")
	}
	if w.directory.Life() != brief {
		t.Errorf("a version is good for %s", w.directory.Life())
	}
}

// A member that was suspended reads why, and comes back with keys that nobody revoked.
func TestASuspendedMemberComesBack(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	h := w.newHouse(t, "VCB", "vcb.example.vn")
	w.join(t, h)
	before, err := h.Seat(ctx)
	ok(t, err)
	r, err := w.registry.Propose(ctx, who("lan"), directory.Suspend, "COM/VCB", "vi phạm")
	ok(t, err)
	_, err = w.registry.Approve(ctx, who("minh"), r.ID)
	ok(t, err)
	s, err := h.Status(ctx)
	ok(t, err)
	if s.State != directory.Ended || s.Reason != "vi phạm" {
		t.Errorf("%s: %s", s.State, s.Reason)
	}
	w.join(t, h)
	k, err := h.Current(ctx, "COM/VCB", keys.Sign)
	ok(t, err)
	if _, _, valid := w.directory.Key(k.ID, w.clock.Now()); !valid || k.ID == before.Key {
		t.Error("it signs with a key that does not count")
	}
}
