package rules_test

import (
	"fmt"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

func Example() {
	table, err := rules.ParseTable([]byte(`
id: marriage_age
hit: unique
inputs:
  - {id: age, expr: "age_on(person.birth, today)", type: int, label: {vi: Tuổi, en: Age}}
rows:
  - when: {age: ">= 20"}
    out: {allowed: true}
    reason: {vi: Nam từ đủ 20 tuổi được kết hôn, en: A man may marry from the age of 20}
    ref: Luật Hôn nhân và gia đình 2014, Điều 8 khoản 1 điểm a
  - when: {age: "< 20"}
    out: {allowed: false}
    reason: {vi: Chưa đủ 20 tuổi, en: Not yet 20 years old}
    ref: Luật Hôn nhân và gia đình 2014, Điều 8 khoản 1 điểm a
`))
	if err != nil {
		panic(err)
	}
	fmt.Println(len(rules.Lint(table)), "findings")
	env, err := rules.NewEnv("person")
	if err != nil {
		panic(err)
	}
	decision, err := env.CompileTable(table)
	if err != nil {
		panic(err)
	}
	person := map[string]any{}
	outcome, err := decision.Decide(map[string]any{"person": person}, "2026-11-22")
	fmt.Println(outcome.Status, outcome.MissingPaths, err)

	person["birth"] = "2007-01-15"
	outcome, err = decision.Decide(map[string]any{"person": person}, "2026-11-22")
	fmt.Println(outcome.Status, outcome.Out["allowed"], err)
	for _, s := range outcome.Explain(i18n.EN) {
		fmt.Println(s)
	}
	// Output:
	// 0 findings
	// missing [person.birth] <nil>
	// decided false <nil>
	// Not yet 20 years old.
	// Age: 19 (rule: less than 20).
	// Legal basis: Luật Hôn nhân và gia đình 2014, Điều 8 khoản 1 điểm a.
}
