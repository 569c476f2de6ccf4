// Package journey puts events in order: from the events of one customer it makes contacts, and from contacts journeys.
//
// Fold is a pure function of the events, the clock and the rule book: the same set of events gives the same journeys,
// whatever the order in which they came. It computes only: no clock of its own, no I/O, no map order.
package journey
