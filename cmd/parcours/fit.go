package main

import (
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"parcours/cmd/internal/service"
)

// leastColumn is how narrow a column is made at most.
const leastColumn = 6

// fitted adds rows to a table, and lets cells wrap where it would be wider than the terminal that it is printed on; what goes
// to a file or a program keeps its lines.
func fitted(t table.Writer, out io.Writer, header table.Row, rows []table.Row) {
	t.AppendRows(rows)
	if width, is := terminalWidth(out); is {
		t.SetColumnConfigs(narrowed(header, rows, width))
	}
}

// usualLine is how long a line is where no terminal says it.
const usualLine = 120

// lineOf is how long a line may be: that of the terminal, where there is one.
func lineOf(out io.Writer) int {
	if width, is := terminalWidth(out); is {
		return width
	}
	return usualLine
}

func terminalWidth(out io.Writer) (width int, is bool) {
	if f, ok := out.(*os.File); ok && service.Terminal(f) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width, true
		}
	}
	return 0, false
}

// narrowed says how wide the columns of a table may be so that it is no wider than a line: the widest give way first.
func narrowed(header table.Row, rows []table.Row, line int) (configs []table.ColumnConfig) {
	widths := make([]int, len(header))
	for _, row := range append([]table.Row{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], text.LongestLineLen(cellText(cell)))
		}
	}
	for room := line - 3*len(widths) - 1; sum(widths) > room; {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastColumn {
			break
		}
		widths[widest]--
	}
	for i, width := range widths {
		configs = append(configs, table.ColumnConfig{Number: i + 1, WidthMax: width, WidthMaxEnforcer: text.WrapSoft})
	}
	return configs
}

func sum(list []int) (all int) {
	for _, n := range list {
		all += n
	}
	return all
}

func cellText(cell any) string { return fmt.Sprint(cell) }
