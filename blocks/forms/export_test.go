package forms

// Inspect runs the readers of uploads over data.
func Inspect(data []byte) {
	_ = checkPDF(data)
	if orientation(data) > 8 {
		panic("no such orientation")
	}
	_, _ = redraw(data, 100)
}
