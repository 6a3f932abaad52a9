package main

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// WaitForUpdatesEx lets the simulator wait, and hides from the collector what none of its filters asks for. For each
// update that the simulator's collector hears of, such as the progress of any task, it reads all objects of its filters
// again and copies them through XML: with a hundred VMs, this took most of the simulator's CPU time.
func (e *extension) WaitForUpdatesEx(ctx *simulator.Context, req *types.WaitForUpdatesEx) soap.HasFault {
	collector, ok := ctx.Session.Get(req.This).(*simulator.PropertyCollector)
	if !ok {
		return &methods.WaitForUpdatesExBody{Fault_: missing(req.This)}
	}
	var answer soap.HasFault
	ctx.WithLock(collector, func() {
		listener := listenerOf(ctx, collector)
		// Every session has the default collector under the same name.
		isDefault := req.This == e.sim.model.ServiceContent.PropertyCollector
		if listener == nil || isDefault {
			answer = collector.WaitForUpdatesEx(ctx, req)
			return
		}
		if watch := e.watchOf(collector, listener, req.Version == ""); watch != nil {
			answer = watch.wait(ctx, req)
			if req.Version == "" {
				ctx.Map.AddHandler(watch) // replaces the collector, which has the same reference
			}
			return
		}
		if req.Version != "" {
			ctx.Map.AddHandler(listener)
		}
		answer = collector.WaitForUpdatesEx(ctx, req)
	})
	return answer
}

// collectorListener hands on to a collector only the updates that a filter of it may report.
type collectorListener struct {
	*simulator.PropertyCollector
	specs []types.PropertyFilterSpec
}

// listenerOf is nil when any update may matter: some filter walks over objects that are no views.
func listenerOf(ctx *simulator.Context, collector *simulator.PropertyCollector) *collectorListener {
	listener := &collectorListener{PropertyCollector: collector}
	for _, reference := range collector.Filter {
		filter, ok := ctx.Session.Get(reference).(*simulator.PropertyFilter)
		if !ok {
			return nil
		}
		for _, set := range filter.Spec.ObjectSet {
			if len(set.SelectSet) > 0 && set.Obj.Type != "ContainerView" {
				return nil
			}
		}
		listener.specs = append(listener.specs, filter.Spec)
	}
	return listener
}

// PutObject hears of a new object.
func (l *collectorListener) PutObject(ctx *simulator.Context, object mo.Reference) {
	if l.wants(object, nil) {
		l.PropertyCollector.PutObject(ctx, object)
	}
}

// UpdateObject hears of changes to an object.
func (l *collectorListener) UpdateObject(ctx *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	if l.wants(object, changes) {
		l.PropertyCollector.UpdateObject(ctx, object, changes)
	}
}

// wants says whether a filter names the object or its type, and, if there are changes, a property of them.
func (l *collectorListener) wants(object mo.Reference, changes []types.PropertyChange) bool {
	reference := object.Reference()
	for _, spec := range l.specs {
		walks := false
		for _, set := range spec.ObjectSet {
			walks = walks || len(set.SelectSet) > 0
			if set.Obj == reference {
				return true
			}
		}
		for _, set := range spec.PropSet {
			if walks && isOf(object, set.Type) && names(set, changes) {
				return true
			}
		}
	}
	return false
}

// isOf says whether the object is of the type, which may be abstract, such as ManagedEntity.
func isOf(object mo.Reference, kind string) bool {
	if object.Reference().Type == kind {
		return true
	}
	of := reflect.TypeOf(object)
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return false
	}
	field, found := of.FieldByName(kind)
	return found && field.Anonymous
}

func names(set types.PropertySpec, changes []types.PropertyChange) bool {
	if len(changes) == 0 || set.All != nil && *set.All {
		return true
	}
	for _, change := range changes {
		for _, path := range set.PathSet {
			if within(path, change.Name) || within(change.Name, path) {
				return true
			}
		}
	}
	return false
}

// within says whether a property is the other one, or a part of it.
func within(part, whole string) bool {
	rest, found := strings.CutPrefix(part, whole)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
