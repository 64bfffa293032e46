package page

import (
	"strings"

	"golang.org/x/net/html"
)

// A tokenReader reads HTML token by token as browsers do, and keeps how each is spelled.
type tokenReader struct {
	*html.Tokenizer
	rest string // what follows the last token
	long bool   // a tag longer than longTag was read
}

// longTag is a length in bytes. A tokenizer keeps a table of the attributes of its longest tag and clears it
// for each other tag. So after a tag of this length another tokenizer reads on, and the time of all grows
// with the length of the text.
const longTag = 4096

func readTokens(s string) *tokenReader {
	return &tokenReader{Tokenizer: html.NewTokenizer(strings.NewReader(s)), rest: s}
}

// next returns the next token, with name and attributes if it is a tag, and its spelling. That is empty at
// the end of the text. A tag that does not end is an error token with all of the rest.
func (r *tokenReader) next() (t html.Token, raw string) {
	t.Type = r.Next()
	n := len(r.Raw())
	if t.Type == html.ErrorToken {
		n = len(r.rest)
	}
	raw, r.rest = r.rest[:n], r.rest[n:]
	if !isTag(t) {
		return t, raw
	}
	t = r.Token()
	r.long = r.long || n > longTag
	if r.long && (t.Type == html.EndTagToken || !rawText[t.Data]) {
		r.Tokenizer, r.long = html.NewTokenizer(strings.NewReader(r.rest)), false
	}
	return t, raw
}

// skip drops everything up to and with the end tag of name, or all of the rest without one.
func (r *tokenReader) skip(name string) {
	for {
		t, raw := r.next()
		switch {
		case raw == "", t.Type == html.EndTagToken && t.Data == name:
			return
		case t.Type == html.StartTagToken:
			r.NextIsNotRawText()
		}
	}
}

// rawContent returns the text up to the end tag of name, and drops that. The tag of name, in whose content
// nothing is markup, was the last token.
func (r *tokenReader) rawContent(name string) string {
	var content string
	for {
		t, raw := r.next()
		switch {
		case t.Type == html.EndTagToken:
			return content
		case raw != "":
			content += raw
		case strings.Contains(content, "<!--"):
			return "" // a script that is not closed does not run, and an end tag might not close this one
		default:
			return content
		}
	}
}

// rawText are the elements whose content is text up to their end tag.
var rawText = set("iframe noembed noframes noscript script style textarea title xmp")

func isTag(t html.Token) bool {
	return t.Type == html.StartTagToken || t.Type == html.SelfClosingTagToken || t.Type == html.EndTagToken
}

// ended reports whether a tag, comment or declaration has its end, as all of them have but the last of a text.
func ended(t html.Token, raw string) bool {
	switch {
	case t.Type == html.ErrorToken:
		return false
	case t.Type == html.CommentToken && strings.HasPrefix(raw, "<!--"):
		return strings.HasSuffix(raw, "-->") || strings.HasSuffix(raw, "--!>")
	case t.Type == html.CommentToken, t.Type == html.DoctypeToken:
		return strings.HasSuffix(raw, ">")
	}
	return true
}
