package app

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// openWitness makes the house a witness of other logs, with a key of its own.
func (a *App) openWitness(ctx context.Context) error {
	name := originName(a.Config.Origin) + "/witness"
	key, err := a.Keys.Ensure(ctx, "instance/"+a.Instance+"/witness", keys.Sign, keys.Name{CommonName: name})
	if err != nil {
		return err
	}
	held, err := a.Keys.CryptoSigner(ctx, key.ID)
	if err != nil {
		return err
	}
	a.Witness, err = ledger.NewWitness(ledger.WitnessDeps{DB: a.DB, Clock: a.Config.Clock, Log: a.Config.Log, Name: name, Key: held, Logs: a.Config.WitnessOf, Listed: a.listedLog})
	if err != nil {
		return err
	}
	return a.Metrics.Register(a.Witness.Figures())
}

// listedLog gives the verifier key of a log that a node of the directory keeps:
// every node is a witness of all others.
func (a *App) listedLog(origin string) string {
	if a.listing == nil {
		return ""
	}
	for _, n := range a.listing.Nodes() {
		if name, _, _ := strings.Cut(n.LedgerKey, "+"); name == origin {
			return n.LedgerKey
		}
	}
	return ""
}

// ParseWatched reads a log that the house is to be a witness of: its origin and
// its verifier key, as name=key.
func ParseWatched(text string) (ledger.Watched, error) {
	origin, vkey, _ := strings.Cut(text, "=")
	if _, err := note.NewVerifier(vkey); err != nil || origin == "" {
		return ledger.Watched{}, errors.New("witness-of: write the log's origin and its verifier key: toaan.example.vn/ledger=toaan.example.vn/ledger+5f…+A…")
	}
	return ledger.Watched{Origin: origin, VKey: vkey}, nil
}

// ParseWitness reads a witness of the house's own ledger: its address and its
// verifier key, as address=key.
func ParseWitness(text string) (ledger.WitnessAt, error) {
	address, vkey, _ := strings.Cut(text, "=")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Count(vkey, "+") < 2 {
		return ledger.WitnessAt{}, errors.New("witness: write the witness's address and its verifier key: https://toaan.example.vn/witness=toaan.example.vn/witness+5f…+B…")
	}
	return ledger.WitnessAt{URL: address, VKey: vkey}, nil
}
