package lab

import "interleave/runtime/host"

// places is what the host makes of lines in the calling code; nil when nothing.
func places() func(string) string {
	if f := host.Get().Places; f != nil {
		return f()
	}
	return nil
}

// origin is where the user's code has started the calling goroutine, 0 when that is not known.
func origin() uintptr {
	if f := host.Get().Origin; f != nil {
		return f()
	}
	return 0
}

// hostDoubts returns the host's warnings about measurements of code that an engine has run.
func hostDoubts(engine string) []string {
	if f := host.Get().Doubt; f != nil {
		if text := f(engine); text != "" {
			return []string{text}
		}
	}
	return nil
}

// carried is f for a goroutine without a parent.
func carried(from *site, f func()) func() {
	if carry := host.Get().Carry; carry != nil {
		return carry(from.String(), f)
	}
	return f
}
