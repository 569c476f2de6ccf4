package main

import (
	"strings"

	"parcours/dashboards/words"
	"parcours/pipeline/churn"
)

// language is that of a page which people read.
type language string

// The languages there are.
const (
	french  language = "fr"
	english language = "en"
)

// say gives the words of the language.
func (l language) say(en, fr string) string {
	if l == french {
		return fr
	}
	return en
}

// number writes a number that was written as English does with the decimal point of the language.
func (l language) number(text string) string {
	if l == french {
		return strings.Replace(text, ".", ",", 1)
	}
	return text
}

// ending is why nothing is said of a customer any more; "" where something is.
func (l language) ending(why string) string {
	switch why {
	case "no_contract":
		return l.say("no contract", "plus de contrat")
	case "objected":
		return l.say("objected", "opposition")
	case "nothing":
		return l.say("nothing is said", "rien n'est dit")
	}
	return why
}

// name is the word of the catalogue for a code of a list ("kind", "family"), the one that dashboards and the brief show. What has none
// is shown as it is written.
func (l language) name(list, code string) string {
	if code == "" {
		return ""
	}
	catalogue, err := words.In(words.Language(l))
	if err != nil {
		return printable(code)
	}
	return printable(catalogue.Name(list, code))
}

// model is what a person reads for the version of a model.
func (l language) model(version string) string {
	if version == churn.PriorVersion {
		return l.say("prior", "a priori")
	}
	return version
}
