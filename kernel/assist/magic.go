package assist

import (
	"cmp"
	"slices"
	"strings"

	"interleave/kernel/cell/source"
)

// command completes a magic, its arguments, or a shell line.
func (c Config) command(text string, cursor int, s *source.Segment) Completion {
	line := lineBefore(text, cursor)
	begin := cursor - len(line)
	below := s != nil && s.Kind == source.CellMagic && 1+strings.Count(text[:cursor], "\n") > s.Line
	if below || s != nil && s.Kind == source.ShellLine {
		return c.files(lastWord(line), cursor)
	}
	trimmed := strings.TrimLeft(line, " \t")
	name, args, spaced := strings.Cut(trimmed, " ")
	if !spaced {
		out := Completion{From: begin + len(line) - len(trimmed), To: cursor}
		for _, m := range c.Magics {
			full := "%" + m.Name
			if m.Cell {
				full = "%" + full
			}
			bare := strings.TrimLeft(trimmed, "%")
			if strings.HasPrefix(full, trimmed) || bare != "" && strings.HasPrefix(m.Name, bare) {
				out.Matches = append(out.Matches, Match{Text: full, Type: "magic", Signature: m.Help})
			}
		}
		slices.SortFunc(out.Matches, func(a, b Match) int { return cmp.Compare(a.Text, b.Text) })
		return out
	}
	word := lastWord(args)
	out := Completion{From: cursor - len(word), To: cursor}
	for _, m := range c.Magics {
		if m.Name != strings.TrimLeft(name, "%") || m.Cell != strings.HasPrefix(name, "%%") {
			continue
		}
		args := m.Args
		if slices.Contains(args, "NAME") {
			args = nil
			for name := range c.View.Names {
				args = append(args, name)
			}
			slices.Sort(args)
		}
		for _, a := range args {
			if strings.HasPrefix(a, word) {
				out.Matches = append(out.Matches, Match{Text: a, Type: "magic"})
			}
		}
		if slices.Contains(m.Args, "FILE") {
			return c.files(word, cursor)
		}
	}
	return out
}

func lastWord(s string) string { return s[strings.LastIndexAny(s, " \t=|<>&;'\"")+1:] }
