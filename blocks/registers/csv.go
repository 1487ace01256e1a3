package registers

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/errs"
)

const firstLook = 64 << 10 // bytes in which the first line of a file has to end

// sheet looks at the beginning of a file for what spreadsheets write when
// nobody tells them otherwise, and drops the byte order mark. Read as CSV, such
// files would only have odd columns.
//
// Errors: registers.csv_spreadsheet, registers.csv_not_utf8, registers.csv_separator,
// registers.csv_line_ends.
func sheet(in io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(in, firstLook)
	head, err := b.Peek(firstLook)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, csvError(err)
	}
	for _, mark := range []string{"PK\x03\x04", "\xd0\xcf\x11\xe0"} { // .xlsx and .ods, .xls
		if bytes.HasPrefix(head, []byte(mark)) {
			return nil, errs.New(errs.Invalid, "registers.csv_spreadsheet")
		}
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		head = head[3:]
		_, _ = b.Discard(3) // they were just seen
	}
	line, _, whole := bytes.Cut(head, []byte("\n"))
	switch {
	case bytes.IndexByte(line, 0) >= 0, (whole || err != nil) && !utf8.Valid(line): // UTF-16 has a NUL beside every ASCII letter
		return nil, errs.New(errs.Invalid, "registers.csv_not_utf8")
	case bytes.IndexByte(bytes.TrimRight(line, "\r"), '\r') >= 0: // what old Macs ended lines with
		return nil, errs.New(errs.Invalid, "registers.csv_line_ends")
	case bytes.ContainsAny(line, ";\t") && bytes.IndexByte(line, ',') < 0:
		return nil, errs.New(errs.Invalid, "registers.csv_separator")
	}
	return b, nil
}

// csvError says in the reader's language what the CSV reader stumbled over. What
// is not about CSV, such as a file above the limit, stays as it is.
func csvError(err error) error {
	pe, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case errors.Is(err, io.EOF):
		return errs.New(errs.Invalid, "registers.csv_empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errs.New(errs.Invalid, "registers.csv_cut").Wrap(err)
	case !ok:
		return err
	case errors.Is(pe, csv.ErrQuote), errors.Is(pe, csv.ErrBareQuote):
		return errs.New(errs.Invalid, "registers.csv_quote", "line", pe.StartLine)
	}
	return errs.New(errs.Invalid, "registers.csv_unreadable", "line", pe.StartLine)
}
