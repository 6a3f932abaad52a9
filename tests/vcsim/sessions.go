package main

import (
	"net/http"
	"strings"
	"sync"

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
	logins int
}

func newSessionBook() *sessionBook {
	return &sessionBook{alive: map[string]bool{}, views: map[string]int{}}
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
}
