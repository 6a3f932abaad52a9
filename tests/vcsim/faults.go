package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

var typeByName = types.TypeFunc()

// newFault makes a fault by the name of its vSphere type, with its fields taken from JSON.
func newFault(name string, fields json.RawMessage) (types.BaseMethodFault, error) {
	kind, known := typeByName(name)
	if !known {
		return nil, fmt.Errorf("vSphere has no type %q", name)
	}
	value := reflect.New(kind).Interface()
	fault, ok := value.(types.BaseMethodFault)
	if !ok {
		return nil, fmt.Errorf("%s is a vSphere type, but not a fault", name)
	}
	if len(fields) > 0 {
		if err := json.Unmarshal(fields, value); err != nil {
			return nil, fmt.Errorf("the fields do not fit %s: %w", name, err)
		}
	}
	return fault, nil
}

// fillIn names the object of the call in those faults that always name one, as vCenter does.
func fillIn(fault types.BaseMethodFault, object types.ManagedObjectReference) {
	switch fault := fault.(type) {
	case *types.NotAuthenticated:
		fault.Object, fault.PrivilegeId = &object, "System.View"
	case *types.NoPermission:
		if fault.Object == nil {
			fault.Object = &object
		}
	case *types.ManagedObjectNotFound:
		if fault.Obj.Value == "" {
			fault.Obj = object
		}
	}
}

// faultName is the vSphere name of a fault's type.
func faultName(fault types.BaseMethodFault) string {
	return reflect.TypeOf(fault).Elem().Name()
}

// localized packs a fault the way a task or a lease carries it.
func localized(fault types.BaseMethodFault, message string) *types.LocalizedMethodFault {
	if message == "" {
		message = faultName(fault)
	}
	return &types.LocalizedMethodFault{Fault: fault, LocalizedMessage: message}
}

const (
	envelopeStart = xml.Header + `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<soapenv:Body>`
	envelopeEnd = `</soapenv:Body></soapenv:Envelope>`
)

func escape(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text))
	return out.String()
}

// writeFault answers a call with a SOAP fault.
func writeFault(w http.ResponseWriter, fault types.BaseMethodFault, message string) {
	name := faultName(fault)
	if message == "" {
		message = name
	}
	var detail bytes.Buffer
	start := xml.StartElement{Name: xml.Name{Local: name + "Fault"}, Attr: []xml.Attr{
		{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"},
		{Name: xml.Name{Local: "xsi:type"}, Value: name},
	}}
	if err := xml.NewEncoder(&detail).EncodeElement(fault, start); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "%s<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>%s</faultstring>"+
		"<detail>%s</detail></soapenv:Fault>%s", envelopeStart, escape(message), detail.String(), envelopeEnd)
}

// writeTask answers a call with a reference to a task.
func writeTask(w http.ResponseWriter, method string, task types.ManagedObjectReference) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprintf(w, `%s<%sResponse xmlns="urn:vim25"><returnval type="%s">%s</returnval></%sResponse>%s`,
		envelopeStart, method, task.Type, escape(task.Value), method, envelopeEnd)
}

// taskAnswer reads the answer of a call that starts a task: the task, or the fault that refused it.
func taskAnswer(answer []byte) (types.ManagedObjectReference, *types.LocalizedMethodFault) {
	var envelope struct {
		Body struct {
			Fault    *soap.Fault
			Response struct {
				Returnval types.ManagedObjectReference `xml:"returnval"`
			} `xml:",any"`
		}
	}
	decoder := xml.NewDecoder(bytes.NewReader(answer))
	decoder.TypeFunc = typeByName
	if err := decoder.Decode(&envelope); err != nil {
		return types.ManagedObjectReference{}, localized(&types.SystemError{Reason: err.Error()}, "")
	}
	if refused := envelope.Body.Fault; refused != nil {
		if fault, ok := refused.VimFault().(types.BaseMethodFault); ok {
			return types.ManagedObjectReference{}, localized(fault, refused.String)
		}
		return types.ManagedObjectReference{}, localized(&types.SystemError{Reason: refused.String}, refused.String)
	}
	return envelope.Body.Response.Returnval, nil
}
