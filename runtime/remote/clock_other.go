//go:build !linux

package remote

// The clocks by which workers note what they do are Linux's. Elsewhere nothing is noted.

func monotonic() int64       { return 0 }
func used() int64            { return 0 }
func usedBy(int) int64       { return 0 }
func usedByThread(int) int64 { return 0 }
func core() int              { return -1 }
