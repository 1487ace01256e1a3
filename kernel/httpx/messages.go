package httpx

import (
	"embed"
	"io/fs"
)

//go:embed messages/*.json
var messages embed.FS

// Messages gives the texts of this package and of kernel/auth: every kind of
// error, and the errors that the front door itself finds.
func Messages() fs.FS { return messages }
