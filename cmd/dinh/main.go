// Command dinh is the common house of a digital government in one binary: it
// serves citizens, officers and other systems, and does the operator's work.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // the house holds little; collecting half as often buys a twentieth of its speed
	}
	err := command().ExecuteContext(ctx)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	default:
		fmt.Fprintln(os.Stderr, "dinh: "+err.Error())
		if strings.HasPrefix(err.Error(), "unknown command") {
			fmt.Fprintln(os.Stderr, "dinh --help lists the commands.")
		}
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "dinh",
		Short: "The common house of a digital government",
		Long: `Đình: agencies keep registers, share data under control, and run public
services from start to finish, in one binary.

Begin with a house full of made-up people:

  dinh serve --demo --data var/demo     then open http://localhost:8080
  dinh demo                             plays three services from start to finish

Write a service of your own:

  dinh service lint country/services/birth.yaml
  dinh service test country/services/birth.yaml`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		said, _, _ := strings.Cut(err.Error(), ": strconv.")
		return fmt.Errorf("%s; see %s --help", said, c.CommandPath())
	})
	root.AddCommand(serveCommand(), gatewayCommand(), seedCommand(), demoCommand(), serviceCommand(), verifyCommand(), evidenceCommand(), memberCommand(), officerCommand(), accountCommand(), certificateCommand(), grantCommand(), groupCommand(), publishCommand(), jobsCommand(), importCommand(), backupCommand(), benchCommand())
	return root
}
