package engine

import "interleave/kernel/session"

// Complete knows no completions yet.
func (e *Engine) Complete(code string, cursor int) session.Completion { return session.Completion{} }

// Inspect knows nothing yet.
func (e *Engine) Inspect(code string, cursor, detail int) session.Inspection {
	return session.Inspection{}
}
