package main

import "strings"

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
