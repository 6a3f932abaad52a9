package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// door stands in front of the simulator: it counts calls, lets rules act on them, and knows which sessions live.
type door struct {
	sim   *simulation
	inner http.Handler
}

func newDoor(sim *simulation, inner http.Handler) *door {
	return &door{sim: sim, inner: inner}
}

// ServeHTTP sends a request where it belongs.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, nfcPrefix) && d.sim.leases.owns(r.URL.Path):
		d.sim.leases.serve(w, r)
	case strings.HasPrefix(r.URL.Path, nfcPrefix):
		d.sim.leases.receive(w, r, d.inner)
	case strings.HasPrefix(r.URL.Path, "/folder/") && !d.mayOpenDatastores(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		http.Error(w, "log in first", http.StatusUnauthorized)
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/sdk"):
		d.serveSOAP(w, r)
	case strings.HasPrefix(r.URL.Path, restPrefix), strings.HasPrefix(r.URL.Path, apiPrefix):
		d.serveVAPI(w, r)
	default:
		d.inner.ServeHTTP(w, r)
	}
}

// mayOpenDatastores holds the datastore browser to what vCenter asks for; the simulator lets everybody in.
func (d *door) mayOpenDatastores(r *http.Request) bool {
	if user, pass, ok := r.BasicAuth(); ok {
		return d.sim.account.accepts(user, pass)
	}
	return d.sim.sessions.of(r) == sessionAlive
}

func (d *door) serveSOAP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c, err := readCall(body)
	if err != nil {
		d.inner.ServeHTTP(w, r)
		return
	}
	d.sim.nameCall(c)
	recorder := &statusRecorder{ResponseWriter: w}
	defer func() { // also when the answer is lost on purpose, which unwinds the stack
		c.Status = recorder.status
		d.sim.calls.add(*c)
	}()

	state, release := d.sim.useSession(r)
	defer release()
	if state != sessionAlive && d.sim.sessions.full() {
		// What vpxd answers to whoever has no session yet once it is "Out of HTTP sessions".
		http.Error(recorder, "503 Service Unavailable", http.StatusServiceUnavailable)
		return
	}
	if state == sessionDead && !needsNoSession[c.Method] {
		fault := &types.NotAuthenticated{}
		fillIn(fault, c.object)
		writeFault(recorder, fault, "The session is not authenticated.")
		return
	}
	if state == sessionDead {
		r.Header.Del("Cookie") // a login over a dead session is a first login
	}
	var act *rule
	if state == sessionAlive || needsNoSession[c.Method] {
		act = d.sim.rules.match(c)
	}
	if act == nil {
		d.work(recorder, r, c)
		return
	}
	c.Rule = true
	d.apply(act, c, recorder, r, body)
}

// work lets the simulator do what a call asks for, and notes that it did.
func (d *door) work(w http.ResponseWriter, r *http.Request, c *call) {
	if c.Type == "rest" || c.Type == "api" {
		d.workVAPI(w, r, c)
		return
	}
	answer := &statusRecorder{ResponseWriter: w}
	if version := clientVersion(r); version != nil {
		inVersion(version, answer, r, d.inner)
	} else {
		d.inner.ServeHTTP(answer, r)
	}
	if answer.status == http.StatusOK {
		d.sim.calls.did(c)
		d.sim.learnSessions(c.Method, r, w.Header())
	}
	d.sim.leases.learnImports(c)
}

// apply does what a rule says with a call.
func (d *door) apply(act *rule, c *call, w http.ResponseWriter, r *http.Request, body []byte) {
	pause(r, time.Duration(act.DelayMS)*time.Millisecond)
	if act.Hold == holdCall {
		act.hold(r)
	}
	if r.Context().Err() != nil {
		return
	}
	fault := act.newFault(c)
	switch {
	case act.Hold == holdLate || act.Hold == holdLatest:
		d.later(act, c, w, r, body)
	case act.HTTPStatus != 0:
		http.Error(w, act.Message, act.HTTPStatus)
	case act.AsTask || act.TaskDelayMS > 0 || act.Hold == holdTask || act.Question != nil:
		writeTask(w, c.Method, d.startTask(act, c, r, body, fault))
	case act.LoseAnswer:
		d.work(httptest.NewRecorder(), r, c)
		panic(http.ErrAbortHandler)
	case act.Hold == holdAnswer:
		answer := httptest.NewRecorder()
		d.work(answer, r, c)
		act.hold(r)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	case fault != nil:
		if act.After {
			d.work(httptest.NewRecorder(), r, c)
		}
		writeFault(w, fault, act.Message)
	default:
		d.work(w, r, c)
	}
}

// hold waits until the rule is taken away, or the client goes.
func (r *rule) hold(request *http.Request) {
	select {
	case <-r.released:
	case <-request.Context().Done():
	}
}

// readCall takes from a SOAP request the method, the object, and what else the call is about, without the rest.
func readCall(body []byte) (*call, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	c := &call{}
	inBody, inConfig := false, false
	for {
		token, err := decoder.Token()
		if err != nil {
			if c.Moref != "" {
				return c, nil
			}
			return nil, fmt.Errorf("no call in the envelope: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		var into any
		switch name := start.Name.Local; {
		case name == "Body" && !inBody:
			inBody = true
		case inBody && c.Method == "":
			c.Method = name
		case inBody && name == "_this":
			into = &c.object
		case name == "obj" && c.subject.Value == "": // of a property filter, or of a descriptor
			into = &c.subject
		case name == "configSpec":
			inConfig = true
		case (name == "entityName" || name == "name" && inConfig) && c.entity == "": // of an import
			into = &c.entity
		}
		if into != nil {
			if err := decoder.DecodeElement(into, &start); err != nil {
				return nil, err
			}
			c.Type, c.Moref = c.object.Type, c.object.Value
		}
	}
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the first status that is sent.
func (s *statusRecorder) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write notes the status that a body without one implies.
func (s *statusRecorder) Write(content []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(content)
}

// needsNoSession are the calls that are answered before a login.
var needsNoSession = map[string]bool{
	"Login": true, "LoginByToken": true, "LoginExtensionByCertificate": true, "CloneSession": true,
	"RetrieveServiceContent": true,
}
