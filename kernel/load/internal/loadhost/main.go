// Loadhost loads the archives named by its arguments, in order or all at once, into its process. It is the
// smallest program that links cells into itself, for the tests of package load. It knows nothing of cells;
// their init functions do whatever a test is about.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"interleave/kernel/load"
	"interleave/kernel/toolchain"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "index" {
		text, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		return load.WriteIndex(args[2], toolchain.ParseImportcfg(text))
	}
	dir, err := toolchain.Here()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "importcfg"))
	if err != nil {
		return err
	}
	archives := toolchain.ParseImportcfg(text)
	for _, file := range args {
		archives[pathOf(file)] = file
	}
	l, err := load.Open(load.Config{Index: filepath.Join(dir, "symbols.idx"), Archive: func(path string) (string, error) {
		if a := archives[path]; a != "" {
			return a, nil
		}
		return "", errors.New("there is no archive")
	}})
	if err != nil {
		return err
	}
	if os.Getenv("LOADHOST_TOGETHER") != "" {
		return together(l, args)
	}
	for _, file := range args {
		if err := l.Load(pathOf(file), file); err != nil {
			fmt.Printf("%s: %v\n", filepath.Base(file), err)
		}
		runtime.GC()
	}
	return nil
}

func together(l *load.Loader, files []string) error {
	var wg sync.WaitGroup
	errs := make([]error, len(files))
	for i, file := range files {
		wg.Go(func() { errs[i] = l.Load(pathOf(file), file) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// pathOf is the import path of the cell in dir/c7.a.
func pathOf(file string) string {
	return load.CellPrefix + strings.TrimSuffix(filepath.Base(file), ".a")
}
