package words_test

import (
	"slices"
	"testing"

	"parcours/dashboards/words"
)

// TestLanguagesHaveTheSameTexts: what is said in one language is said in all, and nothing is empty.
func TestLanguagesHaveTheSameTexts(t *testing.T) {
	var first *words.Catalogue
	for _, l := range words.Languages() {
		c, err := words.In(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range c.Keys() {
			if text, _ := c.Say(key); text == "" {
				t.Errorf("%s: %s is empty", l, key)
			}
		}
		if first == nil {
			first = c
			continue
		}
		for _, key := range append(first.Keys(), c.Keys()...) {
			if !slices.Contains(first.Keys(), key) || !slices.Contains(c.Keys(), key) {
				t.Errorf("%s is not in both %s and %s", key, first.Language(), l)
			}
		}
	}
}

// TestNames: what a company named itself is shown as it is written.
func TestNames(t *testing.T) {
	c, err := words.In(words.French)
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{"long_wait": "Attente trop longue", "lost_parcel": "lost parcel"} {
		if got := c.Name("kind", value); got != want {
			t.Errorf("%s is %q, not %q", value, got, want)
		}
	}
}
