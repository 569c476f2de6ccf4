package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/dashboards/brief"
)

// BriefCommand writes the month on two pages.
type BriefCommand struct {
	DirectoryFlags
	Month string `help:"Month to tell, as 2026-10; the last complete one where none is given." placeholder:"MONTH" env:"-"`
	Lang  string `help:"Language of the pages." enum:"fr,en" default:"fr"`
	Out   string `short:"o" help:"File to write: .html, or .pdf where Chromium is installed; - for HTML on standard output." default:"brief.html" env:"-"`
}

// Help is shown by --help.
func (*BriefCommand) Help() string {
	return `Writes the two pages that can be put on the table of an executive committee: one sentence, five figures, the three breakpoints that cost
most, alerts and actions; then one chart a message, what changed, and where to look. The file needs no network.

  parcours brief --data DIR --month 2026-10 --lang fr --out brief.html
  parcours brief --data DIR --lang en --out brief.pdf

parcours up and demo serve the same pages live at /. docs/brief.md says what each figure is.`
}

// Run reads the month, and writes.
func (c *BriefCommand) Run(common *service.Common, s *streams) error {
	month, err := c.month()
	if err != nil {
		return err
	}
	pdf, err := c.pdf()
	if err != nil {
		return err
	}
	browser := ""
	if pdf {
		if browser, err = findBrowser(); err != nil {
			return err
		}
	}
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.readable(ctx)
	if err != nil {
		return err
	}
	b, err := brief.Read(ctx, queryOf(store), month, brief.Language(c.Lang))
	if err != nil {
		return err
	}
	page, err := b.HTML(false)
	switch {
	case err != nil:
		return err
	case c.Out == "-":
		_, err = s.out.Write(page)
		return err
	case pdf:
		err = printPDF(ctx, browser, page, c.Out)
	default:
		err = os.WriteFile(c.Out, page, 0o644)
	}
	if err == nil {
		fmt.Fprintf(s.err, "The brief of %s is in %s.\n", b.Month.Format("2006-01"), c.Out)
	}
	return err
}

// pdf says whether the file is to be a PDF. Its ending is all that says what it is: another would get HTML under a name that no browser opens.
func (c *BriefCommand) pdf() (bool, error) {
	switch strings.ToLower(filepath.Ext(c.Out)) {
	case ".pdf":
		return true, nil
	case ".html":
		return false, nil
	}
	if c.Out == "-" {
		return false, nil
	}
	return false, misused("--out %s: expected a file that ends in .html or .pdf, or - for HTML on standard output", c.Out)
}

// month is the first day of the one asked for; zero for none.
func (c *BriefCommand) month() (time.Time, error) { return parseMonth("--month", c.Month) }

func parseMonth(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	m, err := time.Parse("2006-01", text)
	if err != nil {
		return m, misused("%s %s: expected a month, as 2026-10", name, text)
	}
	return m, nil
}

// browsers are the names under which Chromium is installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

func findBrowser() (string, error) {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("a PDF is printed by Chromium, which is not installed (Debian: apt-get install chromium): --out brief.html needs none")
}

// printWithin is how long a browser may take.
const printWithin = time.Minute

// printPDF prints a page by Chromium, in a profile of its own.
func printPDF(ctx context.Context, browser string, page []byte, out string) error {
	dir, err := os.MkdirTemp("", "parcours-brief-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	from := filepath.Join(dir, "brief.html")
	if err := os.WriteFile(from, page, 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, printWithin)
	defer cancel()
	args := []string{"--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer", "--user-data-dir=" + filepath.Join(dir, "profile"), "--print-to-pdf=" + out}
	if os.Geteuid() == 0 { // its sandbox refuses root; the page is our own and holds no script
		args = append(args, "--no-sandbox")
	}
	said, err := exec.CommandContext(ctx, browser, append(args, "file://"+from)...).CombinedOutput() //nolint:gosec // a browser found on the PATH
	if err != nil {
		return fmt.Errorf("print by %s: %w: %s", browser, err, strings.TrimSpace(string(said)))
	}
	return nil
}
