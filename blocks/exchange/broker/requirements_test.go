package broker_test

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange/broker"
)

const good = `requirements:
  - id: income
    title: {vi: Thu nhập, en: Income}
    text: {vi: Được trả bao nhiêu, en: What they earn}
    evidence:
      - id: insurance
        title: {vi: Bảo hiểm, en: Insurance}
        service: GOV/VSS/social-insurance/social-insurance
        by: [insured]
        fields: [salary]
        none: {vi: Không có, en: None}
        legal_basis: Luật
`

func TestLoad(t *testing.T) {
	all, err := broker.Load("x.yaml", []byte(good))
	if err != nil || len(all) != 1 || all[0].Evidence[0].By[0] != "insured" {
		t.Fatalf("%+v %v", all, err)
	}
	for _, c := range []struct{ from, to, says string }{
		{"id: income", "id: In Come", "small letters"},
		{"id: insurance", "id: income", "stands twice"},
		{"en: Income", "en: ''", "both languages"},
		{"en: None", "en: ''", "both languages"},
		{"GOV/VSS/social-insurance/social-insurance", "GOV/VSS", "CLASS/MEMBER/SUBSYSTEM/SERVICE"},
		{"by: [insured]", "by: []", "fields that find"},
		{"fields: [salary]", "fields: []", "what is handed over"},
		{"legal_basis: Luật", "legal_basis: ''", "law"},
		{"legal_basis: Luật", "colour: red", "colour"},
		{"requirements:", "requirements: [", "x.yaml"},
	} {
		_, err := broker.Load("x.yaml", []byte(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "x.yaml") {
			t.Errorf("%s: %v", c.to, err)
		}
	}
	if _, err := broker.Load("x.yaml", make([]byte, 2<<20)); err == nil {
		t.Error("too long and taken")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("requirements: [{evidence: [{}]}]"))
	f.Add([]byte("&a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := broker.Load("x.yaml", text)
		if err != nil {
			return
		}
		for _, r := range all {
			if r.ID == "" || len(r.Evidence) == 0 || len(r.Evidence[0].By) == 0 || len(r.Evidence[0].Fields) == 0 {
				t.Errorf("taken: %+v", r)
			}
		}
	})
}
