package main

import (
	"errors"
	"strings"
	"testing"

	"parcours/cmd/internal/service"
)

// TestBriefOut: the ending of the file says what is written, and one that says neither is refused before anything is opened.
func TestBriefOut(t *testing.T) {
	for out, pdf := range map[string]bool{"brief.html": false, "a.b/Brief.HTML": false, "-": false, "brief.pdf": true, "brief.PDF": true} {
		if got, err := (&BriefCommand{Out: out}).pdf(); err != nil || got != pdf {
			t.Errorf("%s: a PDF %t, %v", out, got, err)
		}
	}
	for _, out := range []string{"brief.docx", "brief", "brief.htm", "html", "brief.pdf.txt", ""} {
		var as coded
		err := (&BriefCommand{Out: out}).Run(nil, nil)
		if !errors.As(err, &as) || as.code != service.Misused || !strings.Contains(err.Error(), ".html or .pdf") {
			t.Errorf("%s: %v", out, err)
		}
	}
}
