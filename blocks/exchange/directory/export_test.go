package directory

import "time"

// SetPause shortens the pause between refreshes.
func (d *Directory) SetPause(pause time.Duration) { d.pause = pause }
