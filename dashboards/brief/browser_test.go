package brief_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"parcours/dashboards/brief"
	"parcours/dashboards/words"
)

// browser opens Chromium, or says that it is missing: a machine without it shows the pages to nobody.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed, and CI looks at the pages")
		}
		t.Skip("NOT LOOKED AT: chromium is not installed (Debian: apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// layout is what a page says of itself.
type layout struct {
	Wider, Sheets, TallSheets, Charts, EmptyCharts, ThinBars, Bars int
	Overflowing                                                    []string
}

const measure = `(() => {
	const a4 = 297 / 25.4 * 96 + 1, all = s => [...document.querySelectorAll(s)], box = e => e.getBoundingClientRect();
	return {
		Wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
		Sheets: all('.sheet').length,
		TallSheets: all('.sheet').filter(e => box(e).height > a4).length,
		Charts: all('svg').length,
		EmptyCharts: all('svg').filter(e => e.querySelectorAll('path').length < 2 || box(e).height < 30).length,
		Overflowing: all('.tile, .tile b, td, figure, figcaption, li, h1').filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline')
			.map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 60)).concat(
			all('svg text').filter(e => { const b = box(e), s = box(e.closest('svg')); return b.left < s.left - 1 || b.right > s.right + 1 })
			.map(e => 'chart ' + e.textContent)),
		ThinBars: all('svg path[style*="fill:#D55E00"]').filter(e => box(e).height < 4).length,
		Bars: all('svg path[style*="fill:#D55E00"]').length,
	}
})()`

// TestPagesInABrowser: in both languages nothing overflows, no chart is empty, and it prints on two A4 pages, with figures that are not known too.
func TestPagesInABrowser(t *testing.T) {
	ctx := browser(t)
	for i, l := range append(words.Languages(), words.Languages()...) {
		b := sample(l)
		if i >= len(words.Languages()) {
			b.Figures = slices.Delete(b.Figures, 3, 4)
			b.Absent = []brief.Absent{{Name: "complaints_in_time", State: []string{"too early", "not measured"}[i%2], Target: 0.95}}
		}
		html, err := b.HTML(false)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(t.TempDir(), "brief.html")
		if err := os.WriteFile(at, html, 0o600); err != nil {
			t.Fatal(err)
		}
		var got layout
		var pdf []byte
		err = chromedp.Run(ctx, chromedp.Navigate("file://"+at), chromedp.Evaluate(measure, &got), chromedp.ActionFunc(func(ctx context.Context) (err error) {
			pdf, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).WithPrintBackground(true).Do(ctx)
			return err
		}))
		if err != nil {
			t.Fatal(err)
		}
		if got.Wider > 0 || got.Sheets != 2 || got.TallSheets > 0 || got.Charts != 6 || got.EmptyCharts > 0 || got.ThinBars > 0 || got.Bars < 3 || len(got.Overflowing) > 0 {
			t.Errorf("%s: %+v", l, got)
		}
		if n := bytes.Count(pdf, []byte("/Type /Page\n")); n != 2 {
			t.Errorf("%s prints on %d pages, not 2", l, n)
		}
	}
}
