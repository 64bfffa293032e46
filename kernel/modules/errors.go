package modules

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"interleave/kernel/cell/names"
	"interleave/kernel/toolchain"
)

// An Error is the reason why modules cannot be used, with a remedy.
type Error struct {
	Message, Remedy string
	Err             error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// A fault is a kind of complaint of the go command.
type fault struct {
	pattern string // what it prints, in lower case
	message string // %s is what was asked for; empty: what the go command printed
	remedy  string
}

// unreachables are what the go command prints when it cannot reach the network, in lower case.
var unreachables = []string{"no such host", "dial tcp", "dial udp", "connection refused", "network is unreachable", "i/o timeout", "tls handshake timeout",
	"proxyconnect", "module lookup disabled", "server misbehaving", "temporary failure in name " +
		"resolution", "could not resolve host",
	"connection reset", "context deadline exceeded", "eof"}

// unreachable reports whether the network was the reason.
func unreachable(output string) bool {
	low := strings.ToLower(output)
	for _, u := range unreachables {
		if strings.Contains(low, ": "+u) || strings.Contains(low, u+":") || u != "eof" && strings.Contains(low, u) {
			return true
		}
	}
	return false
}

const asOnDisk = "A module on this disk can be used with %get ./folder"

// faults are looked for in this order.
var faults = []fault{
	{`security error|checksum mismatch` +
		`|verifying module: `, "", "Its content is not what it was when its version was published: do not use it. " +
		"%env GONOSUMDB and GOPRIVATE name modules that are not published"},
	{`terminal prompts disabled|could not read username|could not read password|permission denied \(publickey` +
		`|authentication failed|401 unauthorized|403 forbidden|invalid username`,
		"%s cannot be fetched: it does not exist, or needs credentials",
		"Compare its path and version with its documentation. For private modules set GOPRIVATE, for example %env " +
			"GOPRIVATE=example.com/*, and give git or GOAUTH your credentials"},
	{`does not contain package|no required module provides|cannot find module providing` +
		`|no matching versions for query|is not in std`,
		"", "Compare the import path with the module's documentation; %get module@version asks for a version"},
	{`unknown revision|invalid version|no matching versions`, "",
		"%get module@latest asks for the newest version"},
	{`requires go >=|requires go1|go\.mod requires go` +
		`|toolchain not available`, "", "Cells are compiled with the Go that the kernel was installed with: " +
		"install a newer one and run `interleave install` again, or ask for an older version with %get module@version"},
	{`module declares its path as`, "", "Import it under the path that it declares"},
	{`is a program, not an importable package`, "", "Only libraries can be imported: run the program with !go run"},
	{`use of internal package|use of vendored package`, "", "Go keeps internal packages for the module they belong to"},
	{`404 not found|410 gone|unrecognized import path|repository not found|malformed module path` +
		`|malformed import path|not found`,
		"there is no module for %s", "Check the spelling; private modules need GOPRIVATE, for example %env " +
			"GOPRIVATE=example.com/*"},
	{`git": executable file not found|exec: "(git|hg|svn|bzr` +
		`|fossil)"`, "", "Install git, or let GOPROXY name a module proxy"},
	{`import cycle not allowed`, "", ""},
	{`no space left|disk quota`, "", "Make room: modules are kept in GOMODCACHE, and what is compiled in GOCACHE"},
}

// explain makes an error of the go command one for the user. asked is what was asked for.
func (t *Session) explain(err error, asked []string) error {
	var known *Error
	var conflict *toolchain.ConflictError
	var failed *toolchain.PackageError
	switch {
	case err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) && !errors.As(err, &failed):
		return err
	case errors.As(err, &conflict):
		return &Error{Err: err, Message: conflict.Error(),
			Remedy: "A session can have one version of a package. %restart empties it: import this module there before the others"}
	case !errors.As(err, &failed):
		return err
	}
	what := strings.Join(asked, ", ")
	text := tidy(failed.Output)
	low := strings.ToLower(failed.Output)
	if unreachable(failed.Output) {
		return &Error{Err: err, Message: fmt.Sprintf("%s cannot be fetched: the network or the module proxy cannot "+
			"be reached\n%s", what, text),
			Remedy: "Check the connection and %env GOPROXY. " + asOnDisk}
	}
	if strings.Contains(low, "build constraints exclude all go files") {
		if !t.cfg.Tools.Cgo() {
			return &Error{Err: err, Message: text,
				Remedy: "If the package needs C code: cells can use it where they are plugins. Set " +
					"INTERLEAVE_LINK=plugin, run `interleave install`, and restart the kernel; or take a module in Go alone"}
		}
		return &Error{Err: err, Message: text, Remedy: "The package is not made for this system"}
	}
	for _, f := range faults {
		if regexp.MustCompile(f.pattern).MatchString(low) {
			message := text
			if f.message != "" {
				message = fmt.Sprintf(f.message, what) + "\n" + text
			}
			return &Error{Err: err, Message: message, Remedy: f.remedy}
		}
	}
	return &Error{Err: err, Message: text}
}

// tidy removes what only concerns the session's own module from the go command's output, and its progress.
func tidy(output string) string {
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		if progressRE.MatchString(line) || strings.HasPrefix(line, "# ") && strings.HasSuffix(line, "interleave/session") {
			continue
		}
		line = placeRE.ReplaceAllString(strings.TrimPrefix(line, "\t"), "")
		line = strings.TrimPrefix(strings.TrimPrefix(line, "go: "), "interleave/session imports\n")
		if line == "interleave/session imports" || line == "package interleave/session" || strings.TrimSpace(line) == "" || goGetRE.MatchString(line) {
			continue
		}
		lines = append(lines, names.Clean(line))
	}
	if len(lines) == 0 {
		return strings.TrimSpace(output)
	}
	const most = 12
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	return strings.Join(lines, "\n")
}

var (
	progressRE = regexp.MustCompile(`^go: (downloading|finding module|found|upgraded|added|downgraded|removed|the network) |^[\w.~/-]+$`)
	placeRE    = regexp.MustCompile(`^(?:\S*/)?imports\.go:\d+:\d+: `)
	goGetRE    = regexp.MustCompile(`^\s*go get |to add (it|missing requirements), run:$|^\s*go mod (tidy|download)`)
)

// progress makes lines for people of what the go command prints.
type progress struct {
	report   func(string)
	found    int // packages whose module was looked for
	compiled int
}

func newProgress(report func(string)) *progress {
	if report == nil {
		report = func(string) {}
	}
	return &progress{report: report}
}

func (p *progress) line(line string) {
	rest, isGo := strings.CutPrefix(line, "go: ")
	switch {
	case strings.HasPrefix(rest, "downloading "):
		p.report("fetching " + strings.TrimPrefix(rest, "downloading "))
	case strings.HasPrefix(rest, "finding module for package "):
		p.found++
		p.report("looking for " + strings.TrimPrefix(rest, "finding module for package "))
	case strings.HasPrefix(rest, "the network"):
		p.report(rest)
	case isGo:
	case line != "" && !strings.ContainsAny(line, " \t#"):
		p.compiled++
		if line != "interleave/session" {
			p.report(fmt.Sprintf("compiling: %d packages, %s", p.compiled, Original(line)))
		}
	}
}
