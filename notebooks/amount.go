package notebooks

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// parseAmount parses the output of quantity.Bytes, up to gigabytes, whatever the case, with or without the
// space and the B; a plain number is bytes.
func parseAmount(s string) (int64, error) {
	number, unit := strings.TrimSuffix(strings.ToLower(s), "b"), 1.0
	for i, u := range []string{"k", "m", "g"} {
		if rest, ok := strings.CutSuffix(number, u); ok {
			number, unit = rest, math.Pow10(3*(i+1))
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(0 <= n && n*unit <= 1e15) {
		return 0, errors.New("want a size such as 500kB or 10MB")
	}
	return int64(n * unit), nil
}
