package quantity

// Bytes spells a number of bytes with three significant digits, in units of 1000: 999 B, 1.5 kB, 47.1 MB. A
// mean may have a fraction.
func Bytes[N int | int64 | uint64 | float64](n N) string {
	return scaled(float64(n), 1000, "B", "kB", "MB", "GB", "TB")
}

// BinaryBytes is [Bytes] in units of 1024, for limits that are round in them: 64 MiB. From 1000 of a unit on,
// the next one is taken.
func BinaryBytes[N int | int64 | uint64 | float64](n N) string {
	return scaled(float64(n), 1024, "B", "KiB", "MiB", "GiB", "TiB")
}
