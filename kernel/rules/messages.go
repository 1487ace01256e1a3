package rules

import (
	"embed"
	"io/fs"
)

//go:embed messages/*.json
var messages embed.FS

// Messages gives the words of this package's errors, for the catalogue.
func Messages() fs.FS { return messages }
