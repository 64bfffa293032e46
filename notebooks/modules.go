package notebooks

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"interleave/kernel/client"
	"interleave/kernel/wire"
	"interleave/notebooks/ipynb"
)

// Modules that cells import are pinned in the notebook: a run uses the versions that are there, and keeps those
// that it has used. The kernel knows them by its magic %get.

// pinModules makes the kernel use the versions in the notebook.
func (r *Runner) pinModules(ctx context.Context, k Kernel) error {
	list := r.nb.Modules()
	if len(list) == 0 {
		return nil
	}
	var pins []string
	for _, m := range list {
		pins = append(pins, strings.TrimSpace(m.Path+"@"+m.Version+" "+m.Sum))
	}
	reply, err := k.Execute(ctx, client.ExecuteRequest{Code: "%get -pin " + strings.Join(pins, ", "), Silent: true}, func(*wire.Message) {})
	if err != nil {
		return fmt.Errorf("%s: pin the versions of modules: %w", r.nb.Name(), err)
	}
	if reply.Status != wire.OK {
		return fmt.Errorf("%s: the versions of modules in the notebook's metadata (interleave.modules): %s", r.nb.Name(), reply.EValue)
	}
	return nil
}

// mayImport matches code that may use modules.
var mayImport = regexp.MustCompile("[\"`][\\w.~-]+\\.[\\w.~-]+/|(?m)^\\s*%get\\b")

// modulesWait is how long the kernel may take to list modules.
const modulesWait = 10 * time.Second

// keepModules stores the versions that the run has used. A kernel that does not answer changes nothing.
func (r *Runner) keepModules(ctx context.Context, k Kernel) {
	uses := len(r.nb.Modules()) > 0
	for _, c := range r.nb.Cells() {
		uses = uses || c.Type() == ipynb.Code && mayImport.MatchString(c.Source())
	}
	if !uses {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, modulesWait)
	defer cancel()
	var text strings.Builder
	reply, err := k.Execute(ctx, client.ExecuteRequest{Code: "%get -pins", Silent: true}, func(m *wire.Message) {
		if s, err := wire.As[wire.StreamText](m); err == nil {
			text.WriteString(s.Text)
		}
	})
	if err != nil || reply.Status != wire.OK {
		return
	}
	var list []ipynb.Module
	for line := range strings.Lines(text.String()) {
		at, sum, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path, version, ok := strings.Cut(at, "@"); ok {
			list = append(list, ipynb.Module{Path: path, Version: version, Sum: sum})
		}
	}
	r.nb.SetModules(list)
}
