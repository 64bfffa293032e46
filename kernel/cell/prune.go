package cell

// pruneEvery is how many checks lie between two calls of prune, which looks at everything that is declared.
const pruneEvery = 64

// prune drops what is kept of cells that nothing is left of: their text and syntax, in which positions of later diagnostics are
// looked up. A cell that only drives has declared nothing, and one whose definitions were all replaced has nothing left.
func (s *Session) prune() {
	needed := map[*source]bool{}
	for _, units := range [][]*unit{s.units, s.aside} {
		for _, u := range units {
			needed[u.src] = true
		}
	}
	for f, src := range s.sources {
		if !needed[src] {
			delete(s.sources, f)
			s.fset.RemoveFile(f)
		}
	}
	for id := range s.spelled {
		if s.fset.File(id.Pos()) == nil {
			delete(s.spelled, id)
		}
	}
}
