package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// The simulator takes some of its locks in two orders. When two calls meet, neither ends. A new task or snapshot takes
// the lock of every view, with its VM's lock held, so soon nothing else ends either. The methods in this file replace
// those that take the locks in the wrong order.

// Logout ends the session. The simulator's own Logout holds the lock of the session's registry while it takes the lock
// of each view. A WaitForUpdatesEx or a property read of the same session takes the two in the other order.
func (e *extension) Logout(ctx *simulator.Context, _ *types.Logout) soap.HasFault {
	session := ctx.Session
	for _, object := range session.Registry.AllReference("") {
		if collector, ok := object.(*simulator.PropertyCollector); ok {
			collector.CancelWaitForUpdates(&types.CancelWaitForUpdates{This: collector.Self})
			if found, ok := e.watches.LoadAndDelete(collector); ok {
				found.(*watch).stop()
			}
		}
		// Every session has the default collector under the same name, so this one may be another session's.
		isDefault := object.Reference() == e.sim.model.ServiceContent.PropertyCollector
		if handler, ok := object.(simulator.RegisterObject); ok && !isDefault {
			ctx.Map.RemoveHandler(handler)
		}
	}
	// The simulator deletes a session in Logout and in TerminateSession only; the latter refuses the caller's own.
	nobody := &simulator.Context{Context: ctx, Map: ctx.Map, Session: &simulator.Session{}}
	ctx.Map.SessionManager().TerminateSession(nobody, &types.TerminateSession{SessionId: []string{session.Key}})

	events := ctx.Map.EventManager()
	ctx.WithLock(events, func() {
		events.PostEvent(ctx, &types.PostEvent{EventToPost: &types.UserLogoutSessionEvent{
			IpAddress: session.IpAddress, UserAgent: session.UserAgent,
			SessionId: session.Key, LoginTime: &session.LoginTime,
		}})
	})
	return &methods.LogoutBody{Res: &types.LogoutResponse{}}
}

// CreateFilter lets the simulator make the filter, and listens to updates in its place.
func (e *extension) CreateFilter(ctx *simulator.Context, req *types.CreateFilter) soap.HasFault {
	collector, ok := ctx.Session.Get(req.This).(*simulator.PropertyCollector)
	if !ok {
		return &methods.CreateFilterBody{Fault_: missing(req.This)}
	}
	answer := collector.CreateFilter(ctx, req)
	if body, ok := answer.(*methods.CreateFilterBody); ok && body.Res != nil {
		if filter, ok := ctx.Session.Get(body.Res.Returnval).(*simulator.PropertyFilter); ok {
			ctx.Map.AddHandler(&filterListener{filter}) // replaces the filter, which has the same reference
		}
	}
	return answer
}

// filterListener notes for a filter that an object at which its traversals start has changed. The filter's own handler
// waits for the filter's lock, with the object's lock held by whoever changes it. WaitForUpdatesEx takes the two in the
// other order.
type filterListener struct {
	*simulator.PropertyFilter
}

// UpdateObject returns without waiting for a lock.
func (l *filterListener) UpdateObject(ctx *simulator.Context, object mo.Reference, _ []types.PropertyChange) {
	reference := object.Reference()
	for _, set := range l.Spec.ObjectSet {
		if set.Obj == reference && len(set.SelectSet) > 0 {
			go l.PropertyFilter.UpdateObject(&simulator.Context{Map: ctx.Map}, reference, nil)
			return
		}
	}
}
