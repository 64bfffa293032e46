package browser

import "fmt"

// readable is the contrast that words must have to what lies behind them: WCAG's level AA.
const readable = 4.5

// contrast defines, in the page's language, the luminance of a colour of numbers up to 255, and the contrast of two luminances.
const contrast = `const luminance = c => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => sum + w * (c[i] <= 10 ? c[i] / 3294 : ((c[i] / 255 + 0.055) / 1.055) ** 2.4), 0)
	const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)`

// A word is a run of text in one style.
type word struct {
	Text     string
	Contrast float64
}

// words gives the text inside what a selector finds. What lies behind a word is the background of its element on those of all
// elements around it; an element that is not opaque is mixed with them.
func words(nb *notebook, selector string) []word {
	nb.t.Helper()
	return eval[[]word](nb, fmt.Sprintf(`(() => {
		%s
		const parse = s => { const n = s.match(/[\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1] }
		const over = (top, below) => below.map((v, i) => i < 3 ? top[i] * top[3] + v * (1 - top[3]) : 1)
		const words = []
		for (const area of document.querySelectorAll(%q)) {
			const texts = document.createTreeWalker(area, NodeFilter.SHOW_TEXT)
			for (let text = texts.nextNode(); text; text = texts.nextNode()) {
				if (!text.data.trim()) continue
				const layers = []
				let opacity = 1
				for (let e = text.parentElement; e; e = e.parentElement) {
					layers.unshift(parse(getComputedStyle(e).backgroundColor))
					opacity *= getComputedStyle(e).opacity
				}
				const back = layers.reduce((below, top) => over(top, below), [255, 255, 255, 1])
				const [r, g, b, a] = parse(getComputedStyle(text.parentElement).color)
				words.push({Text: text.data, Contrast: contrast(luminance(over([r, g, b, a * opacity], back)), luminance(back))})
			}
		}
		return words
	})()`, contrast, selector))
}
