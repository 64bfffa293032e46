package install

import (
	"fmt"
	"os"
	"path/filepath"
)

// CacheRoot returns where hosts are built that nothing but the present command needs: the user's cache directory. INTERLEAVE_CACHE
// overrides it.
func CacheRoot() (string, error) {
	if dir := os.Getenv("INTERLEAVE_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w (set INTERLEAVE_CACHE)", err)
	}
	return filepath.Join(dir, "interleave"), nil
}
