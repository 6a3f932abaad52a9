package main

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// A vCenter answers in the version of the API that the client names in SOAPAction: it leaves out the properties that
// came later, and gives an object of a newer type as one of the type that it was derived from. The simulator answers
// every client alike, so the door leaves out what is newer, among what belongs to VMs, leases and OVF packages.

// newerThan55 lists what came after 5.5, one a line: a type or TYPE.PROPERTY, the version that added it, and for a type
// the one that older clients see. tests/integration/test_api_versions.py compares it with pyVmomi's own table.
//
//go:embed api_versions.tsv
var newerThan55 string

type apiVersion []int

// newSince has the versions of newerThan55 by type or TYPE.PROPERTY, and older the types for older clients.
var newSince, older = readVersions()

func readVersions() (map[string]apiVersion, map[string]string) {
	since, instead := map[string]apiVersion{}, map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(newerThan55), "\n") {
		fields := strings.Split(line, "\t")
		since[fields[0]] = parseVersion(fields[1])
		if len(fields) > 2 {
			instead[fields[0]] = fields[2]
		}
	}
	return since, instead
}

// parseVersion reads a version such as 6.7 or 8.0.2.0; it gives nil for what is none.
func parseVersion(text string) apiVersion {
	var version apiVersion
	for _, part := range strings.Split(text, ".") {
		number, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		version = append(version, number)
	}
	return version
}

func (v apiVersion) before(other apiVersion) bool {
	for n, number := range other {
		if n >= len(v) || v[n] != number {
			return n >= len(v) && number > 0 || n < len(v) && v[n] < number
		}
	}
	return false
}

// clientVersion is the version that a request asks for, or nil for one that asks for our own, or for none.
func clientVersion(r *http.Request) apiVersion {
	_, text, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPAction"), `"`), "urn:vim25/")
	version := parseVersion(text)
	if version == nil || !version.before(parseVersion(apiVersionOfOurs)) {
		return nil
	}
	return version
}

// inVersion lets inner answer, and leaves out of the answer what the client's version does not know.
func inVersion(version apiVersion, w http.ResponseWriter, r *http.Request, inner http.Handler) {
	answer := httptest.NewRecorder()
	inner.ServeHTTP(answer, r)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	known, err := version.only(answer.Body.Bytes())
	if err != nil {
		known = answer.Body.Bytes()
	}
	_, _ = w.Write(known)
}

var xsiType = regexp.MustCompile(`(xsi:|XMLSchema-instance:)?type="(?:[A-Za-z0-9]+:)?([A-Za-z0-9]+)"`)

// only copies a SOAP envelope without what came after a version.
func (v apiVersion) only(envelope []byte) ([]byte, error) {
	decoder := xml.NewDecoder(bytes.NewReader(envelope))
	var out bytes.Buffer
	var open []reflect.Type // of the elements that are open; nil for one that is of no type of vSphere
	skipped := 0            // how many elements are open inside one that is left out, itself included
	for {
		from := decoder.InputOffset()
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		raw := envelope[from:decoder.InputOffset()]
		switch token := token.(type) {
		case xml.StartElement:
			if skipped > 0 {
				skipped++
				continue
			}
			var parent reflect.Type
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			kind, known := v.property(parent, token.Name.Local)
			if !known {
				skipped = 1
				continue
			}
			if named := typeNamed(raw); named != "" {
				if seen := v.seenAs(named); seen != named {
					raw = bytes.Replace(raw, []byte(named+`"`), []byte(seen+`"`), 1)
					named = seen
				}
				if found, ok := typeByName(named); ok {
					kind = found
				}
			}
			if answer, ok := answers[token.Name.Local]; ok && parent == nil {
				kind = answer
			}
			open = append(open, kind)
		case xml.EndElement:
			if skipped > 0 {
				skipped--
				continue
			}
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
		if skipped == 0 {
			out.Write(raw)
		}
	}
}

// answers are the types of those answers whose parts name no types of their own.
var answers = map[string]reflect.Type{
	"HttpNfcLeaseGetManifestResponse": reflect.TypeOf(types.HttpNfcLeaseGetManifestResponse{}),
	"CreateImportSpecResponse":        reflect.TypeOf(types.CreateImportSpecResponse{}),
}

func typeNamed(start []byte) string {
	if found := xsiType.FindSubmatch(start); found != nil && len(found[1]) > 0 {
		return string(found[2])
	}
	return ""
}

// seenAs is the type as which the version knows a type.
func (v apiVersion) seenAs(name string) string {
	if since, newer := newSince[name]; newer && v.before(since) {
		return older[name]
	}
	return name
}

// property finds the type of a property of a type, and says whether this version knows it.
func (v apiVersion) property(of reflect.Type, name string) (reflect.Type, bool) {
	if of == nil || of.Kind() != reflect.Struct {
		return nil, true
	}
	owner, kind := declared(of, name)
	if owner == "" {
		return nil, false // of a type for which this one stands
	}
	since, newer := newSince[owner+"."+name]
	return kind, !newer || !v.before(since)
}

// declared finds the type that declares a property, among a type and those it is derived from, and the property's.
func declared(of reflect.Type, name string) (string, reflect.Type) {
	for n := range of.NumField() {
		field := of.Field(n)
		if field.Anonymous {
			if owner, kind := declared(field.Type, name); owner != "" {
				return owner, kind
			}
			continue
		}
		if tag, _, _ := strings.Cut(field.Tag.Get("xml"), ","); tag != name {
			continue
		}
		kind := field.Type
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct {
			kind = nil // a plain value, or any object, which names its type
		}
		return of.Name(), kind
	}
	return "", nil
}
