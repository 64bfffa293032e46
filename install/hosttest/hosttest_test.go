package hosttest

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

func TestHostRuns(t *testing.T) {
	host := Host(t)
	out, err := exec.Command(host, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "interleave ") {
		t.Fatalf("%s version: %v\n%s", host, err, out)
	}
	tc := Toolchain(t, host)
	memory := runtime.GOOS == "linux" && runtime.GOARCH == "amd64" && os.Getenv("INTERLEAVE_LINK") != "plugin"
	if s := tc.Strategy(); s == "none" || memory && s != "memory" {
		t.Errorf("the machine of this test links cells by %q: %s", s, tc.Linking())
	}
}
