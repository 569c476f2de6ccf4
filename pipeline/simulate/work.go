package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// file is a case being worked on.
type file struct {
	id       string
	contact  *contact
	data     event.Data // what its events carry
	system   source
	last     event.Instant // of its last step
	silent   bool          // the system never says that it was solved
	unborn   bool          // it never says that it was opened
	overdue  bool          // it has lain too long
	waited   time.Duration // open time, for the customer
	reopened event.Instant // 0: never
}

// ledger is the system that keeps the cases of the need.
func (st *story) ledger() source {
	if s, ok := systems[st.kind.System]; ok {
		return s
	}
	return crm
}

// openCase opens a case during a contact.
func (st *story) openCase(c *contact) string {
	id := st.number("case")
	st.pass(30 * time.Second)
	d := c.data
	d.Case, d.Reason = id, c.reason
	st.tell(st.ledger(), event.CaseOpened, d)
	c.data.Case, c.opened = id, st.now
	return id
}

// handle works on a case until it is resolved, in time or not.
func (st *story) handle(c *contact, id string) (solved bool) {
	f := st.take(c, id)
	st.work(st.span(st.parameters.Cases.Step))
	st.step(f, "case examined")
	st.advance(f)
	st.work(st.span(st.parameters.Cases.Step))
	st.resolve(f)
	st.afterwards(f)
	if f.silent {
		st.untold(f)
	}
	st.beside(func() {
		st.work(st.hours.day)
		st.tell(f.system, event.CaseClosed, f.data)
	})
	return true
}

// advance is what happens to a case between its first step and its solution.
func (st *story) advance(f *file) {
	p := &st.parameters.Cases
	switch {
	case st.late(f):
	case st.by(st.parameters.Semblances.PHoliday):
		st.holiday(f)
	case st.fails(ProcessLoop, f.data.Unit, p.PLoop):
		st.loop(f)
	case st.by(p.PWait):
		st.wait(f)
	}
}

// afterwards is what happens to a case after it was resolved.
func (st *story) afterwards(f *file) {
	p := &st.parameters.Cases
	switch {
	case st.fails(ReopenedCase, f.data.Unit, p.PReopen):
		st.work(time.Duration(4+st.rng.IntN(14)) * time.Hour)
		st.reopen(f)
		st.fail(ReopenedCase, st.now, "a case came back after it was resolved", f.data, f.contact.unknown)
		st.work(st.span(p.Step))
		st.resolve(f)
	case st.by(st.parameters.Semblances.PNoted):
		st.work(time.Hour)
		st.reopen(f)
		st.seem(ReopenedCase, st.now, "opened again to note the customer's thanks")
		st.pass(2 * time.Minute)
		st.resolve(f)
	case !f.silent && !f.overdue && st.fails(StalledCase, f.data.Unit, p.PForget):
		st.forget(f)
	}
}

func (st *story) reopen(f *file) {
	st.tell(f.system, event.CaseReopened, f.data)
	f.last, f.reopened = st.now, st.now
}

// take gives a case to the silo that can solve it.
func (st *story) take(c *contact, id string) *file {
	f := &file{id: id, contact: c, system: st.ledger(), last: c.opened}
	f.data = event.Data{Identifiers: c.data.Identifiers, Case: id, Reason: c.reason, Product: c.data.Product, Silo: st.kind.Silo, Unit: st.unit(st.kind.Silo)}
	f.data.Agent = st.agent(f.data.Unit)
	p := st.parameters
	f.unborn = p.never(f.system.system, event.CaseOpened)
	f.silent = p.never(f.system.system, event.CaseResolved) && p.never(f.system.system, event.CaseClosed)
	return f
}

// untold: of a case whose system never says that it was solved, it looks as if it never was.
func (st *story) untold(f *file) {
	const cause = "the system that keeps the case never says that it was solved"
	standards := &st.parameters.Standards
	st.owing++
	if !f.unborn && !f.overdue {
		st.seem(SLABreach, st.hours.after(f.contact.opened, st.days(standards.CaseDays)+f.waited), cause)
	}
	if f.reopened != 0 {
		st.seem(SLABreach, st.hours.after(f.reopened, st.days(standards.CaseDays)), cause)
	}
	st.seem(StalledCase, st.hours.after(f.last, st.days(standards.SilenceDays)), cause)
}

func (st *story) resolve(f *file) {
	st.tell(f.system, event.CaseResolved, f.data)
	st.failed = false
}

func (st *story) step(f *file, activity string) {
	d := f.data
	d.Activity = activity
	st.tell(f.system, event.StepPerformed, d)
	f.last = st.now
}

func (st *story) days(n int) time.Duration { return time.Duration(n) * st.hours.day }

// late lets a case lie until its deadline has passed, or says that it does not. In a system that nobody asks for deadlines,
// since it does not say when a case began, the case is just not moved; some customers ask what has become of it.
func (st *story) late(f *file) bool {
	p, standards := &st.parameters.Cases, &st.parameters.Standards
	kind, cause := SLABreach, "a case was solved after its deadline"
	if f.unborn {
		kind, cause = StalledCase, "nobody moved the case"
	}
	if !st.fails(kind, f.data.Unit, p.PLate) {
		return false
	}
	f.overdue = true
	due := st.hours.after(f.contact.opened, st.days(standards.CaseDays))
	if f.unborn {
		due = st.hours.after(f.last, st.days(standards.SilenceDays))
	}
	st.fail(kind, due, cause, f.data, f.contact.unknown || f.silent)
	if st.by(p.PChase) {
		st.beside(func() {
			st.now = st.hours.next(due.Add(time.Duration(10+st.rng.IntN(200)) * time.Minute))
			st.chase(f.id)
		})
	}
	st.work(st.span(p.LateStep))
	st.step(f, "case taken up again")
	return true
}

// holiday leaves a case alone since the customer asked for it, which nobody noted.
func (st *story) holiday(f *file) {
	f.overdue = true
	standards := &st.parameters.Standards
	kind, due := SLABreach, st.hours.after(f.contact.opened, st.days(standards.CaseDays))
	if f.unborn {
		kind, due = StalledCase, st.hours.after(f.last, st.days(standards.SilenceDays))
	}
	if !f.silent {
		st.seem(kind, due, "the customer asked to leave the case until a holiday is over")
	}
	st.work(st.span(st.parameters.Cases.LateStep))
	st.step(f, "case taken up after a holiday")
}

// loop sends a case round: the third time is one too many, and nobody outside sees it.
func (st *story) loop(f *file) {
	const rounds = 3
	for n := 1; n <= rounds; n++ {
		st.work(time.Duration(1+st.rng.IntN(3)) * time.Hour)
		st.step(f, "file checked")
		if n == rounds {
			st.fail(ProcessLoop, st.now, "the file was checked a third time", f.data, f.contact.unknown)
			return
		}
		st.work(time.Duration(1+st.rng.IntN(3)) * time.Hour)
		st.step(f, "file sent back")
	}
}

// forget: after a case was resolved something is still to do, which is begun and then forgotten.
func (st *story) forget(f *file) {
	st.work(time.Duration(2+st.rng.IntN(6)) * time.Hour)
	st.step(f, "refund prepared")
	due := st.hours.after(f.last, st.days(st.parameters.Standards.SilenceDays))
	st.fail(StalledCase, due, "something was left to do and nobody did it", f.data, f.contact.unknown)
	st.work(st.span(st.parameters.Cases.Forgets))
	st.step(f, "refund made")
}

// chase is a call about a case.
func (st *story) chase(id string) {
	c := st.open(telephony, event.Phone, st.number("call"))
	c.data.Case = id
	st.greet(c, event.Phone)
	q := &st.parameters.Phone
	if st.refused(c, q) || st.waited(c, q) {
		st.inVain(c)
		return
	}
	talk := st.span(q.Talk)
	st.pass(talk)
	st.hangUp(c, talk, false)
	st.close(c)
}

// wait asks the customer for something.
func (st *story) wait(f *file) {
	waiting := f.data
	waiting.On = "customer"
	st.tell(f.system, event.CaseWaiting, waiting)
	f.waited = time.Duration(2+st.rng.IntN(12)) * time.Hour
	st.work(f.waited)
	st.tell(f.system, event.CaseResumed, f.data)
	f.last = st.now
}

// promise promises to call back.
func (st *story) promise(c *contact) {
	c.within = st.span(st.parameters.Promises.Due)
	c.promise, c.due = st.number("promise"), st.hours.after(st.now, c.within)
	d := c.data
	d.Promise, d.Due, d.Act = c.promise, c.due, "callback"
	st.tell(crm, event.PromiseMade, d)
}

// callBack keeps the promise in time, or does not.
func (st *story) callBack(c *contact) (solved bool) {
	p := &st.parameters.Promises
	if st.by(st.parameters.Semblances.PWaived) {
		st.seem(BrokenPromise, c.due, "the customer had found it out and needed no callback")
		st.owing++
		return true
	}
	if st.fails(BrokenPromise, c.data.Unit, p.PBroken) {
		st.fail(BrokenPromise, c.due, "nobody called back", c.data, c.unknown)
		st.owing++
		st.now = max(st.now, c.due)
		return false
	}
	st.work(c.within/4 + time.Duration(st.rng.Int64N(int64(c.within/time.Second)/2+1))*time.Second)
	call := *c
	call.id, call.from = st.number("call"), telephony
	call.data.Contact, call.data.Direction, call.data.Channel = call.id, event.Callback, event.Phone
	st.say(&call, event.ContactStarted, nil)
	st.touched(c)
	st.pass(8 * time.Second)
	st.say(&call, event.ContactAnswered, nil)
	if st.by(p.PUntold) {
		st.owing++ // who looks at notes alone thinks that it is still owed
	} else {
		kept := event.Data{Identifiers: c.data.Identifiers, Contact: call.id, Promise: c.promise, Silo: c.data.Silo, Unit: c.data.Unit}
		st.tell(crm, event.PromiseKept, kept)
	}
	talk := st.span(st.parameters.Phone.Talk)
	st.pass(talk)
	st.hangUp(&call, talk, true)
	st.failed = false
	return true
}
