package corpustest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"interleave/kernel/wire"
)

// Questions that import packages come while cells are checked that import others: both read and change the types of
// packages, and the session has to survive it.
func TestQuestionsBesideChecks(t *testing.T) {
	t.Parallel()
	k := Start(t, t.TempDir(), "auto", time.Minute)
	packages := []string{
		"strings", "bytes", "http", "json", "xml", "sql", "template", "ast", "types", "big", "tar", "zip", "gzip", "tls",
		"x509", "rsa", "png", "draw", "mail", "smtp", "rpc", "url", "regexp", "heap", "list", "ring", "csv", "hex", "pem",
		"slog", "sort", "slices", "maps", "cmp", "iter", "utf8", "scanner", "parser", "printer", "token", "exec", "signal",
		"user", "pprof", "trace", "debug", "metrics", "syslog", "expvar", "fs", "embed", "suffixarray", "crc32", "maphash",
	}
	done := make(chan struct{})
	var asked sync.WaitGroup
	for worker := range 3 {
		asked.Go(func() {
			for i := worker; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				name := packages[i*7%len(packages)]
				for _, c := range []wire.Content{
					wire.CompleteRequest{Code: name + ".", CursorPos: len(name) + 1},
					wire.InspectRequest{Code: "v" + fmt.Sprint(i%20), CursorPos: 2},
				} {
					if _, err := k.Client.Request(context.Background(), wire.Shell, c, nil); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	cells := []string{
		"var v%d = http.Header{\"a\": {\"b\"}}\nlen(v%[1]d)", "v%d := big.NewInt(%[1]d)\nv%[1]d.Sign() >= 0", "var v%d sql.NullString\nv%[1]d.Valid",
		"v%d := template.New(\"t\")\nv%[1]d.Name()", "var v%d json.Number = \"1\"\nv%[1]d", "v%d := url.Values{}\nv%[1]d.Encode()",
		"func v%d(n *ast.Ident, t types.Type) bool { return n == nil && t == nil }\nv%[1]d(nil, nil)", "v%d := image.NewRGBA(image.Rect(0, 0, 1, 1))\nv%[1]d.Stride",
	}
	for i := range 40 {
		if got := k.Run(fmt.Sprintf(cells[i%len(cells)], i)); got.Err != "" {
			t.Fatalf("cell %d: %s", i, got.Err)
		}
	}
	close(done)
	asked.Wait()
}
