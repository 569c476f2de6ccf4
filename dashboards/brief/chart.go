package brief

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"regexp"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Colours of the house (dashboards.Plain and its like).
var (
	plain = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
	band  = color.NRGBA{0x00, 0x72, 0xB2, 0x28}
	quiet = color.NRGBA{0x8A, 0x8F, 0x98, 0xFF}
	bad   = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	ink   = color.NRGBA{0x22, 0x26, 0x2B, 0xFF}
)

// Size of a chart: half a page wide.
const (
	chartWidth  = 255 * vg.Length(1) // points
	chartHeight = 118 * vg.Length(1)
	letters     = 8
)

// newPlot is an empty chart in the style of the house: no frame, few ticks, one faint grid.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Label.Font = font.From(plot.DefaultFont, letters)
		a.Tick.Label.Font.Typeface, a.Tick.Label.Font.Variant = "Liberation", "Sans"
		a.Tick.Label.Color, a.Width, a.Tick.Width = ink, 0, 0
		a.Padding = 2
	}
	p.X.Padding = 6 // else the lowest share stands on the first month
	return p
}

// trend is a figure by month: its line, its interval, its target. A month without a value is left out of the line, one without an interval of the band.
func (s *sayer) trend(f *Figure) (template.HTML, error) {
	p := newPlot()
	first, last := f.History[0].Month, f.History[len(f.History)-1].Month
	p.Y.Min, p.Y.Max = f.reach()
	p.X.Min, p.X.Max = -0.2, float64(monthsBetween(first, last))+0.8
	p.Y.Tick.Marker, p.X.Tick.Marker = s.shares(p.Y.Min, p.Y.Max), s.months(first, last)

	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Color, grid.Horizontal.Width = 0, color.NRGBA{0, 0, 0, 0x18}, 0.5
	p.Add(grid)
	for _, run := range runs(f.History, func(h Point) bool { return !math.IsNaN(h.Value + h.Low + h.High) }) {
		if err := addBand(p, run, first); err != nil {
			return "", err
		}
	}
	for _, run := range runs(f.History, func(h Point) bool { return !math.IsNaN(h.Value) }) {
		if err := addLine(p, run, first); err != nil {
			return "", err
		}
	}
	if err := s.target(p, f); err != nil {
		return "", err
	}
	return svg(p, chartWidth, chartHeight)
}

// reach is from where to where the axis of a figure goes: all that is drawn, and some room.
func (f *Figure) reach() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	ends := []float64{f.Target}
	for _, h := range f.History {
		ends = append(ends, h.Value, h.Low, h.High)
	}
	for _, v := range ends {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	room := max(high-low, 0.02)
	return max(0, low-0.15*room), min(1, high+0.2*room)
}

// runs are the months that fit, cut where one between them does not fit or is missing.
func runs(history []Point, fits func(Point) bool) (list [][]Point) {
	var before time.Time
	for _, h := range history {
		switch {
		case !fits(h):
			continue
		case len(list) > 0 && monthsBetween(before, h.Month) == 1:
			list[len(list)-1] = append(list[len(list)-1], h)
		default:
			list = append(list, []Point{h})
		}
		before = h.Month
	}
	return list
}

// addBand adds the interval of a run of months; of a single one it is a bar.
func addBand(p *plot.Plot, run []Point, first time.Time) error {
	left, right := 0.0, 0.0
	if len(run) == 1 {
		left, right = -0.1, 0.1
	}
	above, below := plotter.XYs{}, plotter.XYs{}
	for _, h := range run {
		at := float64(monthsBetween(first, h.Month))
		above = append(above, plotter.XY{X: at + left, Y: h.High}, plotter.XY{X: at + right, Y: h.High})
		below = append(below, plotter.XY{X: at + left, Y: h.Low}, plotter.XY{X: at + right, Y: h.Low})
	}
	slices.Reverse(below)
	interval, err := plotter.NewPolygon(append(above, below...))
	if err != nil {
		return err
	}
	interval.Color, interval.Width = band, 0
	p.Add(interval)
	return nil
}

// addLine adds the line of a run of months, with a dot for each.
func addLine(p *plot.Plot, run []Point, first time.Time) error {
	points := plotter.XYs{}
	for _, h := range run {
		points = append(points, plotter.XY{X: float64(monthsBetween(first, h.Month)), Y: h.Value})
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = plain, 1.6
	dots.Color, dots.Shape, dots.Radius = plain, draw.CircleGlyph{}, 1.8
	p.Add(line, dots)
	return nil
}

// target is a dashed line with its name on it.
func (s *sayer) target(p *plot.Plot, f *Figure) error {
	if math.IsNaN(f.Target) {
		return nil
	}
	line, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: f.Target}, {X: p.X.Max, Y: f.Target}})
	if err != nil {
		return err
	}
	line.Color, line.Width, line.Dashes = quiet, 0.9, []vg.Length{3, 2}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: p.X.Min, Y: f.Target}}, Labels: []string{s.sayf(aim(f.LowerIsBetter)+"_of", s.share(f.Target))}})
	if err != nil {
		return err
	}
	label.TextStyle[0] = style(quiet, letters-0.5)
	label.Offset = vg.Point{X: 2, Y: 2}
	p.Add(line, label)
	return nil
}

// bar is one bar of a chart.
type bar struct {
	name   string
	length float64
	label  string
	bad    bool
}

// bars are horizontal, the first on top, each with its figure at its end.
func bars(list []bar) (template.HTML, error) {
	p := newPlot()
	n := len(list)
	names, longest := make([]string, n), 0.0
	labels := plotter.XYLabels{XYs: make(plotter.XYs, n), Labels: make([]string, n)}
	plainly, badly := make(plotter.Values, n), make(plotter.Values, n)
	for i, b := range list {
		at := n - 1 - i
		names[at], labels.Labels[at] = b.name, b.label
		labels.XYs[at] = plotter.XY{X: b.length, Y: float64(at)}
		if plainly[at] = b.length; b.bad {
			plainly[at], badly[at] = 0, b.length
		}
		longest = max(longest, b.length)
	}
	for _, of := range []struct {
		values plotter.Values
		paint  color.Color
	}{{plainly, plain}, {badly, bad}} {
		chart, err := plotter.NewBarChart(of.values, 8)
		if err != nil {
			return "", err
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width = true, of.paint, 0
		p.Add(chart)
	}
	ends, err := plotter.NewLabels(labels)
	if err != nil {
		return "", err
	}
	for i := range ends.TextStyle {
		ends.TextStyle[i] = style(ink, letters)
		ends.TextStyle[i].YAlign = text.YCenter
	}
	ends.Offset = vg.Point{X: 3}
	p.Add(ends)
	p.NominalY(names...)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Width, a.Tick.Width = 0, 0
	}
	p.HideX()
	p.X.Min, p.X.Max = 0, max(longest, 1)*1.28
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	return svg(p, chartWidth, vg.Length(18+13*n))
}

func style(paint color.Color, size font.Length) text.Style {
	f := font.From(plot.DefaultFont, size)
	f.Typeface, f.Variant = "Liberation", "Sans"
	return text.Style{Color: paint, Font: f, Handler: plot.DefaultTextHandler}
}

// What vgsvg writes around the drawing, and the font that it measures with: pages take the nearest that they have.
var (
	head   = regexp.MustCompile(`(?s)^.*?<svg`)
	sizes  = regexp.MustCompile(`^<svg width="[^"]*" height="[^"]*"`)
	family = regexp.MustCompile(`font-family:[^;"]*`)
)

// svg draws a chart as an element of a page, as wide as its place.
func svg(p *plot.Plot, width, height vg.Length) (template.HTML, error) {
	c := vgsvg.New(width, height)
	p.Draw(draw.New(c))
	var out bytes.Buffer
	if _, err := c.WriteTo(&out); err != nil {
		return "", fmt.Errorf("draw a chart: %w", err)
	}
	drawn := head.ReplaceAll(out.Bytes(), []byte("<svg"))
	drawn = sizes.ReplaceAll(drawn, []byte(`<svg role="img"`))
	drawn = family.ReplaceAll(drawn, []byte("font-family:inherit"))
	return template.HTML(drawn), nil //nolint:gosec // made by the charting library, which escapes its texts
}
