//go:build !linux

package remote

func threadID() int { return 0 }
