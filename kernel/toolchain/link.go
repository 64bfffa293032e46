package toolchain

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// directLD reports whether ld can be called directly on this system: it must be an ELF linker that takes GNU
// options.
func directLD() bool {
	return runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64")
}

// link makes the plugin. Go's linker does not write a plugin itself but passes an object to the C compiler,
// after it has tested half a dozen of the compiler's options, which takes 100 of 190 ms. So it gets a
// compiler that accepts every option and does nothing, and link runs ld on the objects that were left. When
// that fails, it uses the C compiler.
func (b *build) link(ctx context.Context, fallback bool) error {
	base, err := b.base()
	if err != nil {
		return err
	}
	if err := b.restoreArchives(ctx); err != nil {
		return err
	}
	var cfg bytes.Buffer
	cfg.Write(base)
	cells, err := filepath.Glob(filepath.Join(b.WorkDir, "c*.a"))
	if err != nil {
		return err
	}
	for _, a := range cells {
		name := filepath.Base(a)
		name = name[:len(name)-len(".a")]
		if filepath.Ext(name) == "" { // not c7.main.a
			fmt.Fprintf(&cfg, "packagefile %s%s=%s\n", CellPrefix, name, a)
		}
	}
	for _, p := range b.ProvidedPackages() {
		fmt.Fprintf(&cfg, "packagefile %s=%s\n", p.Path, p.Archive)
	}
	cfgFile := b.file(".link.importcfg")
	if err := os.WriteFile(cfgFile, cfg.Bytes(), 0o644); err != nil {
		return err
	}
	if b.info.Strategy != linkDirect || b.slow.Load() {
		return b.linkExtld(ctx, cfgFile)
	}
	err = b.linkDirect(ctx, cfgFile)
	if err == nil || ctx.Err() != nil || !fallback {
		return err
	}
	if b.linkExtld(ctx, cfgFile) != nil {
		return err // both fail, so ld is not to blame
	}
	b.slow.Store(true)
	return nil
}

// golink runs Go's linker.
func (b *build) golink(ctx context.Context, cfgFile string, more ...string) error {
	args := []string{"-o", b.file(".so"), "-importcfg", cfgFile, "-installsuffix", "dynlink", "-pluginpath", b.main(), "-buildmode=plugin", "-s", "-w"}
	args = append(append(args, more...), b.file(".main.a"))
	_, err := output(ctx, b.WorkDir, b.environ(), b.info.Link.Path, args...)
	return err
}

func (b *build) linkExtld(ctx context.Context, cfgFile string) error {
	cc := b.info.CC
	more := []string{"-extld=" + cc[0]}
	if len(cc) > 1 {
		more = append(more, "-extldflags="+strings.Join(cc[1:], " "))
	}
	return b.golink(ctx, cfgFile, more...)
}

func (b *build) linkDirect(ctx context.Context, cfgFile string) error {
	tmp := b.file(".link")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := b.golink(ctx, cfgFile, "-extld="+b.info.True, "-tmpdir="+tmp); err != nil {
		return err
	}
	objs, err := filepath.Glob(filepath.Join(tmp, "*.o"))
	if err != nil {
		return err
	}
	slices.Sort(objs)
	args := []string{"-shared", "-s", "-z", "relro", "-z", "now", "-z", "nocopyreloc", "--build-id=none", "--hash-style=gnu", "-O0", "-o", b.file(".so")}
	args = append(append(args, objs...), "-lpthread", "-lc")
	_, err = output(ctx, tmp, b.environ(), b.info.LD, args...)
	return err
}
