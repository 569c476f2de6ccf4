package brief

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"regexp"

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
	return p
}

// trend is a figure by month: its line, its interval, its target, and the last value written at its end.
func (s *sayer) trend(f *Figure) (template.HTML, error) {
	p := newPlot()
	points, edge := plotter.XYs{}, plotter.XYs{}
	least, most := math.Inf(1), math.Inf(-1)
	for i, h := range f.History {
		points = append(points, plotter.XY{X: float64(i), Y: h.Value})
		edge = append(edge, plotter.XY{X: float64(i), Y: h.High})
		least, most = min(least, h.Low), max(most, h.High)
	}
	for i := len(f.History) - 1; i >= 0; i-- {
		edge = append(edge, plotter.XY{X: float64(i), Y: f.History[i].Low})
	}
	if !math.IsNaN(f.Target) {
		least, most = min(least, f.Target), max(most, f.Target)
	}
	room := max(most-least, 0.02)
	p.Y.Min, p.Y.Max = max(0, least-0.15*room), min(1, most+0.2*room)
	p.X.Min, p.X.Max = -0.2, float64(len(f.History))-0.2
	p.Y.Tick.Marker, p.X.Tick.Marker = s.shares(p.Y.Min, p.Y.Max), s.months(f.History)

	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Color, grid.Horizontal.Width = 0, color.NRGBA{0, 0, 0, 0x18}, 0.5
	p.Add(grid)
	interval, err := plotter.NewPolygon(edge)
	if err != nil {
		return "", err
	}
	interval.Color, interval.Width = band, 0
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return "", err
	}
	line.Color, line.Width = plain, 1.6
	dots.Color, dots.Shape, dots.Radius = plain, draw.CircleGlyph{}, 1.8
	p.Add(interval, line, dots)
	if err := s.target(p, f); err != nil {
		return "", err
	}
	return svg(p, chartWidth, chartHeight)
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
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: p.X.Min, Y: f.Target}}, Labels: []string{s.say("brief.target") + " " + s.share(f.Target)}})
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
