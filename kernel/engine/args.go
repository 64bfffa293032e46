package engine

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"unicode"

	"interleave/kernel/cell/source"
	"interleave/kernel/toolchain/patched"
)

// programName is the name of a cell as a program: os.Args[0], and what package flag writes in its usage.
const programName = "cell"

// usage is what package flag prints by default.
var usage = flag.Usage

// freshArguments gives a cell what a program finds when it starts: no arguments, and no flags but those that it
// defines itself.
func freshArguments() {
	if len(os.Args) != 1 || os.Args[0] != programName {
		os.Args = []string{programName}
	}
	used := flag.Parsed() || flag.CommandLine.Name() != programName
	flag.CommandLine.VisitAll(func(*flag.Flag) { used = true })
	if !used {
		return
	}
	set := flag.NewFlagSet(programName, flag.ExitOnError)
	set.Usage = func() { flag.Usage() }
	flag.CommandLine, flag.Usage = set, usage
	patched.ForgetTestFlags()
}

// args sets the arguments of the program that the cell is.
func (x *execution) args(s source.Segment) {
	list, err := words(s.Args)
	if err != nil {
		x.refuse(s, "%args: "+err.Error(), "Close the quotation mark")
		return
	}
	os.Args = append([]string{programName}, list...)
}

// words splits a line as a shell does: at blanks, but not inside of quotation marks; a backslash takes the next
// character as it is, except in single ones.
func words(line string) (list []string, err error) {
	var word strings.Builder
	var quote rune
	begun, escaped := false, false
	for _, c := range line {
		switch {
		case escaped:
			if quote == '"' && !slices.Contains([]rune{'"', '\\'}, c) {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, begun = c, true
		case unicode.IsSpace(c):
			if begun {
				list = append(list, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quotation is never closed")
	}
	if begun {
		list = append(list, word.String())
	}
	return list, nil
}
