// Package browser opens notebooks in a real JupyterLab with a real browser, and looks at what a user would see. It knows
// JupyterLab's page; it must not know the kernel's insides. See README.md for how to run it. It is a module of its own, so
// that the kernel's has no browser among its dependencies.
package browser

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// root is the main module's.
const root = "../../.."

var lab struct {
	notebooks  string // the folder that JupyterLab shows
	base       string // its address
	token      string
	pid        int
	log        string
	browser    context.Context // parent of each test's tab
	whyMissing string          // why there is no lab; then tests are skipped
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	work, err := os.MkdirTemp("", "interleave-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(work)
	stop, err := start(work)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		lab.whyMissing = err.Error()
		return m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "start JupyterLab:", err)
		return 1
	}
	defer stop()
	return m.Run()
}

// start installs the kernel of this tree into work and starts JupyterLab and a browser; stop ends both.
func start(work string) (stop func(), err error) {
	dir := os.Getenv("INTERLEAVE_LAB")
	if dir == "" {
		dir = filepath.Join(root, "../shared/jupyter")
	}
	script, err := filepath.Abs(filepath.Join(dir, "start-lab.sh"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(script); err != nil {
		return nil, fmt.Errorf("no JupyterLab to test with: INTERLEAVE_LAB must name the folder of start-lab.sh: %w", err)
	}

	// The kernel as users get it.
	data := filepath.Join(work, "data")
	install := exec.Command("go", "run", ".", "install")
	install.Dir = root
	install.Env = append(os.Environ(), "JUPYTER_DATA_DIR="+data, "XDG_DATA_HOME="+filepath.Join(work, "share"))
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", install, err, out)
	}

	lab.notebooks = filepath.Join(work, "notebooks")
	if err := os.Mkdir(lab.notebooks, 0o755); err != nil {
		return nil, err
	}
	command := exec.Command(script, "--notebooks", lab.notebooks, "--jupyter-path", data, "--state", filepath.Join(work, "state"))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", command, err, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "LAB_BASE":
			lab.base = value
		case "LAB_TOKEN":
			lab.token = value
		case "LAB_LOG":
			lab.log = value
		case "LAB_PID":
			_, err = fmt.Sscan(value, &lab.pid)
		}
	}
	if err != nil || lab.base == "" || lab.pid <= 1 {
		return nil, fmt.Errorf("%v: cannot read what it printed: %q", command, out)
	}

	ctx, cancel := context.WithCancel(context.Background())
	allocator, _ := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
	)...)
	lab.browser, _ = chromedp.NewContext(allocator)
	stop = func() {
		chromedp.Cancel(lab.browser)
		cancel()
		// The server ends its kernels first. It is no child of ours, so that its end is seen by asking.
		syscall.Kill(lab.pid, syscall.SIGTERM)
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if syscall.Kill(lab.pid, 0) != nil {
				return
			}
		}
		syscall.Kill(lab.pid, syscall.SIGKILL)
	}
	if err := chromedp.Do(lab.browser); err != nil {
		stop()
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return stop, nil
}
