package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"interleave/kernel/command"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"interleave": main})
}

// TestScripts runs the command line as a user does. Hosts are built in the user's cache, as everywhere, and installed into the
// script's own folders.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
			if err != nil {
				return err
			}
			dirs := strings.Fields(string(out))
			if len(dirs) != 3 {
				return fmt.Errorf("go env says %q", out)
			}
			cache, err := os.UserCacheDir()
			if err != nil {
				return err
			}
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", home)
			e.Setenv("XDG_DATA_HOME", filepath.Join(home, "data"))
			e.Setenv("GOCACHE", dirs[0])
			e.Setenv("GOMODCACHE", dirs[1])
			e.Setenv("GOPATH", dirs[2])
			e.Setenv("INTERLEAVE_CACHE", filepath.Join(cache, "interleave"))
			return os.Mkdir(home, 0o755)
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "short":
				return testing.Short(), nil
			case "cc": // this machine has a C compiler
				_, err := exec.LookPath("gcc")
				if err != nil {
					_, err = exec.LookPath("clang")
				}
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// upgradego makes an installed host believe that it was built with another Go than there is now.
			"upgradego": func(ts *testscript.TestScript, neg bool, args []string) {
				host, err := filepath.EvalSymlinks(ts.MkAbs(args[0]))
				ts.Check(err)
				name := filepath.Join(filepath.Dir(filepath.Dir(host)), "toolchain.json")
				b, err := os.ReadFile(name)
				ts.Check(err)
				ts.Check(os.WriteFile(name, []byte(strings.ReplaceAll(string(b), runtime.Version(), "go1.26.0")), 0o644))
			},
			// onlyon keeps these programs, and nothing else, on PATH.
			"onlyon": func(ts *testscript.TestScript, neg bool, args []string) {
				bin := ts.MkAbs("bin")
				ts.Check(os.Mkdir(bin, 0o755))
				for _, name := range args {
					path, err := exec.LookPath(name)
					ts.Check(err)
					ts.Check(os.Symlink(path, filepath.Join(bin, name)))
				}
				self, err := exec.LookPath("interleave")
				ts.Check(err)
				ts.Setenv("PATH", bin+string(os.PathListSeparator)+filepath.Dir(self))
			},
		},
	})
}

// TestSubcommands checks that the launcher runs exactly the subcommands that the table says are its own.
func TestSubcommands(t *testing.T) {
	t.Parallel()
	for _, c := range command.Subcommands {
		if (own[c.Name] != nil) != c.Launcher {
			t.Errorf("the launcher runs %s: %v; the table says %v", c.Name, own[c.Name] != nil, c.Launcher)
		}
	}
	for name := range own {
		if _, ok := command.Lookup(name); !ok {
			t.Errorf("%s is not in the table of subcommands", name)
		}
	}
}
