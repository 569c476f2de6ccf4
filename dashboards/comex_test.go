package dashboards

import (
	"fmt"
	"strings"
	"testing"

	"parcours/dashboards/internal/filled"
	"parcours/dashboards/words"
)

// TestCardsShowTheFigures: what stands on the cards of the last month is what the figures are, in the writing of each language, and what
// misses its target is in the colour of what is bad, and nothing else.
func TestCardsShowTheFigures(t *testing.T) {
	month := filled.Month.Format("2006-01")
	for _, s := range screens(t) {
		if s.name != "comex" {
			continue
		}
		texts, err := words.In(s.language)
		if err != nil {
			t.Fatal(err)
		}
		v, cards := viewer{store: filled.Full(t).Store, screen: s}, map[string]string{}
		v.look(t, func(_ panel, _ Query, a answer) {
			for i, name := range a.names {
				if len(a.rows) == 1 {
					cards[name] = fmt.Sprint(a.rows[0][i])
				}
			}
		})
		for _, f := range figures {
			heading, _ := texts.Say("comex.columns." + f.key)
			checkCard(t, s, f.figure, cards[heading], month)
		}
	}
}

func checkCard(t *testing.T, s screen, figure, card, month string) {
	t.Helper()
	of, is := known(t, figure)[month]
	want := fmt.Sprintf(">%.1f%%", 100*of.value)
	switch {
	case !is:
		if strings.Contains(card, Bad) || strings.Contains(card, Good) || !strings.Contains(card, Quiet) {
			t.Errorf("%s: the card of %s judges what is not known: %s", s, figure, card)
		}
		return
	case figure == "avoidable_cost" && !strings.Contains(strings.NewReplacer(",", "", "\u00a0", "", "\u202f", "").Replace(card), fmt.Sprintf("%.0f", of.amount)):
		t.Errorf("%s: the card of %s does not show %.0f beside the share: %s", s, figure, of.amount, card)
	}
	if got := strings.NewReplacer(",", ".", "\u00a0", "").Replace(card); !strings.Contains(got, want) {
		t.Errorf("%s: the card of %s shows %s, expected %s", s, figure, card, want)
	}
	large := card[:max(0, strings.Index(card, "</div>"))]
	if missed, met := strings.Contains(large, "✗"), strings.Contains(large, "✓"); missed != strings.Contains(large, Bad) || met != strings.Contains(large, Good) {
		t.Errorf("%s: the colour of %s is not what its sign says: %s", s, figure, large)
	}
}

// TestWordsOfTheViews: the sentences that views make use the words of the catalogue.
func TestWordsOfTheViews(t *testing.T) {
	a, err := ask(t, filled.Empty(t), "SELECT list, code, fr, en FROM words_v")
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range []words.Language{words.French, words.English} {
		texts, err := words.In(l)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]string{}
		for _, row := range a.rows {
			said[fmt.Sprint(row[0], ".", row[1])] = fmt.Sprint(row[2+i])
		}
		for _, list := range []string{"kind", "silo", "family"} {
			for code, name := range texts.Names(list) {
				if got := said[list+"."+code]; code != "" && got != name {
					t.Errorf("%s: words_v says %q for the %s %s, the catalogue %q", l, got, list, code, name)
				}
			}
		}
	}
}
