// Package browser opens notebooks in a real JupyterLab with a real browser, and looks at what a user would see. It knows
// JupyterLab's page; it must not know the kernel's insides. See README.md for how to run it. It is a module of its own, so
// that the kernel's has no browser among its dependencies.
package browser

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// root is the main module's.
const root = "../../.."

// A server is a JupyterLab that runs.
type server struct {
	notebooks string // the folder that it shows
	base      string // its address
	token     string
	log       string
}

var lab struct {
	server
	plain      server          // likewise, without ipywidgets
	browser    context.Context // parent of each test's tab
	whyMissing string          // why there is no lab; then tests are skipped
}

// errNotSetUp is the reason to skip tests.
var errNotSetUp = errors.New("not set up")

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
	if errors.Is(err, errNotSetUp) && os.Getenv("CI") != "true" {
		lab.whyMissing = err.Error()
		return m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	return m.Run()
}

// start starts JupyterLab with and without ipywidgets, with the kernel of this tree, and a browser; stop ends all.
func start(work string) (stop func(), err error) {
	data := filepath.Join(work, "data")
	stopFirst, err := startLab(&lab.server, filepath.Join(work, "widgets"), data)
	if err != nil {
		return nil, fmt.Errorf("start JupyterLab: %w", err)
	}
	stopSecond, err := startLab(&lab.plain, filepath.Join(work, "plain"), data, "LABEXTENSIONS=")
	if err != nil {
		stopFirst()
		return nil, fmt.Errorf("start JupyterLab without ipywidgets: %w", err)
	}
	stopLab := func() { stopSecond(); stopFirst() }
	// JupyterLab looks for kernels when it needs one, so it may be there first.
	if err := installKernel(work, data); err != nil {
		stopLab()
		return nil, err
	}
	stopBrowser, err := startBrowser()
	if err != nil {
		stopLab()
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return func() { stopBrowser(); stopLab() }, nil
}

// startLab starts a JupyterLab, which finds the kernels in data, and waits until it answers. stop ends it, its kernels first.
func startLab(lab *server, work, data string, environment ...string) (stop func(), err error) {
	lab.notebooks = filepath.Join(work, "notebooks")
	if err := os.MkdirAll(lab.notebooks, 0o755); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	lab.base = fmt.Sprint("http://127.0.0.1:", port)
	lab.token = rand.Text()
	lab.log = filepath.Join(work, "jupyterlab.log")
	log, err := os.Create(lab.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, "jupyterlab/start", "--ServerApp.root_dir="+lab.notebooks,
		fmt.Sprint("--ServerApp.port=", port), "--ServerApp.port_retries=0")
	command.Env = append(os.Environ(), "JUPYTER_TOKEN="+lab.token, "JUPYTER_PATH=", "JUPYTER_DATA_DIR="+data,
		"JUPYTER_CONFIG_DIR="+filepath.Join(work, "config"), "JUPYTER_RUNTIME_DIR="+filepath.Join(work, "runtime"))
	command.Env = append(command.Env, environment...)
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 20 * time.Second // then it is killed
	if err := command.Start(); err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		command.Wait()
		close(ended)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	if err := waitForLab(lab, ended); err != nil {
		stop()
		output, _ := os.ReadFile(lab.log)
		output = bytes.TrimSpace(output)
		if command.ProcessState.ExitCode() == 3 { // as jupyterlab/start documents
			return nil, fmt.Errorf("%w: %s", errNotSetUp, output)
		}
		return nil, fmt.Errorf("%w\n%s", err, output)
	}
	return stop, nil
}

// waitForLab waits until JupyterLab answers requests that have its token, at the latest until its process has ended.
func waitForLab(lab *server, ended <-chan struct{}) error {
	request, err := http.NewRequest("GET", lab.base+"/api/status", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "token "+lab.token)
	client := http.Client{Timeout: 10 * time.Second}
	timeout := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return errors.New("it ended before it answered")
		case <-timeout:
			return fmt.Errorf("it did not answer within %v", patience)
		case <-tick.C:
		}
		response, err := client.Do(request)
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// installKernel installs the kernel as users get it.
func installKernel(work, data string) error {
	install := exec.Command("go", "run", ".", "install")
	install.Dir = root
	install.Env = append(os.Environ(), "JUPYTER_DATA_DIR="+data, "XDG_DATA_HOME="+filepath.Join(work, "share"))
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", install, err, out)
	}
	return nil
}

func startBrowser() (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	allocator, _ := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
	)...)
	lab.browser, _ = chromedp.NewContext(allocator)
	stop = func() {
		chromedp.Cancel(lab.browser)
		cancel()
	}
	if err := chromedp.Do(lab.browser); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}
