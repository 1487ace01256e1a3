package app

import "testing"

// Every code that a register may hold has its words.
func TestRegistersSpeakInWords(t *testing.T) {
	t.Parallel()
	defs, err := readRegisters()
	if err != nil {
		t.Fatal(err)
	}
	codes, err := readCodes()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, def := range defs {
		for _, field := range def.Fields() {
			list := def.CodeList(field)
			if list == "" {
				continue
			}
			if len(codes[list]) == 0 {
				t.Errorf("%s.%s: there is no code list %q", def.ID, field, list)
			}
			for _, v := range def.Allowed(field) {
				n++
				if _, ok := codes.Label(list, v); !ok {
					t.Errorf("%s.%s: the list %s has no words for %q", def.ID, field, list, v)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no register lists its values")
	}
}
