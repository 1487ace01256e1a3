package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/country/people"
)

// seed fills an empty house with the sample country. It is done once: a house
// that has people in it is left alone.
func (a *App) seed(ctx context.Context) error {
	if !a.Config.Demo {
		return nil
	}
	if err := a.Seed(ctx, a.people(), a.Config.Seed); err != nil {
		return err
	}
	if a.Config.Cast == 0 {
		return nil
	}
	_, _, err := a.Cast(ctx, a.Config.Cast)
	return err
}

// people is how many people a demonstration has.
func (a *App) people() int {
	if a.Config.People == 0 {
		return 2000
	}
	return a.Config.People
}

// Seed fills the registers with n generated people, the same for the same
// seed, and makes the sample people and officers known to the sign-in page. A
// population that exists already is left as it is.
func (a *App) Seed(ctx context.Context, n int, seed int64) error {
	world := people.Generate(seed, n, a.Config.Clock.Now().In(a.Calendar.Zone()))
	have, err := a.Registers.Count(ctx, "population")
	if err != nil {
		return err
	}
	if have == 0 {
		if err := a.fill(ctx, world); err != nil {
			return err
		}
	}
	for _, o := range world.Officers() {
		if err := a.Identity.AddOfficer(ctx, identity.Officer{ID: o.ID, Name: o.Name, Member: o.Member, Roles: o.Roles, Number: o.Number, Email: o.Email}); err != nil {
			return err
		}
		if err := a.Identity.AddSample(ctx, identity.Sample{ID: o.ID, Officer: o.ID, Name: o.Name, Label: o.Label}); err != nil {
			return err
		}
	}
	for _, s := range world.Samples() {
		if err := a.Identity.AddSample(ctx, identity.Sample{ID: s.ID, Number: s.Number, Name: s.Name, Label: s.Label}); err != nil {
			return err
		}
	}
	return nil
}

// fill writes the registers in batches. A machine that dies in between begins
// again, and each record is made once.
func (a *App) fill(ctx context.Context, world *people.World) error {
	order := world.Registers()
	slices.Reverse(order) // the population comes last: where there are people, all is there
	total, done := 0, 0
	for _, r := range order {
		total += world.Count(r)
	}
	for _, r := range order {
		def, err := a.Registers.Definition(r)
		if err != nil {
			return err
		}
		var batch []registers.Change
		flush := func() error {
			err := a.Registers.CreateMany(ctx, r, batch)
			done += len(batch)
			batch = batch[:0]
			a.Config.Progress("seed", done, total)
			return err
		}
		for data := range world.Records(r) {
			batch = append(batch, registers.Change{Register: r, Data: data, Actor: "seed", Reason: "sample country", Key: fmt.Sprintf("seed/%s/%v", r, data[def.Key])})
			if len(batch) == 500 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return nil
}
