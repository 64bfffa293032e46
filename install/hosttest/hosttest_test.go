package hosttest

import (
	"os/exec"
	"strings"
	"testing"
)

func TestHostRuns(t *testing.T) {
	host := Host(t)
	out, err := exec.Command(host, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "interleave ") {
		t.Fatalf("%s version: %v\n%s", host, err, out)
	}
	if tc := Toolchain(t, host); tc.Strategy() == "none" {
		t.Error("the machine of this test cannot link plugins")
	}
}
