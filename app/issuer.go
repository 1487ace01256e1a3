package app

import (
	"context"
	"crypto/x509"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// nodeIssuer certifies members' nodes by the authority of this house.
type nodeIssuer struct{ keys *keys.Keys }

// IssueNode certifies the key of a CSR; the name's common name is the node's id.
func (n nodeIssuer) IssueNode(ctx context.Context, csrDER []byte, name keys.Name) (*x509.Certificate, error) {
	c, err := n.keys.IssueNode(ctx, name.CommonName, csrDER, name)
	return c.Certificate, err
}

// RevokeNode takes back the certificate of a member that registrars saw out.
func (n nodeIssuer) RevokeNode(ctx context.Context, serial, reason string) error {
	why := keys.PrivilegeWithdrawn
	if reason == directory.Remove {
		why = keys.Cessation
	}
	return n.keys.Revoke(ctx, serial, why)
}

func (a *App) issuer() directory.Issuer { return nodeIssuer{a.Keys} }
