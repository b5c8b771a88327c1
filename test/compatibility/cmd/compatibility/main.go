// Command compatibility compares the custom resource definitions of the checkout with those of the last release, and fails on a
// breaking change. make verify calls it in the checkout's folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/paylink-dev/paylink/test/compatibility"
)

const accepted = "test/compatibility/accepted.yaml"

const advice = `
Keep what there was, and add what is new beside it as an optional field. What cannot be had so needs a new version of the
API: docs/versions.md says how. What breaks nobody, although this check cannot tell, goes into %s with the reason.
`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compatibility:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("compatibility", flag.ContinueOnError)
	with := flags.String("with", "", "Revision to compare with. Default: the last release's tag or, before the first, the base of the branch.")
	if err := flags.Parse(args); err != nil {
		return err
	}
	here, err := compatibility.Read(".")
	if err != nil {
		return err
	}
	exceptions, err := compatibility.ReadAccepted(accepted)
	if err != nil {
		return err
	}
	base, err := compatibility.FindBase(ctx, ".", *with)
	if errors.Is(err, compatibility.ErrNoBase) {
		fmt.Fprintln(out, "compatibility: not checked:", err)
		return nil
	}
	if err != nil {
		return err
	}
	broken := compatibility.Without(exceptions, compatibility.Breaks(base.Definitions, here))
	if len(broken) == 0 {
		fmt.Fprintf(out, "compatibility: %s breaks nothing of %s\n", compatibility.Folder, base.Name)
		return nil
	}
	for _, line := range broken {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, advice, accepted)
	return fmt.Errorf("%s would break those who have %s", compatibility.Folder, base.Name)
}
