package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// shownCall is a customer to call.
type shownCall struct {
	Rank     uint32   `json:"rank" ch:"rank"`
	Customer string   `json:"customer_id" ch:"customer_id"`
	Segment  string   `json:"segment" ch:"segment"`
	P30      float64  `json:"p30" ch:"p30"`
	P365     float64  `json:"p365" ch:"p365"`
	Base     *float64 `json:"base365" ch:"base365"`
	At       *float64 `json:"value_at_risk" ch:"value_at_risk"`
	Excess   *float64 `json:"value_at_risk_excess" ch:"value_at_risk_excess"`
	Signals  []string `json:"signals" ch:"signals"`
	Reasons  []string `json:"reasons" ch:"reasons"`
	Prior    bool     `json:"prior" ch:"prior"`

	// AskedAt is when the customer asked to leave, where the score does not know of it yet.
	AskedAt *time.Time `json:"asked_at,omitempty" ch:"asked_at"`
}

// list prints whom to call first.
func (c *ChurnExplainCommand) list(ctx context.Context, x *explainer, s *streams) error {
	list := []shownCall{}
	err := x.store.Conn().Select(ctx, &list, "SELECT rank, customer_id, segment, p30, p365, base365, value_at_risk, value_at_risk_excess, signals, reasons_"+c.Lang+
		" AS reasons, prior, asked_at FROM "+x.store.Database()+".customers_to_call_v ORDER BY rank LIMIT ?", c.Most)
	if err != nil {
		return fmt.Errorf("list whom to call: %w", err)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(struct {
			Customers []shownCall `json:"customers"`
			Currency  string      `json:"currency"`
		}{list, x.now.Currency})
	}
	var awaited *awaitedModel
	if slices.ContainsFunc(list, func(r shownCall) bool { return r.Prior }) {
		if awaited, err = x.awaited(ctx); err != nil {
			return err
		}
	}
	c.printList(s.out, list, x.now.Currency, awaited)
	return nil
}

func (c *ChurnExplainCommand) printList(out io.Writer, list []shownCall, currency string, awaited *awaitedModel) {
	l := c.language()
	if len(list) == 0 {
		fmt.Fprintln(out, l.say("Nobody is scored yet: customers with a contract in force are, once a day, when a midnight has passed.",
			"Personne n'a encore de score : les clients dont un contrat est en cours en ont un, une fois par jour, après minuit."))
		return
	}
	header, rows := l.calls(list, currency, c.Wide)
	t := newTable(out, l.say("Whom to call first: by value at risk beyond that of the segment", "Qui appeler d'abord : par valeur en jeu au-delà de celle du segment"), header...)
	t.AppendRows(rows)
	if !c.Wide {
		t.SetColumnConfigs(narrowed(header, rows, lineOf(out)))
	}
	t.Render()
	prior, reasons, asked := false, false, false
	for i := range list {
		prior, reasons, asked = prior || list[i].Prior, reasons || len(list[i].Reasons) > 0, asked || list[i].AskedAt != nil
	}
	if asked {
		fmt.Fprintln(out, l.say("Who asked to leave since the scores were made comes first: the probabilities do not know of it yet.",
			"Qui a demandé à partir depuis le calcul des scores vient d'abord : les probabilités ne le savent pas encore."))
	}
	if reasons {
		fmt.Fprintln(out, l.say("Counts fade: what happened counts half after 7, 30 or 90 days, so that 0.9 is one thing some days ago.",
			"Les comptes s'estompent : un fait compte pour moitié après 7, 30 ou 90 jours ; 0,9 est un seul fait, de quelques jours."))
	}
	if prior {
		fmt.Fprintln(out, l.say("These are prior scores: ", "Ce sont des scores a priori : ")+l.priorWords(awaited))
	}
	fmt.Fprintln(out, l.say("A score ranks human attention; it never decides price, access or closure.\nCustomers who objected or cannot leave are not here.",
		"Un score classe l'attention humaine ; il ne décide jamais d'un prix, d'un accès ou d'une fermeture.\nLes clients qui se sont opposés ou ne peuvent pas partir n'y sont pas."))
	if !c.Wide {
		fmt.Fprintln(out, l.say("--wide prints all columns, a customer a line.", "--wide donne toutes les colonnes, un client par ligne."))
	}
}

// calls are the lines of whom to call. Unless it may be wide, signals stand among the reasons, and only what is beyond the segment's.
func (l language) calls(list []shownCall, currency string, wide bool) (header table.Row, rows []table.Row) {
	header = table.Row{"", l.say("customer", "client"), l.say("segment", "segment"), l.say("30 days", "30 jours"), l.say("365 days", "365 jours"), l.say("segment's", "du segment")}
	if wide {
		header = append(header, l.say("at risk ", "en jeu ")+currency, l.say("beyond", "au-delà"), l.say("signals", "signaux"), l.say("why", "pourquoi"))
	} else {
		header = append(header, l.say("beyond ", "au-delà ")+currency, l.say("why", "pourquoi"))
	}
	for _, r := range list {
		row := table.Row{r.Rank, short(r.Customer), r.Segment, l.number(share(&r.P30, "%.1f %%")), l.number(share(&r.P365, "%.1f %%")), l.number(share(r.Base, "%.1f %%"))}
		signals := make([]string, len(r.Signals))
		for i, kind := range r.Signals {
			signals[i] = signalWords(kind, l)
		}
		if wide {
			row = append(row, figureText(r.At, "%.0f"), figureText(r.Excess, "%.0f"), strings.Join(signals, ", "), strings.Join(r.Reasons, "; "))
		} else {
			row = append(row, figureText(r.Excess, "%.0f"), strings.Join(onlyOnce(signals, r.Reasons), "; "))
		}
		rows = append(rows, row)
	}
	return header, rows
}

// onlyOnce puts reasons behind signals, but those that say what a signal says.
func onlyOnce(signals, reasons []string) []string {
	list := slices.Clone(signals)
	for _, r := range reasons {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}
