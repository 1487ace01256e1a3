package services

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
	"github.com/dinh-gov/dinh/web"
)

// Deps is what the block stands on. All but Pages is required.
type Deps struct {
	DB      database
	Clock   clock.Clock
	Codes   Codes         // of country/codes.yaml; used by Load, not by what was published
	Pages   *web.Renderer // nil: no pages, only the API
	Catalog *i18n.Catalog // must include this package's Messages
}

// Services is the store of published definitions and their public pages. It is
// safe for concurrent use.
type Services struct {
	deps   Deps
	loader *Loader
	cache  sync.Map // hash → *Service; a definition never changes under its hash
}

// New makes the block.
func New(d Deps) (*Services, error) {
	l, err := NewLoader(d.Codes)
	if err != nil {
		return nil, err
	}
	if d.Pages != nil {
		if err := d.Pages.Add("services", templateFS, "templates/*.html"); err != nil {
			return nil, err
		}
	}
	return &Services{deps: d, loader: l}, nil
}

// Loader gives the loader that knows the country's code lists.
func (x *Services) Loader() *Loader { return x.loader }

// Publish keeps s for good and, by its status, makes it the definition that
// new applications start under (live), stops new applications (retired) or
// changes nothing for people (draft). Publishing the same again does nothing.
// A definition whose lint has errors is refused: errs.Invalid services.lint.
func (x *Services) Publish(ctx context.Context, s *Service) error {
	if findings := s.Lint(); HasErrors(findings) {
		var all []string
		for _, f := range findings {
			if f.Level == LevelError {
				all = append(all, f.String())
			}
		}
		return errs.New(errs.Invalid, "services.lint").Wrap(fmt.Errorf("%s", strings.Join(all, "\n")))
	}
	return x.keep(ctx, s)
}

// Get gives the definition that was published under hash, compiled with the
// code lists of that time. errs.NotFound services.definition_not_found.
func (x *Services) Get(ctx context.Context, hash string) (*Service, error) {
	if s, ok := x.cache.Load(hash); ok {
		return s.(*Service), nil
	}
	yaml, codes, err := x.kept(ctx, hash)
	if err != nil {
		return nil, err
	}
	then := *x.loader
	then.codes = codes
	s, err := then.Parse("definition "+hash[:min(12, len(hash))], yaml)
	if err != nil {
		return nil, fmt.Errorf("services: a published definition no longer compiles: %w", err)
	}
	if s.Hash != hash {
		return nil, fmt.Errorf("services: definition %s was changed in the store: its content has the hash %s", hash, s.Hash)
	}
	kept, _ := x.cache.LoadOrStore(hash, s)
	return kept.(*Service), nil
}

// Live gives the definition that new applications of id start under.
// errs.NotFound services.not_found.
func (x *Services) Live(ctx context.Context, id string) (*Service, error) {
	hash, err := x.liveHash(ctx, id)
	if err != nil {
		return nil, err
	}
	return x.Get(ctx, hash)
}

// All gives every live definition in the order of the ids.
func (x *Services) All(ctx context.Context) ([]*Service, error) {
	hashes, err := x.liveHashes(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*Service, 0, len(hashes))
	for _, h := range hashes {
		s, err := x.Get(ctx, h)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Search gives the live services that hold every word of query, with or
// without marks, best first. An empty query gives all by title.
func (x *Services) Search(ctx context.Context, query string, lang i18n.Lang) ([]*Service, error) {
	all, err := x.All(ctx)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(text.Fold(query))
	scores := map[*Service]int{}
	out := slices.DeleteFunc(all, func(s *Service) bool {
		scores[s] = s.score(words)
		return scores[s] < 0
	})
	slices.SortStableFunc(out, func(a, b *Service) int {
		if d := scores[b] - scores[a]; d != 0 {
			return d
		}
		return strings.Compare(text.Fold(a.Title.In(lang)), text.Fold(b.Title.In(lang)))
	})
	return out, nil
}

// score is -1 when a word is not found; a word weighs more in the title.
func (s *Service) score(words []string) int {
	title := text.Fold(s.Title.VI + " " + s.Title.EN)
	rest := text.Fold(strings.Join([]string{s.Keywords.VI, s.Keywords.EN, s.Summary.VI, s.Summary.EN,
		s.Owner.Name.VI, s.Owner.Name.EN, s.Procedure}, " "))
	total := 0
	for _, w := range words {
		switch {
		case strings.Contains(title, w):
			total += 3
		case strings.Contains(rest, w):
			total++
		default:
			return -1
		}
	}
	return total
}
