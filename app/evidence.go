package app

import (
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// stamper dates what must be believed later: another's authority where one is
// configured, for its clock proves more.
func (a *App) stamper() ledger.Stamper {
	if a.Config.Timestamps != nil {
		return *a.Config.Timestamps
	}
	return a.Authority
}

func (a *App) openEvidence() (err error) {
	c := a.Config
	d := asic.Deps{
		Exchange: a.Exchange, Keys: a.Keys, Ledger: a.Ledger, Stamper: a.stamper(), Clock: c.Clock, Log: c.Log, Instance: a.Instance, VKey: a.VKey, Origin: c.Origin,
	}
	if a.Directory != nil {
		d.Directory = a.Directory
	}
	a.Evidence, err = asic.New(d)
	return err
}
