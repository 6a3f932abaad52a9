package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	// Registers tags and content libraries under /rest, for a vCenter only, as a host has none.
	_ "github.com/vmware/govmomi/vapi/simulator"
)

// The REST API, where vCenter keeps its tags. VMware's code answers under /rest, as since 6.5; this adds the same calls
// under /api, as since 7.0 U2, the rules and the counters, the limit of sessions, and the privilege to attach a tag.

const (
	restPrefix, apiPrefix = "/rest/com/vmware/", "/api/"
	attachTag             = "InventoryService.Tagging.AttachTag"
)

// vapiCall gives a call of the REST API a name, such as Tag.list, TagAssociation.attach or Session.create.
func vapiCall(r *http.Request) *call {
	c := &call{Type: "rest"}
	where, found := strings.CutPrefix(r.URL.Path, restPrefix)
	if !found {
		where, c.Type = strings.TrimPrefix(r.URL.Path, apiPrefix), "api"
	}
	where = strings.TrimPrefix(strings.TrimPrefix(where, "cis/"), "tagging/")
	kind, id, one := strings.Cut(where, "/")
	action := r.URL.Query().Get("~action")
	if c.Type == "api" {
		action = r.URL.Query().Get("action")
	}
	if action == "" {
		action = map[string]string{"POST": "create", "DELETE": "delete", "GET": "list"}[r.Method]
		if one && r.Method == http.MethodGet {
			action = "get"
		}
	}
	noun := ""
	for _, word := range strings.Split(kind, "-") {
		if word != "" {
			noun += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	c.Method, c.Moref = noun+"."+action, strings.TrimPrefix(id, "id:")
	return c
}

// serveVAPI lets rules act on a call of the REST API before VMware's code answers it.
func (d *door) serveVAPI(w http.ResponseWriter, r *http.Request) {
	c := vapiCall(r)
	recorder := &statusRecorder{ResponseWriter: w}
	defer func() {
		c.Status = recorder.status
		d.sim.calls.add(*c)
	}()
	if act := d.sim.rules.match(c); act != nil {
		c.Rule = true
		d.apply(act, c, recorder, r, nil)
		return
	}
	d.workVAPI(recorder, r, c)
}

func (d *door) workVAPI(w http.ResponseWriter, r *http.Request, c *call) {
	switch {
	case c.Method == "Session.create" && d.sim.sessions.full():
		refuseVAPI(w, c, http.StatusServiceUnavailable, "service_unavailable",
			"User session count is limited to 550. Existing session count is 550 for user vmkops.")
		return
	case c.Method == "TagAssociation.attach" && d.sim.privileges.lacks(attachTag, "*"):
		refuseVAPI(w, c, http.StatusForbidden, "unauthorized", "Unable to authorize user")
		return
	}
	answer := httptest.NewRecorder()
	d.inner.ServeHTTP(answer, asREST(r, c))
	body := answer.Body.Bytes()
	if c.Type == "api" && answer.Code == http.StatusOK {
		var packed struct {
			Value json.RawMessage `json:"value"`
		}
		if json.Unmarshal(body, &packed) == nil && packed.Value != nil {
			body = packed.Value
		} else if r.Method == http.MethodGet {
			body = []byte("[]")
		}
	}
	if answer.Code == http.StatusOK {
		d.sim.calls.did(c)
		d.sim.sessions.learnVAPI(c, r, body)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}

// asREST turns a call under /api into the same call under /rest.
func asREST(r *http.Request, c *call) *http.Request {
	if c.Type == "rest" {
		return r
	}
	where := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, apiPrefix), "cis/")
	if c.Moref != "" {
		where = strings.TrimSuffix(where, c.Moref) + "id:" + c.Moref
	}
	body, _ := io.ReadAll(r.Body)
	made := r.Clone(r.Context())
	made.URL.Path, made.URL.RawPath = restPrefix+"cis/"+where, ""
	query := r.URL.Query()
	if action := query.Get("action"); action != "" {
		query.Set("~action", action)
	}
	made.URL.RawQuery = query.Encode()
	made.Body = io.NopCloser(bytes.NewReader(body))
	return made
}

// refuseVAPI answers as the REST API words its errors, which differs under /rest and /api.
func refuseVAPI(w http.ResponseWriter, c *call, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	messages := []map[string]any{{"id": "com.vmware.vapi." + kind, "default_message": message, "args": []string{}}}
	var problem any = map[string]any{
		"type":  "com.vmware.vapi.std.errors." + kind,
		"value": map[string]any{"messages": messages},
	}
	if c.Type == "api" {
		problem = map[string]any{"error_type": strings.ToUpper(kind), "messages": messages}
	}
	_ = json.NewEncoder(w).Encode(problem)
}

// learnVAPI counts the sessions of the REST API.
func (b *sessionBook) learnVAPI(c *call, r *http.Request, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch c.Method {
	case "Session.create":
		var packed struct {
			Value string `json:"value"`
		}
		if json.Unmarshal(body, &packed) != nil {
			_ = json.Unmarshal(body, &packed.Value)
		}
		b.rest[packed.Value] = true
	case "Session.delete":
		delete(b.rest, fmt.Sprint(r.Header.Get("vmware-api-session-id")))
	}
}
