package kernel

import (
	"maps"
	"slices"
	"unicode/utf8"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// A question is a complete_request, an inspect_request or a debug_request that the session has not answered. Many may be open,
// beside the running cell and those that wait for it.
type question struct {
	request request // its message is without content
	inspect bool
	cursor  int // in code points, within the code
	length  int // of the code, in code points
	debug   *wire.DebugRequest
}

// isQuestion reports whether a request does not wait for its turn behind the cells.
func isQuestion(r request) bool {
	t := r.msg.Header.MsgType
	return t == "complete_request" || t == "inspect_request"
}

// question asks the session, which answers later, and reports whether the request is answered already.
func (k *kernel) question(r request, q session.Question) (over bool) {
	open := question{
		request: request{r.channel, r.msg.Stub(), r.came},
		inspect: q.Inspect,
		length:  utf8.RuneCountInString(q.Code),
	}
	open.cursor = min(max(q.Cursor, 0), open.length)
	q.Cursor = open.cursor
	return k.askSession(open, q)
}

// askSession asks the session an open question, and reports whether it is answered already.
func (k *kernel) askSession(open question, q session.Question) (over bool) {
	if k.events == nil { // the session has ended for good
		k.replyQuestion(open, session.Answered{})
		return true
	}
	k.lastQuestion++
	q.ID = k.lastQuestion
	k.questions[q.ID] = open
	k.cfg.Session.Ask(q)
	return false
}

// answeredQuestion ends a question.
func (k *kernel) answeredQuestion(a session.Answered) {
	q, ok := k.questions[a.ID]
	if !ok {
		k.log.Error("a question that is not open was answered", "question", a.ID)
		return
	}
	delete(k.questions, a.ID)
	k.replyQuestion(q, a)
	k.idle(q.request.msg)
}

// dropQuestions ends the open questions without an answer, in the order in which they came.
func (k *kernel) dropQuestions() {
	for _, id := range slices.Sorted(maps.Keys(k.questions)) {
		k.answeredQuestion(session.Answered{ID: id})
	}
}

func (k *kernel) replyQuestion(q question, a session.Answered) {
	if q.debug != nil {
		k.replyVariables(q, a)
		return
	}
	if !q.inspect {
		k.reply(q.request, q.completion(a.Completion))
		return
	}
	c := wire.InspectReply{Status: wire.OK}
	if a.Inspection.Found {
		c.Found, c.Data = true, wire.Bundle(a.Inspection.Data)
	}
	if _, err := wire.Encode(c); err != nil {
		k.log.Error("an inspection is not JSON", "err", err)
		c = wire.InspectReply{Status: wire.OK}
	}
	k.reply(q.request, c)
}

// completion is the reply to a complete_request. Without matches it replaces nothing, at the cursor.
func (q question) completion(c session.Completion) wire.CompleteReply {
	reply := wire.CompleteReply{Status: wire.OK, CursorStart: q.cursor, CursorEnd: q.cursor}
	if len(c.Matches) == 0 {
		return reply
	}
	reply.CursorStart = min(max(c.Start, 0), q.length)
	reply.CursorEnd = min(max(c.End, reply.CursorStart), q.length)
	for _, m := range c.Matches {
		reply.Matches = append(reply.Matches, m.Text)
		reply.Metadata.Types = append(reply.Metadata.Types, wire.CompletionType{
			Start: reply.CursorStart, End: reply.CursorEnd, Text: m.Text, Type: m.Type, Signature: m.Signature,
		})
	}
	return reply
}
