package app

import (
	"context"
	"fmt"
	"maps"

	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/country/people"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Cast adds up to n mothers whose baby was just born (mother-0001 …) and n
// drivers with a fresh fitness certificate (driver-0001 …) to the sample people
// of a demonstration, for benchmarks and fault tests that need many applicants.
// It returns how many of each there are.
func (a *App) Cast(ctx context.Context, n int) (mothers, drivers int, err error) {
	world := people.Generate(a.Config.Seed, a.people(), a.Config.Clock.Now().In(a.Calendar.Zone()))
	if mothers, err = a.castMothers(ctx, world, n); err != nil {
		return mothers, 0, err
	}
	drivers, err = a.castDrivers(ctx, world, n)
	return mothers, drivers, err
}

func (a *App) castMothers(ctx context.Context, world *people.World, n int) (int, error) {
	var like map[string]any
	busy := played(world)
	for r := range world.Records("birth-notices") {
		if r["status"] == "open" {
			like = r
			busy[r["mother"]] = true
		}
	}
	settled := map[any]bool{} // only those whose case the table decides
	for r := range world.Records("residence") {
		settled[r["number"]] = r["kind"] == "permanent"
	}
	today := a.Config.Clock.Now().In(a.Calendar.Zone())
	var role []member
	for r := range world.Records("marriages") {
		if len(role) == n || like == nil {
			break
		}
		if r["status"] != "valid" || busy[r["wife"]] || !settled[r["wife"]] {
			continue
		}
		busy[r["wife"]] = true
		i := len(role) + 1
		notice := maps.Clone(like)
		maps.Copy(notice, map[string]any{
			"code": fmt.Sprintf("CS-99999-%d-%06d", today.Year(), i), "mother": r["wife"], "mother_name": r["wife_name"],
			"birth_date": today.AddDate(0, 0, -5).Format("2006-01-02"), "issued_on": today.AddDate(0, 0, -4).Format("2006-01-02"),
		})
		role = append(role, member{id: fmt.Sprintf("mother-%04d", i), number: r["wife"], name: r["wife_name"], register: "birth-notices", data: notice})
	}
	return len(role), a.cast(ctx, role, i18n.Text{VI: "Người mẹ mới sinh con", EN: "A mother with a newborn"})
}

func (a *App) castDrivers(ctx context.Context, world *people.World, n int) (int, error) {
	var like map[string]any
	busy := played(world)
	for r := range world.Records("fitness-certificates") {
		busy[r["holder"]] = true
		if r["status"] == "current" && r["result"] == "fit" {
			like = r
		}
	}
	for r := range world.Records("marriages") {
		busy[r["wife"]] = true // she may be a mother of the same cast
	}
	for r := range world.Records("population") {
		if r["email"] == nil {
			busy[r["number"]] = true // a driver gets codes and news by e-mail
		}
	}
	today := a.Config.Clock.Now().In(a.Calendar.Zone())
	var role []member
	for r := range world.Records("driving-licences") {
		if len(role) == n || like == nil {
			break
		}
		expires, _ := r["expires_on"].(string)
		if r["status"] != "valid" || expires < today.Format("2006-01-02") || busy[r["holder"]] {
			continue
		}
		busy[r["holder"]] = true
		i := len(role) + 1
		paper := maps.Clone(like)
		maps.Copy(paper, map[string]any{
			"certificate_no": fmt.Sprintf("SK-99999-%d-%06d", today.Year(), i), "holder": r["holder"], "holder_name": r["holder_name"], "classes": r["classes"],
		})
		role = append(role, member{id: fmt.Sprintf("driver-%04d", i), number: r["holder"], name: r["holder_name"], register: "fitness-certificates", data: paper})
	}
	return len(role), a.cast(ctx, role, i18n.Text{VI: "Người lái xe cần đổi giấy phép", EN: "A driver whose licence is due"})
}

// played are the sample people: each has a story of their own, which a second
// part would spoil.
func played(world *people.World) map[any]bool {
	out := map[any]bool{}
	for _, s := range world.Samples() {
		out[s.Number] = true
	}
	return out
}

// member is somebody who plays a part.
type member struct {
	id           string
	number, name any
	register     string
	data         map[string]any
}

func (a *App) cast(ctx context.Context, role []member, label i18n.Text) error {
	var changes []registers.Change
	for _, m := range role {
		changes = append(changes, registers.Change{Register: m.register, Data: m.data, Actor: "cast", Reason: "sample people", Key: "cast/" + m.id})
	}
	if len(role) > 0 {
		if err := a.Registers.CreateMany(ctx, role[0].register, changes); err != nil {
			return err
		}
	}
	for _, m := range role {
		if err := a.Identity.AddSample(ctx, identity.Sample{ID: m.id, Number: fmt.Sprint(m.number), Name: fmt.Sprint(m.name), Label: label}); err != nil {
			return err
		}
	}
	return nil
}
