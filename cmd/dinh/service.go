package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func serviceCommand() *cobra.Command {
	var codesFile string
	c := &cobra.Command{Use: "service", Short: "Check, test and preview a service definition"}
	c.PersistentFlags().StringVar(&codesFile, "codes", "", "code lists; default: those of the country built in")
	each := func(use, short string, do func(w io.Writer, s *services.Service) error) *cobra.Command {
		return &cobra.Command{
			Use: use + " FILE…", Short: short, Args: func(_ *cobra.Command, files []string) error {
				if len(files) == 0 {
					return errors.New("name the definition's file, as in dinh service " + use + " country/services/birth.yaml")
				}
				return nil
			},
			Example: "  dinh service " + use + " country/services/birth.yaml",
			RunE: func(cmd *cobra.Command, files []string) error {
				loader, err := loader(codesFile)
				if err != nil {
					return err
				}
				var failed error
				for _, file := range files {
					if info, err := os.Stat(file); err == nil && info.IsDir() {
						return fmt.Errorf("%s is a folder: name the files in it, as in dinh service %s %s", file, use, filepath.Join(file, "*.yaml"))
					}
					text, err := os.ReadFile(file)
					if err != nil {
						return err
					}
					s, err := loader.Parse(filepath.Base(file), text)
					if err == nil {
						err = do(cmd.OutOrStdout(), s)
					}
					failed = errors.Join(failed, err)
				}
				return failed
			},
		}
	}
	c.AddCommand(
		each("lint", "Find what would go wrong for people: dead ends, gaps in rules, missing words", lintService),
		each("test", "Run the examples that stand in the definition", testService),
		each("preview", "Show the service page by page, as text", previewService))
	return c
}

func loader(codesFile string) (*services.Loader, error) {
	text, err := country.Codes()
	if codesFile != "" {
		text, err = os.ReadFile(codesFile)
	}
	if err != nil {
		return nil, err
	}
	codes, err := services.LoadCodes(country.CodesFile, text)
	if err != nil {
		return nil, err
	}
	return services.NewLoader(codes)
}

func lintService(w io.Writer, s *services.Service) error {
	findings := s.Lint()
	for _, f := range findings {
		fmt.Fprintln(w, f)
	}
	if services.HasErrors(findings) {
		return fmt.Errorf("%s: the definition must not be published yet", s.File)
	}
	fmt.Fprintf(w, "✓ %s  %d pages, %d questions to registers, %d findings\n", s.ID, len(s.Definition.Pages), len(s.Evidence), len(findings))
	return nil
}

func testService(w io.Writer, s *services.Service) error {
	failed := 0
	results := services.RunTests(s)
	for _, r := range results {
		mark := "✓"
		if len(r.Failures) > 0 {
			mark = "✗"
			failed++
		}
		fmt.Fprintf(w, "%s %s: %s\n", mark, s.ID, r.Name)
		for _, f := range r.Failures {
			fmt.Fprintln(w, "    "+f)
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", len(results)-failed, failed)
	if failed > 0 {
		return fmt.Errorf("%s: %d examples do not come out as expected", s.File, failed)
	}
	return nil
}

func previewService(w io.Writer, s *services.Service) error {
	st := services.State{Today: "2026-01-01"}
	if len(s.Tests) > 0 {
		g := s.Tests[0].Given
		st = services.State{Applicant: g.Applicant, Data: g.Data, Answers: g.Answers, Today: g.Today}
	}
	p := s.Preview(st, i18n.VI)
	fmt.Fprintf(w, "%s\n", p)
	return nil
}
