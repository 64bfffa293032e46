package notebooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"interleave/kernel/cell/hint"
	"interleave/kernel/cell/source"
	"interleave/kernel/client"
	"interleave/kernel/wire"
	"interleave/notebooks/ipynb"
)

// Parameters of a run, as papermill has them: the cell with the tag parameters declares variables with values; behind
// it stands a cell with the tag injected-parameters, which assigns them the values of the run. The types are
// those of the variables, which the kernel is asked for once the first cell has run.

// A Parameter is a variable's value for a run, as text.
type Parameter struct{ Name, Value string }

// The tags of the two cells, as papermill knows them.
const (
	tagParameters = "parameters"
	tagInjected   = "injected-parameters"
)

// An injection is the cell with the values, before it is written.
type injection struct {
	declares *ipynb.Cell // the cell with the tag parameters
	index    int         // of it, from 0
	cell     *ipynb.Cell
	values   []Parameter
	lines    map[string]int // where the variables are declared
}

// A ParameterError is why a parameter cannot be set.
type ParameterError struct {
	Notebook  string
	Parameter Parameter
	Type      string // of the variable; empty if it is not known
	Line      int    // where it is declared, in the cell with the tag parameters
	Reason    string
}

func (e *ParameterError) Error() string {
	t := fmt.Sprintf("%s: parameter %s: ", e.Notebook, e.Parameter.Name)
	if e.Type != "" {
		t = fmt.Sprintf("%s: parameter %s=%s: the variable is of type %s", e.Notebook, e.Parameter.Name, e.Parameter.Value, e.Type)
		if e.Line > 0 {
			t += fmt.Sprintf(" (line %d of the cell with the tag parameters)", e.Line)
		}
		t += ": "
	}
	return t + e.Reason
}

// inject finds or makes the cell for the values. It changes the notebook.
func (r *Runner) inject(values []Parameter) (*injection, error) {
	if len(values) == 0 {
		return nil, nil
	}
	in := &injection{index: -1, lines: map[string]int{}}
	for _, p := range values { // the last one of a name counts
		in.values = slices.DeleteFunc(in.values, func(q Parameter) bool { return q.Name == p.Name })
		in.values = append(in.values, p)
	}
	at := -1
	for i, c := range r.nb.Cells() {
		if c.Type() != ipynb.Code {
			continue
		}
		if in.index < 0 && c.HasTag(tagParameters) {
			in.declares, in.index = c, i
		}
		if at < 0 && c.HasTag(tagInjected) {
			in.cell, at = c, i
		}
	}
	bad := func(p Parameter, format string, args ...any) error {
		return &ParameterError{Notebook: r.nb.Name(), Parameter: p, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case in.index < 0:
		return nil, bad(in.values[0], "no cell has the tag parameters: give the tag to the cell that declares the variables")
	case in.cell != nil && at < in.index:
		return nil, bad(in.values[0], "cell %d with the tag injected-parameters stands above cell %d with the tag parameters: delete it",
			at+1, in.index+1)
	}
	if declared := declaredIn(in.declares.Source()); declared != nil {
		var names []string
		for _, d := range declared {
			names = append(names, d.name)
			in.lines[d.name] = d.line
		}
		for _, p := range in.values {
			if slices.Contains(names, p.Name) {
				continue
			}
			remedy := "it declares " + strings.Join(names, ", ")
			if len(names) == 0 {
				remedy = "it declares none"
			}
			if near := hint.Nearest(p.Name, names); near != "" {
				remedy = "did you mean " + near + "?"
			}
			return nil, bad(p, "cell %d, which has the tag parameters, declares no such variable: %s", in.index+1, remedy)
		}
	}
	if in.cell == nil {
		in.cell = r.nb.InsertCell(in.index+1, ipynb.Code, "")
		in.cell.AddTag(tagInjected)
	}
	in.cell.SetSource("// Parameters") // until the types are known
	return in, nil
}

// A declared variable of a cell.
type declared struct {
	name string
	line int
}

// declaredIn lists the variables that a cell declares at its top; nil if it cannot be parsed.
func declaredIn(text string) []declared {
	list := []declared{}
	for _, s := range source.Segments(text) {
		if s.Kind != source.GoCode {
			continue
		}
		src, diags := source.Parse(token.NewFileSet(), 0, s.Text)
		if len(diags) > 0 {
			return nil
		}
		add := func(x ast.Expr) {
			if id, ok := x.(*ast.Ident); ok && id.Name != "_" {
				line, _ := src.Position(id.Pos())
				list = append(list, declared{id.Name, line})
			}
		}
		for _, st := range src.Body {
			switch st := st.(type) {
			case *ast.AssignStmt:
				if st.Tok == token.DEFINE {
					for _, x := range st.Lhs {
						add(x)
					}
				}
			case *ast.DeclStmt:
				g := st.Decl.(*ast.GenDecl)
				for _, sp := range g.Specs {
					if v, ok := sp.(*ast.ValueSpec); ok && g.Tok == token.VAR {
						for _, id := range v.Names {
							add(id)
						}
					}
				}
			}
		}
	}
	return list
}

// write asks the kernel for the types of the variables, whose cell has run, and writes the cell with the values.
func (in *injection) write(ctx context.Context, k Kernel, nb *ipynb.Notebook) error {
	var parts []string
	for _, p := range in.values {
		parts = append(parts, fmt.Sprintf("reflect.TypeOf(&%[1]s).Elem(), reflect.TypeOf(&%[1]s).Elem().Kind()", p.Name))
	}
	const key = "types"
	reply, err := k.Execute(ctx, client.ExecuteRequest{Silent: true, KeepGoing: true,
		Expressions: map[string]string{key: "fmt.Sprintln(" + strings.Join(parts, `, "\n", `) + ")"}}, nil)
	if err != nil {
		return fmt.Errorf("%s: ask for the types of the parameters: %w", nb.Name(), err)
	}
	answer := reply.Expressions[key]
	var text string
	if answer.Status != wire.OK || json.Unmarshal(answer.Data["text/plain"], &text) != nil {
		return fmt.Errorf("%s: ask for the types of the parameters: %s: %s", nb.Name(), answer.EName, answer.EValue)
	}
	types := strings.Split(strings.TrimSpace(text), "\n")
	if len(types) != len(in.values) {
		return fmt.Errorf("%s: the kernel names the types %q of %d parameters", nb.Name(), types, len(in.values))
	}
	code := "// Parameters"
	recorded := map[string]json.RawMessage{}
	for i, p := range in.values {
		name, kind := strings.TrimSpace(types[i]), ""
		if at := strings.LastIndex(name, " "); at >= 0 {
			name, kind = strings.ReplaceAll(name[:at], "main.", ""), name[at+1:]
		}
		literal, err := goLiteral(p.Value, name, kind)
		if err != nil {
			return &ParameterError{Notebook: nb.Name(), Parameter: p, Type: name, Line: in.lines[p.Name], Reason: err.Error()}
		}
		code += fmt.Sprintf("\n%s = %s", p.Name, literal)
		recorded[p.Name] = asJSON(p.Value, kind)
	}
	in.cell.SetSource(code)
	return nb.SetPapermillParameters(recorded)
}

// asJSON returns a value as the notebook's metadata has it.
func asJSON(value, kind string) json.RawMessage {
	if kind != "string" && json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	b, err := json.Marshal(value)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// goLiteral returns a value as Go code of a type, whose kind is that of package reflect.
func goLiteral(value, typ, kind string) (string, error) {
	trimmed := strings.TrimSpace(value)
	switch {
	case typ == "time.Duration":
		return durationLiteral(trimmed)
	case kind == "slice" || kind == "array" || kind == "map":
		if trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') {
			if v, err := decodeJSON(trimmed); err == nil {
				return compositeLiteral(v, typ)
			}
		}
		if !strings.Contains(trimmed, "{") && trimmed != "nil" {
			return "", errors.New(`write JSON, such as [1, 2] or {"a": 1}, or a Go literal`)
		}
	default:
		if s, known, err := scalarLiteral(value, kind); known {
			return s, err
		}
	}
	if _, err := parser.ParseExpr(trimmed); err != nil || trimmed == "" {
		return "", errors.New("write a Go expression of that type")
	}
	return trimmed, nil
}

// scalarLiteral returns a value of a basic kind as Go code; known is false for other kinds.
func scalarLiteral(value, kind string) (literal string, known bool, err error) {
	trimmed := strings.TrimSpace(value)
	size := func(prefix string) int {
		n, _ := strconv.Atoi(strings.TrimPrefix(kind, prefix))
		if n == 0 {
			return 64
		}
		return n
	}
	switch {
	case kind == "string":
		if !utf8.ValidString(value) {
			return "", true, errors.New("it is no text in UTF-8")
		}
		return strconv.Quote(value), true, nil
	case kind == "bool":
		if trimmed != "true" && trimmed != "false" {
			return "", true, errors.New("write true or false")
		}
		return trimmed, true, nil
	case strings.HasPrefix(kind, "int") && kind != "interface":
		if _, err := strconv.ParseInt(trimmed, 0, size("int")); err != nil {
			return "", true, numberError(err, "a whole number")
		}
		return trimmed, true, nil
	case strings.HasPrefix(kind, "uint"):
		if _, err := strconv.ParseUint(trimmed, 0, size("uint")); err != nil {
			return "", true, numberError(err, "a whole number that is not negative")
		}
		return trimmed, true, nil
	case strings.HasPrefix(kind, "float"):
		f, err := strconv.ParseFloat(trimmed, size("float"))
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return "", true, numberError(err, "a number")
		}
		return trimmed, true, nil
	}
	return "", false, nil
}

func numberError(err error, want string) error {
	if errors.Is(err, strconv.ErrRange) {
		return errors.New("the number is out of its range")
	}
	return errors.New("write " + want)
}

// durationLiteral returns a duration such as 1.5s as Go code.
func durationLiteral(value string) (string, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		return "", errors.New("write a duration such as 90s or 1.5h")
	}
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}, {time.Millisecond, "Millisecond"},
		{time.Microsecond, "Microsecond"}, {time.Nanosecond, "Nanosecond"}} {
		if d%u.unit == 0 && d != 0 {
			return fmt.Sprintf("%d * time.%s", d/u.unit, u.name), nil
		}
	}
	return "0", nil
}

func decodeJSON(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil && d.More() {
		err = errors.New("more than one value")
	}
	return v, err
}

// compositeLiteral returns a decoded JSON value as a Go literal of a slice, array or map type.
func compositeLiteral(v any, typ string) (string, error) {
	t, err := parser.ParseExpr(typ)
	if err != nil {
		return "", fmt.Errorf("%s cannot be written as JSON: write a Go literal", typ)
	}
	s, err := element(v, t, typ)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(s, "{") { // a named type
		s = typ + s
	}
	return s, nil
}

// element returns a JSON value as Go code for a place of type t, which is written as text.
func element(v any, t ast.Expr, text string) (string, error) {
	part := func(x ast.Expr) string { return text[x.Pos()-1 : x.End()-1] }
	fits := func(kind string) error { return fmt.Errorf("%s in it does not fit %s", kind, text) }
	switch t := t.(type) {
	case *ast.ArrayType:
		list, ok := v.([]any)
		if !ok {
			return "", fits(kindOf(v))
		}
		var items []string
		for _, it := range list {
			s, err := element(it, shifted(part(t.Elt)), part(t.Elt))
			if err != nil {
				return "", err
			}
			items = append(items, s)
		}
		return text + "{" + strings.Join(items, ", ") + "}", nil
	case *ast.MapType:
		m, ok := v.(map[string]any)
		if !ok {
			return "", fits(kindOf(v))
		}
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		var items []string
		for _, k := range keys {
			key, err := goLiteral(k, part(t.Key), part(t.Key))
			if err != nil {
				return "", fmt.Errorf("the key %q does not fit %s: %w", k, part(t.Key), err)
			}
			s, err := element(m[k], shifted(part(t.Value)), part(t.Value))
			if err != nil {
				return "", err
			}
			items = append(items, key+": "+s)
		}
		return text + "{" + strings.Join(items, ", ") + "}", nil
	}
	return scalarElement(v, text)
}

// shifted parses a type again, so that its positions are those in its own text.
func shifted(text string) ast.Expr {
	t, err := parser.ParseExpr(text)
	if err != nil {
		return &ast.BadExpr{}
	}
	return t
}

// scalarElement returns a JSON value as Go code for a place of a type that is neither a list nor a map.
func scalarElement(v any, typ string) (string, error) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
		switch {
		case typ == "string" || typ == "any" || typ == "interface {}":
			return strconv.Quote(v), nil
		case typ == "time.Duration":
			return durationLiteral(v)
		}
		if _, known, _ := scalarLiteral("0", typ); known {
			return "", fmt.Errorf("the text %q in it does not fit %s", v, typ)
		}
		return strconv.Quote(v), nil
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		return "", fmt.Errorf("%s in it does not fit %s", kindOf(v), typ)
	}
	if typ == "string" {
		return "", fmt.Errorf("%s in it does not fit string: write it in quotation marks", text)
	}
	if s, known, err := scalarLiteral(text, typ); known {
		if err != nil {
			return "", fmt.Errorf("%s in it does not fit %s: %w", text, typ, err)
		}
		return s, nil
	}
	return text, nil // a named type takes a constant
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		return "a text"
	}
	return fmt.Sprint(v)
}

// readParameters reads a file of parameters: a JSON object, or lines of YAML such as name: value, whose value is on
// one line.
func readParameters(name string, data []byte) (list []Parameter, err error) {
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		return yamlParameters(name, string(data))
	}
	v, err := decodeJSON(string(data))
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s: want a JSON object of names and values", name)
	}
	for key, v := range m {
		p := Parameter{Name: key}
		if text, ok := v.(string); ok {
			p.Value = text
		} else if b, err := json.Marshal(v); err == nil {
			p.Value = string(b)
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func yamlParameters(name, text string) (list []Parameter, err error) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" || line == "---" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || value == "" || strings.ContainsAny(line[:1], " \t-") || strings.ContainsAny(value[:1], "|>&*!") {
			return nil, fmt.Errorf("%s:%d: want name: value on one line, where a list is [1, 2] and a map {\"a\": 1}; JSON may have any form",
				name, i+1)
		}
		switch value[0] {
		case '"':
			if value, err = strconv.Unquote(value); err != nil {
				return nil, fmt.Errorf("%s:%d: the text in quotation marks is not complete", name, i+1)
			}
		case '\'':
			if len(value) < 2 || !strings.HasSuffix(value, "'") {
				return nil, fmt.Errorf("%s:%d: the text in quotation marks is not complete", name, i+1)
			}
			value = strings.ReplaceAll(value[1:len(value)-1], "''", "'")
		default:
			if before, _, comment := strings.Cut(value, " #"); comment {
				value = strings.TrimRight(before, " \t")
			}
		}
		list = append(list, Parameter{strings.TrimSpace(key), value})
	}
	return list, nil
}
