package exchange

import "context"

// Observe lets tests of the package tell operational monitoring what the
// pipeline tells it.
func (x *Exchange) Observe(o Operation) { x.observe(context.Background(), o) }
