package exchange

import (
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// A sheaf is the evidence of all messages that became durable in one
// transaction, in one piece: a row for each of their texts would cost more than
// everything else about a message.

func packSheaf(all []*Evidence) []byte {
	p := &packer{b: make([]byte, 0, 2048*len(all))}
	p.b = append(p.b, wireVersion)
	for _, e := range all {
		p.text(e.RequestID, e.MessageID, e.Client, e.Service, e.RequestHash)
		p.number(e.At.UnixMicro())
		for _, pr := range []Proof{e.Request, e.Answer} {
			p.text(pr.KeyID, pr.Base, pr.Signature)
			p.number(pr.Created)
		}
	}
	return p.b
}

// fromSheaf gives the evidence at one place of a sheaf.
func fromSheaf(data []byte, place int) (e Evidence, err error) {
	if len(data) == 0 || data[0] != wireVersion {
		return Evidence{}, errs.New(errs.Internal, "exchange.bad_message")
	}
	u := &unpacker{b: data[1:]}
	for i := 0; i <= place && !u.bad; i++ {
		e = Evidence{RequestID: u.text(), MessageID: u.text(), Client: u.text(), Service: u.text(), RequestHash: u.text()}
		e.At = time.UnixMicro(u.number()).UTC()
		for _, pr := range []*Proof{&e.Request, &e.Answer} {
			*pr = Proof{KeyID: u.text(), Base: u.text(), Signature: u.text(), Created: u.number()}
		}
	}
	if u.bad {
		return Evidence{}, errs.New(errs.Internal, "exchange.bad_message")
	}
	return e, nil
}
