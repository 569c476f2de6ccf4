package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"parcours/dashboards/brief"
)

// briefPage serves the brief live; until a month is complete, the page of the service.
type briefPage struct {
	node   *node
	status *page
}

const briefWithin = 20 * time.Second

// ServeHTTP reads ?month=2026-10 and ?lang=fr; a browser that prefers French is given it.
func (p *briefPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	month, err := parseMonth("month", r.URL.Query().Get("month"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), briefWithin)
	defer cancel()
	b, err := brief.Read(ctx, p.node.each, month, languageOf(r))
	if errors.Is(err, brief.ErrNoMonth) {
		p.status.ServeHTTP(w, r)
		return
	}
	var body []byte
	if err == nil {
		body, err = b.HTML(true)
	}
	if err != nil {
		http.Error(w, err.Error()+"\n/status says how the service is.", http.StatusInternalServerError)
		return
	}
	writePage(w, body)
}

// languageOf is the one asked for, else the first of the browser's that there is.
func languageOf(r *http.Request) brief.Language {
	return brief.Preferred(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
}

// writePage writes a page that loads nothing and runs nothing.
func writePage(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	_, _ = w.Write(body) // a reader who has gone needs no page
}
