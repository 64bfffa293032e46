package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"interleave/kernel/cell"
	"interleave/kernel/cell/source"
	"interleave/kernel/session"
)

// Magics that show texts: documentation, the cells so far, values, and text of another kind than Go.

// doc shows what Shift-Tab shows.
func (x *execution) doc(s source.Segment) {
	name := strings.TrimSpace(s.Args)
	if name == "" {
		x.refuse(s, "%doc: of what?", "Write %doc name, such as %doc lab.Gather")
		return
	}
	x.e.look()
	i := x.e.inspect(name, len(name), false, x.e.between)
	if !i.Found() {
		x.refuse(s, "%doc "+name+": nothing is known of it",
			"%who lists what is declared; names of packages begin with the package: %doc strings.Cut")
		return
	}
	x.e.out.Emit(session.Display{Cell: x.cell.ID, Data: bundleOf(i)})
}

// about puts what is known of a name on the cell's page, with two question marks its source as well. Front ends show
// one page for a cell.
func (x *execution) about(s source.Segment) {
	x.e.look()
	i := x.e.inspect(s.Name, len(s.Name), len(s.Args) > 1, x.e.between)
	if !i.Found() {
		x.refuse(s, s.Name+s.Args+": nothing is known of it",
			"%who lists what is declared; names of packages begin with the package: strings.Cut?")
		return
	}
	if x.page.Found() {
		i.Plain, i.Markdown = x.page.Plain+"\n\n"+i.Plain, x.page.Markdown+"\n\n---\n\n"+i.Markdown
	}
	x.page = i
	x.done.Page = bundleOf(i)
}

// shown shows the rest of the cell as text of a type.
func shown(mime string) func(*execution, source.Segment) {
	return func(x *execution, s source.Segment) {
		text := strings.Trim(s.Text, "\n")
		if text == "" {
			x.refuse(s, "there is nothing below %%"+s.Name, "Write the text below it")
			return
		}
		x.e.out.Emit(session.Display{Cell: x.cell.ID, Data: session.Bundle{mime: quoted(text), "text/plain": quoted(text)}})
	}
}

// history shows cells of the session: all, the last with a minus and a number, one, or a range such as 3-5.
func (x *execution) history(s source.Segment) {
	all := x.e.texts.all()
	delete(all, x.cell.N)
	numbers := slices.Sorted(maps.Keys(all))
	from, to := 0, x.cell.N
	if s.Args != "" {
		var err error
		first, last, isRange := strings.Cut(s.Args, "-")
		if isRange && first == "" { // -3
			var n int
			if n, err = strconv.Atoi(last); err == nil && n < len(numbers) {
				numbers = numbers[len(numbers)-n:]
			}
		} else {
			if from, err = strconv.Atoi(first); err == nil {
				if to = from; isRange {
					to, err = strconv.Atoi(last)
				}
			}
		}
		if err != nil {
			x.refuse(s, "%history "+s.Args+": which cells?",
				"Write %history, %history 3, %history 3-5, or %history -2 for the last two")
			return
		}
	}
	for _, n := range numbers {
		if from <= n && n <= to {
			x.print("// cell[%d]\n%s\n", n, strings.TrimRight(all[n], "\n"))
		}
	}
}

// whos lists the session's variables with their values in short.
func (x *execution) whos(source.Segment) {
	view := x.e.scope.View()
	symbols := slices.DeleteFunc(x.e.scope.Symbols(), func(s cell.Symbol) bool { return s.Kind != "var" })
	if len(symbols) == 0 {
		x.print("No variable is declared.\n")
		return
	}
	width, types := 4, 4
	for _, s := range symbols {
		width, types = max(width, len([]rune(s.Name))), max(types, min(len([]rune(s.Type)), 40))
	}
	for _, s := range symbols {
		value := s.Note
		if n, ok := view.Names[s.Name]; ok && value == "" {
			if v := variable(n); v.IsValid() {
				if value = stateOf(v); value == "" {
					value = brief(v, 0)
				}
			}
		}
		t := s.Type
		if r := []rune(t); len(r) > 40 {
			t = string(r[:39]) + "…"
		}
		x.print("%-*s  %-*s  %s\n", width, s.Name, types, t, strings.TrimPrefix(value, "state: "))
	}
}

// expand replaces names of the session's variables in braces by their values, as fmt.Print writes them.
func (x *execution) expand(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	view := x.e.view.Load()
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		n, known := view.Names[name]
		value := ""
		if known = known && closed && !strings.HasSuffix(before, "$"); known {
			if v := variable(n); v.IsValid() && v.CanInterface() {
				if err := x.e.callMethods(func() { value = fmt.Sprint(v.Interface()) }); err != nil {
					known = false
				}
			} else {
				known = false
			}
		}
		if known {
			b.WriteString(value)
			text = after
			continue
		}
		b.WriteByte('{')
		text = rest
	}
}
