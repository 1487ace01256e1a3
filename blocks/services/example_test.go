package services_test

import (
	"fmt"
	"os"

	"github.com/dinh-gov/dinh/blocks/services"
)

func Example() {
	data, _ := os.ReadFile("testdata/codes.yaml")
	codes, err := services.LoadCodes("codes.yaml", data)
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := services.Load(os.DirFS("testdata/services"), codes)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := all[0]
	for _, r := range services.RunTests(s)[:2] {
		fmt.Println(r.Name, r.Passed())
	}
	given := s.Tests[1].Given
	st := services.State{Applicant: given.Applicant, Data: given.Data, Answers: given.Answers, Today: given.Today}
	fee, err := s.Fee(st)
	fmt.Println(len(s.Pages(st)), fee.Format("vi"), err)
	// Output:
	// married, in time true
	// late is reviewed, corrected and refused true
	// 4 8.000 ₫ <nil>
}
