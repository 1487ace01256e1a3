package services

import (
	"embed"
	"io/fs"
)

//go:embed messages/*.json
var messageFS embed.FS

//go:embed migrations/*.sql
var migrationFS embed.FS

//go:embed templates/*.html
var templateFS embed.FS

// Messages gives the words of this block, rooted so that it holds messages/.
func Messages() fs.FS { return messageFS }

// Migrations gives the tables of this block, rooted so that it holds migrations/.
func Migrations() fs.FS { return migrationFS }

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI gives the contract of the JSON routes.
func OpenAPI() []byte { return append([]byte(nil), openAPI...) }
