package source

// Styles of words in what a failed cell shows: ANSI sequences for the weight of letters, and no colours.
// JupyterLab draws errors and standard error on #fdd in its light theme and on #511f1b in its dark one, with
// the same sixteen colours for letters in both. To have a contrast of 4.5 (WCAG AA) a colour must be darker
// than a luminance of 0.13 on the one, and lighter than 0.30 on the other: its red has 2.7 on the light
// background, its cyan 1.6. The default colour changes with the theme.
const (
	Bold  = "\x1b[1m"
	Faint = "\x1b[2m" // without effect in JupyterLab
	Reset = "\x1b[0m"
)
