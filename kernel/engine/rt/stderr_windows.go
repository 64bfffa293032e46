package rt

import "syscall"

// standardError is where print writes.
var standardError = syscall.Stderr
