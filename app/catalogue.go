package app

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/catalogue"
	"github.com/dinh-gov/dinh/kernel/job"
)

// jobCount counts the calls of services, for the figures of the catalogue.
const jobCount = "exchange.count"

func (a *App) openCatalogue() (err error) {
	c := a.Config
	requirements := "" // a gateway has none
	if a.Registers != nil {
		requirements = "/exchange/requirements"
	}
	a.Catalogue, err = catalogue.New(catalogue.Deps{
		DB: a.DB, Clock: c.Clock, Exchange: a.Exchange, Rights: a.Exchange, Pseudonym: a.Keys.Pseudonym, Purposes: a.names.purposeTitles(), Origin: c.Origin, Pages: a.Pages, Requirements: requirements,
	})
	if err != nil {
		return err
	}
	a.Jobs.Handle(jobCount, func(ctx context.Context, _ job.Job) error { return a.Catalogue.Count(ctx) })
	a.Jobs.Every(jobCount, time.Minute)
	return nil
}
