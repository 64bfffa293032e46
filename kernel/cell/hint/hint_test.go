package hint

import "testing"

func TestClosest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want string }{
		{"conter", "counter"}, {"coutner", ""}, {"Counter", "counter"}, {"prinln", "println"}, {"xyzzy", ""}, {"n", ""}, {"lenn", ""}, {"countr", "counter"},
	} {
		if got := Closest(c.name, []string{"counter", "total"}, []string{"println", "append"}); got != c.want {
			t.Errorf("closest to %q is %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"auto", "yaegi", "compiled"}
	for name, want := range map[string]string{"yagi": "yaegi", "auot": "", "compield": "compiled", "python": "", "": ""} {
		if got := Nearest(name, words); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}
