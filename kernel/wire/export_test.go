package wire

// A Sample is a content on the channel of its type, for tests from outside.
type Sample struct {
	Channel Channel
	Content Content
}

// Samples has a content of each type.
func Samples() (all []Sample) {
	for _, c := range contents {
		all = append(all, Sample{c.ch, c.c})
	}
	return all
}
