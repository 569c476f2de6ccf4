package dashboards

import (
	"os"
	"path/filepath"

	"parcours/dashboards/words"
)

// Language is one in which dashboards are written.
type Language = words.Language

// Languages are all of them.
func Languages() []Language { return words.Languages() }

// Write puts every dashboard of the languages (all when none is named) into DIR/LANGUAGE/NAME.json. JSON files of another name in these
// folders are taken away.
func Write(dir string, languages ...words.Language) error {
	if len(languages) == 0 {
		languages = words.Languages()
	}
	for _, l := range languages {
		if err := writeLanguage(filepath.Join(dir, string(l)), l); err != nil {
			return err
		}
	}
	return nil
}

func writeLanguage(dir string, l words.Language) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	written := map[string]bool{}
	for _, d := range All() {
		text, err := d.JSON(l)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, d.Name+".json")
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
		written[name] = true
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if written[name] {
			continue
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}
