package main

import (
	"encoding/pem"
	"fmt"
	"io"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// writeRoots writes the certificate authorities that Mozilla trusts, as PEM. Left out is one that is trusted only for
// what it signed before some date, as it is on its way out: PEM cannot say so.
func writeRoots(w io.Writer) error {
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return fmt.Errorf("write certificate authorities: %w", err)
		}
	}
	return nil
}
