package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// later does a call only after its client has given it up: once the same call has been made again and its task has
// ended, or once the rule is taken away (with latest, only then). A call that is not given up is done when the rule is taken away, as with hold.
func (d *door) later(act *rule, c *call, w http.ResponseWriter, r *http.Request, body []byte) {
	before := d.sim.calls.doneBy(c)
	act.hold(r)
	if r.Context().Err() == nil {
		d.work(w, r, c)
		return
	}
	again := d.again(r, body)
	d.sim.calls.awaitLate(1)
	go func() {
		defer d.sim.calls.awaitLate(-1)
		act.holdUntil(func() bool { return act.Hold == holdLate && d.sim.calls.doneBy(c) > before })
		for d.busy(c.Name) {
			time.Sleep(20 * time.Millisecond)
		}
		if !strings.HasSuffix(c.Method, "_Task") {
			d.work(httptest.NewRecorder(), again, c)
		} else if _, failure := d.callAndWait(again); failure == nil {
			d.sim.calls.did(c)
		}
	}()
	panic(http.ErrAbortHandler)
}

// again makes a request of a call whose first one has ended, in a session of its own: what was asked for goes on when
// whoever asked has signed out.
func (d *door) again(r *http.Request, body []byte) *http.Request {
	again := httptest.NewRequest(http.MethodPost, r.URL.Path, nil)
	again.Header = r.Header.Clone()
	again.Header.Set("Cookie", d.ownSession(r.URL.Path))
	again.Body = io.NopCloser(bytes.NewReader(body))
	return again
}

// busy says whether a task runs on the entity with this name.
func (d *door) busy(name string) bool {
	for _, reference := range d.sim.recentTasks() {
		task, ok := d.sim.registry.Get(reference).(*simulator.Task)
		if ok && d.sim.nameOf(d.entityOf(task)) == name && !d.ended(task) {
			return true
		}
	}
	return false
}

func (d *door) entityOf(task *simulator.Task) types.ManagedObjectReference {
	var entity types.ManagedObjectReference
	d.sim.registry.WithLock(d.sim.context(), task, func() {
		if task.Info.Entity != nil {
			entity = *task.Info.Entity
		}
	})
	return entity
}

// recentTasks are the tasks that the task manager lists.
func (s *simulation) recentTasks() []types.ManagedObjectReference {
	var found []types.ManagedObjectReference
	reference := types.ManagedObjectReference{Type: "TaskManager", Value: "TaskManager"}
	manager, ok := s.registry.Get(reference).(*simulator.TaskManager)
	if !ok {
		return nil
	}
	s.registry.WithLock(s.context(), manager, func() { found = append(found, manager.RecentTask...) })
	return found
}

// doneBy is how often a call did its work for the same name.
func (l *callLog) doneBy(c *call) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done[c.Method][c.Name]
}

// awaitLate counts the calls that were given up and are still to be done.
func (l *callLog) awaitLate(change int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late += change
}
