// Package words says things in French and in English: the texts of dashboards and of the brief, and the names of what is
// counted. One folder a language, one file a screen; a key that one language has and the other lacks is a failing test.
package words

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// Language is one in which people read.
type Language string

// The languages there are.
const (
	French  Language = "fr"
	English Language = "en"
)

// Languages are all of them, in the order in which they are offered.
func Languages() []Language { return []Language{French, English} }

//go:embed text
var files embed.FS

// Catalogue holds the texts of one language under keys of the form file.name, comex.cost.title say.
type Catalogue struct {
	language Language
	texts    map[string]string
	heard    func(key string) // nil but for tests
}

var catalogues = sync.OnceValues(func() (map[Language]*Catalogue, error) {
	all := map[Language]*Catalogue{}
	for _, l := range Languages() {
		c, err := read(l)
		if err != nil {
			return nil, err
		}
		all[l] = c
	}
	return all, nil
})

// In gives the catalogue of a language; the error says which file cannot be read.
func In(l Language) (*Catalogue, error) {
	all, err := catalogues()
	if err != nil {
		return nil, err
	}
	c := all[l]
	if c == nil {
		return nil, fmt.Errorf("language %q: expected one of %v", l, Languages())
	}
	return c, nil
}

func read(l Language) (*Catalogue, error) {
	c := &Catalogue{language: l, texts: map[string]string{}}
	names, err := fs.Glob(files, path.Join("text", string(l), "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var tree map[string]any
		if err := yaml.Unmarshal(text, &tree); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := c.add(strings.TrimSuffix(path.Base(name), ".yaml"), tree); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c, nil
}

// add flattens a tree of texts.
func (c *Catalogue) add(prefix string, tree map[string]any) error {
	for key, value := range tree {
		name := prefix + "." + key
		switch v := value.(type) {
		case string:
			c.texts[name] = strings.TrimSpace(v)
		case map[string]any:
			if err := c.add(name, v); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is %v: expected a text", name, value)
		}
	}
	return nil
}

// Language of the catalogue.
func (c *Catalogue) Language() Language { return c.language }

// Say gives the text of a key, and whether there is one.
func (c *Catalogue) Say(key string) (string, bool) {
	if c.heard != nil {
		c.heard(key)
	}
	text, is := c.texts[key]
	return text, is
}

// Heard is the same catalogue, which tells each key that Say is asked for.
func (c *Catalogue) Heard(by func(key string)) *Catalogue {
	return &Catalogue{language: c.language, texts: c.texts, heard: by}
}

// Name is the word for a value that tables hold: Name("kind", "long_wait"). What a company named itself (a unit, a silo that
// is not in the default list, a reason) has none and is shown as it is written, with blanks for underscores.
func (c *Catalogue) Name(list, value string) string {
	if text, is := c.texts["names."+list+"."+value]; is {
		return text
	}
	return strings.ReplaceAll(value, "_", " ")
}

// Names are the words of a list, by value.
func (c *Catalogue) Names(list string) map[string]string {
	names, prefix := map[string]string{}, "names."+list+"."
	for key, text := range c.texts {
		if value, is := strings.CutPrefix(key, prefix); is {
			names[value] = text
		}
	}
	return names
}

// Keys are all keys, in order.
func (c *Catalogue) Keys() []string { return slices.Sorted(maps.Keys(c.texts)) }

// Preferred is the first language there is of those asked for, each a tag or the list of a browser's Accept-Language; English where
// none is.
func Preferred(asked ...string) Language {
	for _, one := range strings.Split(strings.Join(asked, ","), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(one), ";")
		tag, _, _ = strings.Cut(tag, "-")
		if l := Language(strings.ToLower(tag)); slices.Contains(Languages(), l) {
			return l
		}
	}
	return English
}
