package timestamp

import (
	"embed"
	"io/fs"
)

//go:embed messages/*.json
var messages embed.FS

// Messages gives the texts of this package's errors, for i18n.New.
func Messages() fs.FS { return messages }
