package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"parcours/pipeline/churn"
)

// purchase is one row of the table.
type purchase struct {
	customer int32 // by order of appearance
	day      civilDay
	amount   float64 // NaN where the row has none
}

// purchases are what a table holds, and what became of its rows.
type purchases struct {
	list    []purchase
	columns map[string]string // which column was taken for customer, date and amount, by name or number
	header  bool              // the first row was taken for a header
	spend   bool              // there is a column of amounts
	rows    int
	refused int
	returns int // rows with an amount below 0, which are no purchases
	last    civilDay
}

// The columns of a table.
const (
	customerColumn = "customer"
	dateColumn     = "date"
	amountColumn   = "amount"
)

var columnOrder = []string{customerColumn, dateColumn, amountColumn}

// columnNames are what columns are called, letters and digits only, the likeliest first.
var columnNames = map[string][]string{
	customerColumn: {"customerid", "customer", "customerno", "customernumber", "custid", "cust", "clientid", "client", "idclient", "numclient", "userid", "user",
		"accountid", "account", "memberid", "member", "cardid", "id"},
	dateColumn: {"date", "day", "purchasedate", "orderdate", "transactiondate", "invoicedate", "saledate", "datetime", "time", "timestamp", "purchasedat", "orderedat",
		"createdat", "orderpurchasetimestamp", "dateachat", "datecommande", "jour"},
	amountColumn: {"amount", "value", "spend", "spent", "totalamount", "total", "price", "revenue", "sales", "monetaryvalue", "dollarvalue", "dollars", "usd", "eur", "euros",
		"paymentvalue", "ordervalue", "montant", "prix"},
}

// plain is a column name without all that people write differently.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

// sampled is how many rows a table without a header is judged by.
const sampled = 20

// purchaseReader reads one table.
type purchaseReader struct {
	command *ChurnFitCommand
	layout  string
	cells   *cells
	fault   func(*rowFault)
	at      map[string]int // position of each column that the table has
	got     *purchases
	numbers map[string]int32 // of customers
}

// read reads the whole table; fault hears of each row that is refused.
func (c *ChurnFitCommand) read(ctx context.Context, read *fileRead, bar *progress, fault func(*rowFault)) (*purchases, error) {
	layout, err := layoutOf(c.DateFormat)
	if err != nil {
		return nil, err
	}
	file, err := openFile(c.File, read)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	table, err := openCells(file, c.Separator)
	if err != nil {
		return nil, err
	}
	r := &purchaseReader{command: c, layout: layout, cells: table, fault: fault, numbers: map[string]int32{},
		got: &purchases{columns: map[string]string{}, last: math.MinInt32}}
	if err := r.begin(); err != nil {
		return nil, err
	}
	_, r.got.spend = r.at[amountColumn]
	for {
		row, line, err := r.cells.next()
		if errors.Is(err, io.EOF) {
			return r.got, nil
		}
		if err := r.take(row, line, err); err != nil {
			return nil, err
		}
		if r.got.rows%lookEvery == 0 {
			bar.at(r.got.rows, 0)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
}

// begin looks at the first rows and finds the columns: by --columns, by the header, or by what the rows hold. The first row is
// a header when no cell of it is a date.
func (r *purchaseReader) begin() error {
	first, rest, err := r.peek()
	if err != nil {
		return err
	}
	header := !slices.ContainsFunc(first[0], r.isDate)
	switch {
	case r.command.Columns != "":
		err = r.byOrder(strings.Split(r.command.Columns, ","))
	case header:
		err = r.byName(first[0])
	default:
		err = r.byContent(first)
	}
	if r.got.header = header; header {
		rest = rest[1:]
	}
	next := r.cells.next
	r.cells.next = func() ([]string, int, error) { // what was looked at comes again
		if len(rest) == 0 {
			return next()
		}
		row := rest[0]
		rest = rest[1:]
		return row.cells, row.line, row.err
	}
	return err
}

// peeked is a row that was looked at.
type peeked struct {
	cells []string
	line  int
	err   error
}

// peek reads the first rows; good are those that could be read at all.
func (r *purchaseReader) peek() (good [][]string, all []peeked, err error) {
	for len(all) < sampled {
		row, line, err := r.cells.next()
		var fault *rowFault
		if err != nil && !errors.As(err, &fault) {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, nil, err
		}
		all = append(all, peeked{slices.Clone(row), line, err})
		if err == nil {
			good = append(good, all[len(all)-1].cells)
		}
	}
	if len(good) == 0 || all[0].err != nil {
		return nil, nil, errors.New("the first row cannot be read: expected a header, or a purchase")
	}
	return good, all, nil
}

func (r *purchaseReader) isDate(cell string) bool {
	_, ok := dayOf(cell, r.layout)
	return ok
}

// byOrder takes the columns as --columns names them.
func (r *purchaseReader) byOrder(names []string) error {
	r.at = map[string]int{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		if _, known := columnNames[name]; known {
			r.found(name, i, strconv.Itoa(i+1))
		} else if name != "_" && name != "-" {
			return misused("--columns: expected customer, date, amount and _ (for any other), by commas, in the order of the columns")
		}
	}
	return r.complete("--columns names no column of that kind")
}

func (r *purchaseReader) found(name string, at int, called string) {
	r.at[name] = at
	r.got.columns[name] = called
}

// complete says which column is missing.
func (r *purchaseReader) complete(why string) error {
	for _, name := range []string{customerColumn, dateColumn} {
		if _, ok := r.at[name]; !ok {
			return misused("no column for the %s: %s (say which with --%s NAME, or --columns)", name, why, name)
		}
	}
	return nil
}

// asked gives the column that a flag names, by its name or number.
func (r *purchaseReader) asked(name, flag string, header []string, width int) (err error) {
	if i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), flag) }); i >= 0 {
		r.found(name, i, strings.TrimSpace(header[i]))
		return nil
	}
	if n, err := strconv.Atoi(flag); err == nil && n >= 1 && n <= width {
		r.found(name, n-1, flag)
		return nil
	}
	return misused("--%s %s: expected the name of a column, or its number from 1 to %d", name, flag, width)
}

// flags are the columns that the command line names; none names the column that there shall not be.
func (r *purchaseReader) flags(header []string, width int) (none string, err error) {
	r.at = map[string]int{}
	for i, flag := range []string{r.command.Customer, r.command.Date, r.command.Amount} {
		name := columnOrder[i]
		switch {
		case flag == "":
		case flag == "none" && name == amountColumn:
			none = name
		default:
			if err := r.asked(name, flag, header, width); err != nil {
				return "", err
			}
		}
	}
	return none, nil
}

// byName goes by the header.
func (r *purchaseReader) byName(header []string) error {
	none, err := r.flags(header, len(header))
	if err != nil {
		return err
	}
	for _, name := range columnOrder {
		if _, ok := r.at[name]; ok || name == none {
			continue
		}
		for _, candidate := range columnNames[name] {
			if i := slices.IndexFunc(header, func(h string) bool { return plain(h) == candidate }); i >= 0 {
				r.found(name, i, strings.TrimSpace(header[i]))
				break
			}
		}
	}
	return r.complete("the first row is a header, having no date in it, and none of its names is known")
}

// byContent goes by the first rows of a table without a header: the date is the first column that holds nothing but dates,
// the customer the first of the others, the amount the last of the others when it holds nothing but numbers.
func (r *purchaseReader) byContent(rows [][]string) error {
	width := len(rows[0])
	none, err := r.flags(nil, width)
	if err != nil {
		return err
	}
	holds := func(i int, is func(string) bool) bool {
		return !slices.ContainsFunc(rows, func(row []string) bool { return i < len(row) && !is(row[i]) })
	}
	take := func(name string, i int) {
		_, has := r.at[name]
		for _, at := range r.at {
			has = has || at == i
		}
		if !has && name != none {
			r.found(name, i, strconv.Itoa(i+1))
		}
	}
	dates := slices.IndexFunc(rows[0], r.isDate)
	for i := width - 1; i >= 0; i-- {
		if holds(i, r.isDate) {
			dates = i
		}
	}
	take(dateColumn, dates)
	for i := range width {
		take(customerColumn, i)
	}
	last := width - 1
	if at, ok := r.at[dateColumn]; ok && at == last {
		last--
	}
	if holds(last, func(cell string) bool { _, ok := amountOf(cell); return ok || cell == "" }) {
		take(amountColumn, last)
	}
	return r.complete("the rows hold none")
}

// take keeps one row, or says what is wrong with it.
func (r *purchaseReader) take(row []string, line int, err error) error {
	var fault *rowFault
	if err != nil && !errors.As(err, &fault) {
		return fmt.Errorf("after row %d: %w", r.got.rows, err)
	}
	r.got.rows++
	if fault == nil {
		fault = r.keep(row, line)
	}
	if fault != nil {
		r.got.refused++
		r.fault(fault)
	}
	return nil
}

func (r *purchaseReader) keep(row []string, line int) *rowFault {
	for _, name := range columnOrder {
		if at, has := r.at[name]; has && at >= len(row) {
			return &rowFault{line, name, fmt.Sprintf("%d cells or more, and there are %d", at+1, len(row))}
		}
	}
	customer := strings.TrimSpace(row[r.at[customerColumn]])
	if customer == "" {
		return &rowFault{line, customerColumn, "an identifier, and the cell is empty"}
	}
	day, ok := dayOf(row[r.at[dateColumn]], r.layout)
	if !ok {
		return &rowFault{line, dateColumn, r.dateForm()}
	}
	amount := math.NaN()
	if at, has := r.at[amountColumn]; has && strings.TrimSpace(row[at]) != "" {
		if amount, ok = amountOf(row[at]); !ok {
			return &rowFault{line, amountColumn, amountForm}
		}
	}
	if amount < 0 {
		r.got.returns++
		return nil
	}
	number, known := r.numbers[customer]
	if !known {
		number = int32(len(r.numbers))
		r.numbers[strings.Clone(customer)] = number
	}
	r.got.last = max(r.got.last, day)
	r.got.list = append(r.got.list, purchase{number, day, amount})
	return nil
}

func (r *purchaseReader) dateForm() string {
	if r.layout != "" {
		return "a date as " + r.command.DateFormat
	}
	return dateForms
}

// observed is what the purchases up to some day say of each customer, and what came after it.
type observed struct {
	uses  []churn.Uses
	later []int // distinct days of purchase of each, after that day
	until civilDay
	after int // rows after it
	unit  float64
}

// observe puts the purchases of each customer on one day together. unit is how many days the unit of time has.
func (p *purchases) observe(until civilDay, unit float64) *observed {
	slices.SortFunc(p.list, func(a, b purchase) int { return cmp.Or(cmp.Compare(a.customer, b.customer), cmp.Compare(a.day, b.day)) })
	o := &observed{until: until, unit: unit}
	for rest := p.list; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].customer == rest[0].customer {
			n++
		}
		o.customer(rest[:n])
		rest = rest[n:]
	}
	return o
}

// customer adds what one customer did, by day.
func (o *observed) customer(list []purchase) {
	first, last, frequency, later, spent, today := list[0].day, list[0].day, 0, 0, 0.0, list[0].day
	for _, p := range list {
		again := p.day > today
		today = p.day
		switch {
		case p.day > o.until:
			o.after++
			later += count(again)
		default:
			frequency += count(again)
			last = p.day
			if p.day > first {
				spent += p.amount
			}
		}
	}
	if first > o.until {
		return
	}
	o.uses = append(o.uses, churn.Uses{Frequency: frequency, Recency: float64(last-first) / o.unit, Age: float64(o.until-first) / o.unit, Spend: spent / float64(frequency)})
	o.later = append(o.later, later)
}
