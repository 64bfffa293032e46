package browser

import (
	"os"

	"github.com/chromedp/chromedp"
)

func (nb *notebook) shot(name string) {
	b, err := chromedp.Run(nb.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		os.WriteFile("/tmp/"+name, b, 0o644)
	}
}
