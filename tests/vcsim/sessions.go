package main

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/soap"
)

type sessionState int

const (
	sessionUnknown sessionState = iota
	sessionAlive
	sessionDead
)

// sessionBook knows the sessions by their cookie. It is needed because the simulator still answers property reads
// of a session that has ended, where vCenter says NotAuthenticated.
type sessionBook struct {
	mu     sync.Mutex
	alive  map[string]bool
	views  map[string]int // how many container views a session has
	used   map[string]use
	rest   map[string]bool // those of the REST API
	logins int
	limits sessionLimits
}

// use says when a session was last used, and how many of its calls are under way.
type use struct {
	last  time.Time
	calls int
}

// sessionLimits are what POST /sessions changes. A vCenter ends a session that is idle for half an hour (two hours, by
// release) and allows some thousands of them; here, both are off at first.
type sessionLimits struct {
	IdleMS int `json:"idle_ms"` // 0: never ends
	Most   int `json:"most"`    // 0: without a limit
}

func newSessionBook() *sessionBook {
	return &sessionBook{
		alive: map[string]bool{}, views: map[string]int{}, used: map[string]use{}, rest: map[string]bool{},
	}
}

// change sets the limits that the request names.
func (b *sessionBook) change(r *http.Request) (any, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limits, decode(r, &b.limits)
}

// full says whether there are as many sessions as there may be.
func (b *sessionBook) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	alive := 0
	for _, yes := range b.alive {
		if yes {
			alive++
		}
	}
	return b.limits.Most > 0 && alive >= b.limits.Most
}

// useSession says what state the session of a call is in, and keeps it from being idle until release is called.
func (s *simulation) useSession(r *http.Request) (state sessionState, release func()) {
	s.endIdleSessions()
	b, key := s.sessions, keyOf(r)
	touch := func(calls int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.used[key] = use{last: time.Now(), calls: b.used[key].calls + calls}
	}
	touch(1)
	return b.of(r), func() { touch(-1) }
}

// endIdleSessions ends those that nobody has used for as long as the limit says.
func (s *simulation) endIdleSessions() {
	b := s.sessions
	b.mu.Lock()
	var ended []string
	for key, alive := range b.alive {
		idle := b.used[key].calls == 0 && time.Since(b.used[key].last) > time.Duration(b.limits.IdleMS)*time.Millisecond
		if alive && idle && b.limits.IdleMS > 0 {
			b.alive[key] = false
			ended = append(ended, key)
		}
	}
	b.mu.Unlock()
	if len(ended) > 0 {
		s.leases.endSessions(ended...)
	}
}

// keyOf is the key of the session that a request belongs to, or "".
func keyOf(r *http.Request) string {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return ""
	}
	return strings.Trim(cookie.Value, `"`)
}

func (b *sessionBook) of(r *http.Request) sessionState {
	b.mu.Lock()
	defer b.mu.Unlock()
	alive, known := b.alive[keyOf(r)]
	switch {
	case !known:
		return sessionUnknown
	case alive:
		return sessionAlive
	}
	return sessionDead
}

// learnSessions takes note of what a call that went well did to the sessions: leases and views end with theirs.
func (s *simulation) learnSessions(method string, r *http.Request, answer http.Header) {
	b := s.sessions
	b.mu.Lock()
	for _, cookie := range (&http.Response{Header: answer}).Cookies() {
		if cookie.Name == soap.SessionCookieName {
			b.alive[cookie.Value] = true
			b.used[cookie.Value] = use{last: time.Now()}
			b.logins++
		}
	}
	key := keyOf(r)
	switch method {
	case "CreateContainerView":
		b.views[key]++
	case "DestroyView":
		b.views[key]--
	case "Logout":
		b.alive[key] = false
	}
	b.mu.Unlock()
	if method == "Logout" {
		s.leases.endSessions(key)
	}
}

// expireSessions ends all sessions and says how many there were.
func (s *simulation) expireSessions() int {
	b := s.sessions
	b.mu.Lock()
	var ended []string
	for key, alive := range b.alive {
		if alive {
			b.alive[key] = false
			ended = append(ended, key)
		}
	}
	b.mu.Unlock()
	s.leases.endSessions(ended...)
	return len(ended)
}

func (b *sessionBook) reportREST() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return map[string]int{"alive": len(b.rest)}
}

func (b *sessionBook) report() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	alive, views := 0, 0
	for key, yes := range b.alive {
		if yes {
			alive++
			views += b.views[key]
		}
	}
	return map[string]int{"alive": alive, "logins": b.logins, "views": views}
}

// endSessions ends the leases of sessions that have ended: they go into their error state.
func (b *leaseBook) endSessions(keys ...string) {
	b.mu.Lock()
	leases := append([]*exportLease{}, b.leases...)
	b.mu.Unlock()
	for _, lease := range leases {
		for _, key := range keys {
			if lease.session == key {
				lease.fail("session ended", "The session of the lease has ended.")
			}
		}
	}
	b.endImports(keys...)
}
