package main

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// startTask makes a task of our own in front of the simulator's, and returns its reference at once. The task waits
// as long as the rule says without holding the VM's lock (the simulator's own delay would block every look at the
// VM), then fails, or makes the real call and takes over its outcome, or does both.
func (d *door) startTask(
	act *rule, c *call, r *http.Request, body []byte, fault types.BaseMethodFault,
) types.ManagedObjectReference {
	entity := d.sim.taskEntity(c.object)
	// A vCenter describes the task of CreateSnapshot_Task as VirtualMachine.createSnapshot, that of ResetVM_Task as
	// VirtualMachine.reset, and that of ReconfigVM_Task as VirtualMachine.reconfigure.
	name := strings.TrimSuffix(strings.TrimSuffix(c.Method, "_Task"), "VM")
	if name == "Reconfig" {
		name = "Reconfigure"
	}
	name = strings.ToLower(name[:1]) + name[1:]
	task := simulator.CreateTask(entity, name+"Task", nil)
	d.sim.registry.Put(task)
	reference := task.Reference()
	d.sim.update(task,
		types.PropertyChange{Name: "info.key", Val: reference.Value},
		types.PropertyChange{Name: "info.task", Val: reference},
		types.PropertyChange{Name: "info.entityName", Val: c.Name},
		types.PropertyChange{Name: "info.startTime", Val: time.Now()},
		types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateRunning},
	)
	later := d.again(r, body) // the request itself ends with this answer

	go func() {
		time.Sleep(time.Duration(act.TaskDelayMS) * time.Millisecond)
		if act.Hold == holdTask {
			act.holdUntil(func() bool { return d.ended(task) })
		}
		fault := fault
		if act.Question != nil && d.accepted(task, entity, act) {
			fault = nil
		}
		if d.ended(task) { // cancelled meanwhile
			return
		}
		var result types.AnyType
		var failure *types.LocalizedMethodFault
		if fault == nil || act.After {
			if result, failure = d.callAndWait(later); failure == nil {
				d.sim.calls.did(c)
			}
		}
		if fault != nil {
			failure = localized(fault, act.Message)
		}
		d.finish(task, result, failure)
	}()
	return reference
}

// ownSession signs in to the simulator behind the door, where nobody counts it, and gives the session's cookie.
func (d *door) ownSession(path string) string {
	name, word := d.sim.account.now()
	var user, pass bytes.Buffer
	_ = xml.EscapeText(&user, []byte(name)) // a buffer takes all
	_ = xml.EscapeText(&pass, []byte(word))
	login := `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Login xmlns="urn:vim25">` +
		`<_this type="SessionManager">SessionManager</_this><userName>` + user.String() + `</userName><password>` +
		pass.String() + `</password></Login></Body></Envelope>`
	recorder := httptest.NewRecorder()
	d.inner.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, path, strings.NewReader(login)))
	for _, cookie := range recorder.Result().Cookies() {
		if cookie.Name == soap.SessionCookieName {
			return cookie.Name + "=" + cookie.Value
		}
	}
	return ""
}

// holdUntil waits until the rule is taken away, or something else has happened.
func (r *rule) holdUntil(happened func() bool) {
	for !happened() {
		select {
		case <-r.released:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// callAndWait makes a call that starts a task of the simulator and waits for its outcome.
func (d *door) callAndWait(r *http.Request) (types.AnyType, *types.LocalizedMethodFault) {
	recorder := httptest.NewRecorder()
	d.inner.ServeHTTP(recorder, r)
	reference, failure := taskAnswer(recorder.Body.Bytes())
	if failure != nil {
		return nil, failure
	}
	task, ok := d.sim.registry.Get(reference).(*simulator.Task)
	if !ok {
		return nil, localized(&types.SystemError{Reason: "the call answered without a task"}, "")
	}
	for !d.ended(task) { // not Wait, which tasks of our own do not know
		time.Sleep(10 * time.Millisecond)
	}
	var result types.AnyType
	d.sim.registry.WithLock(d.sim.context(), task, func() { result, failure = task.Info.Result, task.Info.Error })
	return result, failure
}

func (d *door) ended(task *simulator.Task) bool {
	ended := false
	d.sim.registry.WithLock(d.sim.context(), task, func() {
		ended = task.Info.State == types.TaskInfoStateError || task.Info.State == types.TaskInfoStateSuccess
	})
	return ended
}

func (d *door) finish(task *simulator.Task, result types.AnyType, failure *types.LocalizedMethodFault) {
	changes := []types.PropertyChange{{Name: "info.completeTime", Val: time.Now()}}
	if failure != nil {
		changes = append(changes, types.PropertyChange{Name: "info.error", Val: failure},
			types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateError})
	} else {
		changes = append(changes, types.PropertyChange{Name: "info.progress", Val: int32(100)},
			types.PropertyChange{Name: "info.result", Val: result},
			types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateSuccess})
	}
	d.sim.update(task, changes...)
}
