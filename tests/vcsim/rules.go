package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/types"
)

// rule says which calls go wrong, and how. The simulator's own FaultInjector is left alone: it counts under a read
// lock, loses the place of a rule that was removed, and knows neither failing tasks nor lost answers.
type rule struct {
	Method     string `json:"method"`      // such as CreateSnapshot_Task; "" or "*" means all
	ObjectType string `json:"object_type"` // such as VirtualMachine; "" or "*" means all
	ObjectName string `json:"object_name"` // the entity's name, for a snapshot, task or lease its VM's
	Since      string `json:"since"`       // only once this method was called for that name

	Fault   string          `json:"fault"`   // a vSphere fault by name, such as SnapshotFault
	Fields  json.RawMessage `json:"fields"`  // the fault's fields, such as {"privilegeId": "..."}
	Message string          `json:"message"` // its message

	Skip        int     `json:"skip"`        // let so many calls pass first
	Count       int     `json:"count"`       // then act on so many; 0 means all
	Probability float64 `json:"probability"` // of acting; 0 means always

	DelayMS     int    `json:"delay_ms"`      // wait before anything else
	Hold        string `json:"hold"`          // wait until the rule is taken away: holdCall, holdTask, holdAnswer, holdLate or holdLatest
	AsTask      bool   `json:"as_task"`       // the call succeeds, its task fails with the fault
	TaskDelayMS int    `json:"task_delay_ms"` // the task takes so long before it does its work or fails
	After       bool   `json:"after"`         // do the work first, fail then
	LoseAnswer  bool   `json:"lose_answer"`   // do the work, then cut the connection instead of answering
	HTTPStatus  int    `json:"http_status"`   // answer with this HTTP status and do nothing

	Question *question `json:"question"` // the VM asks it, and the task waits for the answer
	Accept   string    `json:"accept"`   // the answer with which the task does its work; with any other it fails

	Seen  int `json:"seen"`  // matching calls so far
	Acted int `json:"acted"` // calls that the rule acted on

	armed    bool          // Since has happened
	released chan struct{} // closed when the rule is taken away
}

// What a rule may hold: the call before it does anything, the task that it starts, the answer after the work, or the
// call until it was given up and made again: it then takes effect late; or, latest, until the rule is taken away.
const (
	holdCall   = "call"
	holdTask   = "task"
	holdAnswer = "answer"
	holdLate   = "late"
	holdLatest = "latest"
)

// call is one SOAP call as it came in.
type call struct {
	Method string `json:"method"`
	Type   string `json:"type"`
	Moref  string `json:"moref"`
	Name   string `json:"name"`
	Rule   bool   `json:"rule"`   // a rule acted on it
	Status int    `json:"status"` // of the HTTP answer; 0 when there was none

	object  types.ManagedObjectReference
	subject types.ManagedObjectReference // what is read or described
	entity  string                       // the name of what is imported
}

func matches(pattern, value string) bool {
	return pattern == "" || pattern == "*" || pattern == value
}

// newFault makes the rule's fault for a call, or nil when the rule has none.
func (r *rule) newFault(c *call) types.BaseMethodFault {
	if r.Fault == "" {
		return nil
	}
	fault, err := newFault(r.Fault, r.Fields) // was tried when the rule was added
	if err != nil {
		return &types.SystemError{Reason: err.Error()}
	}
	fillIn(fault, c.object)
	return fault
}

// ruleBook keeps the rules; the first that matches a call acts on it.
type ruleBook struct {
	mu    sync.Mutex
	rules []*rule
}

func (b *ruleBook) add(r *rule) error {
	if r.Fault != "" {
		if _, err := newFault(r.Fault, r.Fields); err != nil {
			return err
		}
	}
	if known := []string{"", holdCall, holdTask, holdAnswer, holdLate, holdLatest}; !slices.Contains(known, r.Hold) {
		return fmt.Errorf("hold is one of %q, not %q", known[1:], r.Hold)
	}
	r.released = make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = append(b.rules, r)
	return nil
}

// clear takes all rules away and lets go what they hold.
func (b *ruleBook) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.rules {
		close(r.released)
	}
	b.rules = nil
}

func (b *ruleBook) list() []rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	copied := make([]rule, 0, len(b.rules))
	for _, r := range b.rules {
		copied = append(copied, *r)
	}
	return copied
}

// match finds the rule for a call and counts it, or gives nil.
func (b *ruleBook) match(c *call) *rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	var acting *rule
	for _, r := range b.rules {
		ready := r.Since == "" || r.armed
		r.armed = r.armed || r.Since == c.Method && matches(r.ObjectName, c.Name)
		if acting != nil || !ready || !matches(r.Method, c.Method) || !matches(r.ObjectType, c.Type) ||
			!matches(r.ObjectName, c.Name) {
			continue
		}
		r.Seen++
		spent := r.Count > 0 && r.Acted >= r.Count
		unlucky := r.Probability > 0 && rand.Float64() >= r.Probability
		if r.Seen <= r.Skip || spent || unlucky {
			continue
		}
		r.Acted++
		copied := *r
		acting = &copied
	}
	return acting
}

// callLog counts every SOAP call, and keeps those that change something or are rare enough to be worth reading.
type callLog struct {
	mu     sync.Mutex
	counts map[string]int
	done   map[string]map[string]int // how often a method did its work for a name, whatever became of the answer
	calls  []call
	late   int // calls that were given up and are still to be done
}

// did notes that a call has reached the simulator, and that it was not refused there.
func (l *callLog) did(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = map[string]map[string]int{}
	}
	if l.done[c.Method] == nil {
		l.done[c.Method] = map[string]int{}
	}
	l.done[c.Method][c.Name]++
}

// maxCalls bounds the log; a test that makes more calls is counting, not reading.
const maxCalls = 10000

func (l *callLog) add(c call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[c.Method]++
	// Reading and waiting for updates is most of the traffic and says nothing.
	noise := strings.HasPrefix(c.Method, "Retrieve") || strings.HasPrefix(c.Method, "WaitForUpdates")
	if !noise && len(l.calls) < maxCalls {
		l.calls = append(l.calls, c)
	}
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts, l.done, l.calls = nil, nil, nil
}

// report gives the counters by method and the calls in order.
func (l *callLog) report() map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := map[string]int{}
	for method, n := range l.counts {
		counts[method] = n
	}
	done := map[string]map[string]int{}
	for method, names := range l.done {
		done[method] = maps.Clone(names)
	}
	return map[string]any{"methods": counts, "done": done, "calls": append([]call{}, l.calls...), "late": l.late}
}
