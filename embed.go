package main

import "embed"

// source is the module itself, from which the host is built: all Go files, the assembly files beside them and
// what Go files embed. Tests come along, since a pattern cannot leave them out; the build ignores them. A
// pattern must not reach into kernel/kerneltest/browser, which is another module. A test compares it with
// what the build needs.
//
//go:embed go.mod go.sum runtime/lab/*.s kernel/engine/interpreted/dyntype/*.s */*.go */*/*.go kernel/cell/*/*.go kernel/cell/lower/overlay/*/*.go kernel/engine/*/*.go kernel/load/*/*.go kernel/toolchain/*/*.go runtime/*/*/*.go */*/*/*/*.go kernel/load/*.s
//go:embed install/assets kernel/toolchain/stdfiles kernel/toolchain/selftest.txt notebooks/page/page.css notebooks/lessons runtime/lab/benchtable/*.py
var source embed.FS
