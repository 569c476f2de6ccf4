package reference

import "parcours/pipeline/event"

// Journeys gives the ids of the events of each journey that the reference makes, in order.
func (j *Judge) Journeys(events []*event.Event, clock event.Instant) (list [][]string) {
	for _, one := range newHistory(j, events, clock).journeys {
		var ids []string
		for _, e := range one.events() {
			ids = append(ids, e.ID)
		}
		list = append(list, ids)
	}
	return list
}
