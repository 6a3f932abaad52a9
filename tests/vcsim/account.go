package main

import (
	"net/http"
	"net/url"
	"sync"
)

// account is the one user and the password, which somebody may change while sessions are open; those live on.
type account struct {
	mu   sync.Mutex
	user string
	pass string
}

func newAccount(credentials *url.Userinfo) *account {
	password, _ := credentials.Password()
	return &account{user: credentials.Username(), pass: password}
}

func (a *account) now() (user, pass string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.user, a.pass
}

func (a *account) accepts(user, pass string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return user == a.user && pass == a.pass
}

// change answers POST /password: {"password": "..."}.
func (a *account) change(r *http.Request) (any, error) {
	var wanted struct {
		Password string `json:"password"`
	}
	if err := decode(r, &wanted); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pass = wanted.Password
	return done, nil
}
