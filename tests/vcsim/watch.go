package main

import (
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	gather   = 20 * time.Millisecond // the time in which updates come together, as the simulator has it
	mostSent = 100                   // objects in an answer, as the simulator has it
)

// watch answers the waits of a collector whose filters all follow views, as an inventory has one. It reads the objects
// that changed. The simulator lets each update that it hears of read all objects of the filters, and does so here only
// when objects come or go.
type watch struct {
	*collectorListener
	// sent has, by filter, the objects that the client knows of. It is used with the collector's lock held only.
	sent map[types.ManagedObjectReference]map[types.ManagedObjectReference]bool
	more bool // the simulator has another page of its last answer

	mu      sync.Mutex
	anew    bool // objects came or went
	changed []*changedObject
	cancel  chan struct{} // of the wait under way; nil without one
}

// changedObject is an object with the properties that changed since the client heard of it.
type changedObject struct {
	mo.Reference
	names []types.PropertyChange
}

// watchOf returns the watch of a collector, a new one where a client asks for all, or nil where the collector is not for one.
func (e *extension) watchOf(collector *simulator.PropertyCollector, listener *collectorListener, isNew bool) *watch {
	if found, ok := e.watches.Load(collector); ok && !isNew {
		return found.(*watch)
	}
	if !isNew || len(listener.specs) == 0 {
		return nil
	}
	for _, spec := range listener.specs {
		for _, set := range spec.ObjectSet {
			if len(set.SelectSet) == 0 {
				return nil
			}
		}
		for _, set := range spec.PropSet {
			if set.All != nil && *set.All {
				return nil
			}
		}
	}
	made := &watch{
		collectorListener: listener, anew: true,
		sent: map[types.ManagedObjectReference]map[types.ManagedObjectReference]bool{},
	}
	e.watches.Store(collector, made)
	return made
}

// PutObject notes that there may be a new object.
func (w *watch) PutObject(_ *simulator.Context, object mo.Reference) {
	if w.wants(object, nil) {
		w.mu.Lock()
		w.anew = true
		w.mu.Unlock()
	}
}

// RemoveObject notes that an object is gone. No view has tasks or snapshots, which go most often.
func (w *watch) RemoveObject(ctx *simulator.Context, reference types.ManagedObjectReference) {
	if reference.Type == "Task" || reference.Type == "VirtualMachineSnapshot" {
		return
	}
	w.PropertyCollector.RemoveObject(ctx, reference)
	w.mu.Lock()
	w.anew = true
	w.mu.Unlock()
}

// UpdateObject notes the changes to an object. The caller holds the object's lock, so this takes no other one.
func (w *watch) UpdateObject(_ *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	if !w.wants(object, changes) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, spec := range w.specs {
		for _, set := range spec.ObjectSet {
			if set.Obj == object.Reference() { // a view
				w.anew = true
				return
			}
		}
	}
	for _, each := range w.changed {
		if each.Reference.Reference() == object.Reference() {
			each.names = append(each.names, changes...)
			return
		}
	}
	w.changed = append(w.changed, &changedObject{object, append([]types.PropertyChange{}, changes...)})
}

// wait answers as the collector's WaitForUpdatesEx does, with the collector's lock held.
func (w *watch) wait(ctx *simulator.Context, req *types.WaitForUpdatesEx) soap.HasFault {
	if req.Version == "" || w.more {
		return w.fromSimulator(ctx, req)
	}
	options := types.WaitOptions{}
	if req.Options != nil {
		options = *req.Options
	}
	var over <-chan time.Time
	if options.MaxWaitSeconds != nil {
		over = time.After(time.Duration(*options.MaxWaitSeconds) * time.Second)
	}
	cancelled := make(chan struct{})
	w.mu.Lock()
	w.cancel = cancelled
	w.mu.Unlock()
	ticker := time.NewTicker(gather)
	defer ticker.Stop()
	for last := false; !last; {
		select {
		case <-cancelled:
			return &methods.WaitForUpdatesExBody{Fault_: simulator.Fault("", new(types.RequestCanceled))}
		case <-over:
			last = true
		case <-ticker.C:
		}
		if w.takeAnew() {
			w.PropertyCollector.UpdateObject(ctx, req.This, nil) // lets the simulator look for new objects, once
			once := *req
			options.MaxWaitSeconds = types.NewInt32(0)
			once.Options = &options
			answer := w.fromSimulator(ctx, &once)
			if body, ok := answer.(*methods.WaitForUpdatesExBody); !ok || body.Res == nil || body.Res.Returnval != nil {
				return answer
			}
		}
		if filters := w.modified(ctx, w.takeChanged(int(options.MaxObjectUpdates))); len(filters) > 0 {
			update := &types.UpdateSet{Version: req.Version, FilterSet: filters}
			return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{Returnval: update}}
		}
	}
	return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{}}
}

// stop ends the wait under way.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		close(w.cancel)
		w.cancel = nil
	}
}

func (w *watch) takeAnew() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	anew := w.anew
	w.anew = false
	return anew
}

func (w *watch) takeChanged(most int) []*changedObject {
	w.mu.Lock()
	defer w.mu.Unlock()
	if most <= 0 || most > mostSent {
		most = mostSent
	}
	most = min(most, len(w.changed))
	taken := w.changed[:most]
	w.changed = w.changed[most:]
	return taken
}

// fromSimulator lets the simulator answer, and notes which objects the client then knows of.
func (w *watch) fromSimulator(ctx *simulator.Context, req *types.WaitForUpdatesEx) soap.HasFault {
	answer := w.PropertyCollector.WaitForUpdatesEx(ctx, req)
	body, ok := answer.(*methods.WaitForUpdatesExBody)
	if !ok || body.Res == nil || body.Res.Returnval == nil {
		return answer
	}
	update := body.Res.Returnval
	w.more = update.Truncated != nil && *update.Truncated
	for _, filter := range update.FilterSet {
		sent := w.sent[filter.Filter]
		if sent == nil {
			sent = map[types.ManagedObjectReference]bool{}
			w.sent[filter.Filter] = sent
		}
		for _, object := range filter.ObjectSet {
			if object.Kind == types.ObjectUpdateKindLeave {
				delete(sent, object.Obj)
			} else {
				sent[object.Obj] = true
			}
		}
	}
	return answer
}

// modified reads the changed properties of the objects that the client knows of.
func (w *watch) modified(ctx *simulator.Context, changed []*changedObject) []types.PropertyFilterUpdate {
	var updates []types.PropertyFilterUpdate
	for number, reference := range w.Filter {
		if number >= len(w.specs) {
			break // a filter that is younger than the watch; its objects come with those that the simulator looks for
		}
		update := types.PropertyFilterUpdate{Filter: reference}
		for _, object := range changed {
			if !w.sent[reference][object.Reference.Reference()] {
				continue // it is sent as a new one
			}
			if changes := w.read(ctx, object, w.specs[number].PropSet); len(changes) > 0 {
				update.ObjectSet = append(update.ObjectSet, types.ObjectUpdate{
					Obj: object.Reference.Reference(), Kind: types.ObjectUpdateKindModify, ChangeSet: changes,
				})
			}
		}
		if len(update.ObjectSet) > 0 {
			updates = append(updates, update)
		}
	}
	return updates
}

// read returns the present values of those properties of the sets that changed; a property that is not set has none.
func (w *watch) read(ctx *simulator.Context, object *changedObject, sets []types.PropertySpec) []types.PropertyChange {
	var paths []string
	for _, set := range sets {
		for _, path := range set.PathSet {
			one := types.PropertySpec{PathSet: []string{path}}
			if isOf(object.Reference, set.Type) && names(one, object.names) {
				paths = append(paths, path)
			}
		}
	}
	reference := object.Reference.Reference()
	answer := w.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{SpecSet: []types.PropertyFilterSpec{{
		PropSet:                       []types.PropertySpec{{Type: reference.Type, PathSet: paths}},
		ObjectSet:                     []types.ObjectSpec{{Obj: reference}},
		ReportMissingObjectsInResults: types.NewBool(true),
	}}})
	body, ok := answer.(*methods.RetrievePropertiesExBody)
	if !ok || body.Res == nil || body.Res.Returnval == nil || len(body.Res.Returnval.Objects) == 0 {
		return nil // it is gone
	}
	values := map[string]types.AnyType{}
	for _, property := range body.Res.Returnval.Objects[0].PropSet {
		values[property.Name] = property.Val
	}
	var changes []types.PropertyChange
	for _, path := range paths {
		changes = append(changes, types.PropertyChange{
			Name: path, Op: types.PropertyChangeOpAssign, Val: values[path],
		})
	}
	return changes
}
