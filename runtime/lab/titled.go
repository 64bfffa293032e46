package lab

import "strings"

// titled puts the name of what was measured above its table, so that several tables side by side can be
// distinguished.
func titled(title, table string) string {
	if title == "" {
		return table
	}
	return title + "\n" + table
}

// titledMarkdown is titled for Markdown.
func titledMarkdown(title, table string) string {
	if title == "" {
		return table
	}
	return "**" + strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "\n", " ").Replace(title) + "**\n\n" + table
}
