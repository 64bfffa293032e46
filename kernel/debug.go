package kernel

import (
	"cmp"
	"encoding/json"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// A debugger is what the kernel keeps for clients that show variables by way of the Debug Adapter Protocol, as
// JupyterLab's panel does. It has no breakpoints and stops nothing, and its responses do not pretend otherwise:
// breakpoints that are set are not confirmed, so that front ends take them away, and requests about stopped code fail
// with the reason.
type debugger struct {
	seq     int            // of the last response or event
	started bool           // by a client
	tree    bool           // the client is JupyterLab, whose tree shows types in place of values
	paths   []string       // of values that have parts, by the reference that clients know, minus one
	refs    map[string]int // the other way
}

// maxReferences is how many values with parts are remembered. Clients ask again for older ones.
const maxReferences = 1 << 16

// onlyVariables is the reason for failures.
const onlyVariables = "this kernel's debugger shows variables and stops nothing: it has no breakpoints and no steps"

// debugBodies are the bodies of responses that are always the same. Front ends end their start of a debugger, and
// ask for breakpoints before each cell, with requests that need an answer of this form.
var debugBodies = map[string]any{
	"initialize":              wire.DebugCapabilities{ConfigurationDone: true},
	"attach":                  struct{}{},
	"disconnect":              struct{}{},
	"terminate":               struct{}{},
	"configurationDone":       struct{}{},
	"setExceptionBreakpoints": wire.DebugBreakpoints{Breakpoints: []struct{}{}},
	"setBreakpoints":          wire.DebugBreakpoints{Breakpoints: []struct{}{}},
	"dumpCell":                wire.DebugCell{SourcePath: debugPrefix + "cell" + debugSuffix}, // no such file is made
	"modules":                 wire.DebugModules{Modules: []struct{}{}},
}

// Clients compute a name for each cell from its text with these.
const (
	debugPrefix = "/interleave/"
	debugSuffix = ".go"
	debugHash   = "Murmur2"
)

// debug answers a debug_request, or asks the session, and reports whether it is answered.
func (k *kernel) debug(r request, c wire.DebugRequest) (over bool) {
	d := &k.debugger
	switch c.Command {
	case "initialize":
		d.started, d.tree = true, c.Arguments.ClientID == "jupyterlab"
		k.debugged(r, c, debugBodies[c.Command])
		k.publish(r.msg, wire.DebugEvent{Seq: d.next(), Type: "event", Event: "initialized"})
		return true
	case "disconnect", "terminate":
		d.started = false
	case "debugInfo":
		k.debugged(r, c, wire.DebugInfo{Started: d.started, HashMethod: debugHash,
			TmpFilePrefix: debugPrefix, TmpFileSuffix: debugSuffix,
			Breakpoints: []struct{}{}, StoppedThreads: []int{}, RichRendering: true, ExceptionPaths: []string{}})
		return true
	case "inspectVariables":
		return k.askVariables(r, c, session.Question{Variables: true})
	case "variables":
		path, ok := d.path(c.Arguments.Reference)
		if !ok {
			k.debugFailed(r, c, "there is no value with this reference any longer: list the variables again")
			return true
		}
		return k.askVariables(r, c, session.Question{Variables: true, Code: path})
	case "richInspectVariables":
		name := c.Arguments.Name
		return k.askVariables(r, c, session.Question{Inspect: true, Code: name, Cursor: len([]rune(name))})
	}
	if body, ok := debugBodies[c.Command]; ok {
		k.debugged(r, c, body)
	} else {
		why := onlyVariables
		if c.Command == "copyToGlobals" {
			why = "the variables that are shown are the session's already: there is nothing to copy"
		}
		k.debugFailed(r, c, why)
	}
	return true
}

// askVariables asks the session for a client that shows variables.
func (k *kernel) askVariables(r request, c wire.DebugRequest, q session.Question) (over bool) {
	return k.askSession(question{request: request{r.channel, r.msg.Stub(), r.came}, inspect: q.Inspect, debug: &c}, q)
}

// replyVariables answers a debug_request with what the session has answered.
func (k *kernel) replyVariables(q question, a session.Answered) {
	if q.inspect {
		body := wire.DebugRich{Data: wire.Bundle(a.Inspection.Data), Metadata: wire.Bundle{}}
		if !a.Inspection.Found {
			k.debugFailed(q.request, *q.debug, cmp.Or(q.debug.Arguments.Name, "this name")+" is not known")
			return
		}
		k.debugged(q.request, *q.debug, body)
		return
	}
	body := wire.DebugVariables{Variables: []wire.DebugVariable{}}
	for _, v := range a.Variables {
		shown := wire.DebugVariable{Name: v.Name, Type: v.Type, Value: v.Value}
		if q.debug.Command == "inspectVariables" { // names of parts are no expressions
			shown.EvaluateName = v.Name
		}
		if k.debugger.tree {
			shown.Type, shown.Value = forTree(v)
		}
		if v.Path != "" {
			shown.Reference = k.debugger.reference(v.Path)
		}
		body.Variables = append(body.Variables, shown)
	}
	k.debugged(q.request, *q.debug, body)
}

// forTree returns type and value of a variable so that JupyterLab's tree shows both: of a variable with a type that
// is not Python's int or bool it shows the type alone, and the value where there is no type.
func forTree(v session.Variable) (typ, value string) {
	switch v.Type {
	case "int", "bool":
		return v.Type, v.Value
	case "string", "error", "float64", "":
		return "", v.Value
	}
	return "", v.Type + ": " + v.Value
}

func (d *debugger) next() int {
	d.seq++
	return d.seq
}

// reference returns the number by which clients know a value with parts.
func (d *debugger) reference(path string) int {
	if n := d.refs[path]; n > 0 {
		return n
	}
	if d.refs == nil || len(d.paths) >= maxReferences {
		d.paths, d.refs = nil, map[string]int{}
	}
	d.paths = append(d.paths, path)
	d.refs[path] = len(d.paths)
	return len(d.paths)
}

func (d *debugger) path(reference int) (path string, ok bool) {
	if reference < 1 || reference > len(d.paths) {
		return "", false
	}
	return d.paths[reference-1], true
}

func (k *kernel) debugged(r request, c wire.DebugRequest, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		k.log.Error("encode debug_reply", "command", c.Command, "err", err)
		k.debugFailed(r, c, "the answer cannot be encoded")
		return
	}
	k.reply(r, wire.DebugReply{Seq: k.debugger.next(), Type: "response", RequestSeq: c.Seq, Command: c.Command,
		Success: true, Body: text})
}

func (k *kernel) debugFailed(r request, c wire.DebugRequest, why string) {
	k.reply(r, wire.DebugReply{Seq: k.debugger.next(), Type: "response", RequestSeq: c.Seq, Command: c.Command,
		Message: why})
}
