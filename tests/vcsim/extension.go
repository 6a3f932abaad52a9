package main

import (
	"reflect"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// extension has the methods that the simulator lacks, or has otherwise than vSphere. It is one object for all of
// them: the simulator asserts its own types everywhere (a wrapped VM in its registry makes it panic), but it asks a
// handler before each call and lets it send the call elsewhere. Sessions, dispatch and encoding stay its own.
type extension struct {
	Self    types.ManagedObjectReference
	sim     *simulation
	watches sync.Map // of *simulator.PropertyCollector to *watch
}

func newExtension(sim *simulation) *extension {
	return &extension{Self: types.ManagedObjectReference{Type: "VmkopsExtension", Value: "extension"}, sim: sim}
}

// Reference names the object in the registry.
func (e *extension) Reference() types.ManagedObjectReference { return e.Self }

// Lock and Unlock do nothing: methods lock the object they work on, not this one that all calls pass.
func (e *extension) Lock() {}

// Unlock is the other half of Lock.
func (e *extension) Unlock() {}

func (e *extension) install() {
	e.sim.registry.Put(e)
	e.sim.registry.Handler = func(ctx *simulator.Context, m *simulator.Method) (mo.Reference, types.BaseMethodFault) {
		name := strings.TrimSuffix(m.Name, "_Task")
		if name != m.Name {
			name += "Task" // as the simulator spells its methods
		}
		if fault := e.sim.privileges.refuse(m.Name, m.This); fault != nil && ctx.Session != nil {
			return nil, fault
		}
		if ctx.Session == nil || !reflect.ValueOf(e).MethodByName(name).IsValid() {
			return nil, nil
		}
		m.This = e.Self
		return e, nil
	}
}

// missing is the fault for a call on an object that is not there.
func missing(reference types.ManagedObjectReference) *soap.Fault {
	return simulator.Fault(
		"The object '"+reference.Type+":"+reference.Value+"' has already been deleted or has not been completely created",
		&types.ManagedObjectNotFound{Obj: reference},
	)
}

func (e *extension) vm(reference types.ManagedObjectReference) *simulator.VirtualMachine {
	vm, _ := e.sim.registry.Get(reference).(*simulator.VirtualMachine)
	return vm
}

// CreateSnapshotTask takes quiescing seriously: it needs running Tools, and may fail in the guest.
func (e *extension) CreateSnapshotTask(ctx *simulator.Context, req *types.CreateSnapshot_Task) soap.HasFault {
	body := &methods.CreateSnapshot_TaskBody{}
	vm := e.vm(req.This)
	if vm == nil {
		body.Fault_ = missing(req.This)
		return body
	}
	if fault := refusedSnapshot(ctx, vm); fault != nil {
		task := simulator.CreateTask(vm, "createSnapshotTask",
			func(*simulator.Task) (types.AnyType, types.BaseMethodFault) { return nil, fault })
		body.Res = &types.CreateSnapshot_TaskResponse{Returnval: task.Run(ctx)}
		return body
	}
	if req.Quiesce {
		state := e.sim.state(vm.Self)
		name := state.QuiesceFault
		if !toolsRun(ctx, vm) {
			name = state.QuiesceWithoutTools
			req.Quiesce = false // without a fault, vSphere takes a snapshot that is not quiesced and says nothing
		}
		if name != "" {
			fault, err := newFault(name, nil)
			if err != nil {
				fault = &types.SystemError{Reason: err.Error()}
			}
			task := simulator.CreateTask(vm, "createSnapshotTask",
				func(*simulator.Task) (types.AnyType, types.BaseMethodFault) { return nil, fault })
			body.Res = &types.CreateSnapshot_TaskResponse{Returnval: task.Run(ctx)}
			return body
		}
	}
	var answer soap.HasFault
	ctx.WithLock(vm, func() { answer = vm.CreateSnapshotTask(ctx, req) })
	return answer
}

func toolsRun(ctx *simulator.Context, vm *simulator.VirtualMachine) bool {
	running := false
	ctx.WithLock(vm, func() {
		running = vm.Guest != nil &&
			vm.Guest.ToolsRunningStatus == string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
	})
	return running
}

// ExitMaintenanceModeTask also tells those who wait for updates of the host; see maintenance.go for the way in.
func (e *extension) ExitMaintenanceModeTask(ctx *simulator.Context, req *types.ExitMaintenanceMode_Task) soap.HasFault {
	body := &methods.ExitMaintenanceMode_TaskBody{}
	host, ok := e.sim.registry.Get(req.This).(*simulator.HostSystem)
	if !ok {
		body.Fault_ = missing(req.This)
		return body
	}
	task := simulator.CreateTask(host, "exitMaintenanceMode", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		ctx.Update(host, inMaintenance(false)) // the task holds the host's lock
		return nil, nil
	})
	body.Res = &types.ExitMaintenanceMode_TaskResponse{Returnval: task.Run(ctx)}
	return body
}

// ShutdownGuest asks a guest that may not listen, when the control API said so.
func (e *extension) ShutdownGuest(ctx *simulator.Context, req *types.ShutdownGuest) soap.HasFault {
	vm := e.vm(req.This)
	if vm == nil {
		return &methods.ShutdownGuestBody{Fault_: missing(req.This)}
	}
	if e.sim.state(vm.Self).IgnoresShutdown {
		return &methods.ShutdownGuestBody{Res: &types.ShutdownGuestResponse{}}
	}
	var answer soap.HasFault
	ctx.WithLock(vm, func() { answer = vm.ShutdownGuest(ctx, req) })
	return answer
}

// RemoveSnapshotTask may leave disks that need consolidation, when the control API asked for it.
func (e *extension) RemoveSnapshotTask(ctx *simulator.Context, req *types.RemoveSnapshot_Task) soap.HasFault {
	snapshot, ok := e.sim.registry.Get(req.This).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return &methods.RemoveSnapshot_TaskBody{Fault_: missing(req.This)}
	}
	if vm := e.vm(snapshot.Vm); vm != nil && e.sim.state(vm.Self).ConsolidationAfterRemoval {
		e.sim.update(vm, consolidationChanges(true)...)
	}
	e.keepFiles(ctx, snapshot)
	e.keepFiles(ctx, snapshot)
	var answer soap.HasFault
	ctx.WithLock(snapshot, func() { answer = snapshot.RemoveSnapshotTask(ctx, req) })
	return answer
}

func consolidationChanges(needed bool) []types.PropertyChange {
	return []types.PropertyChange{
		{Name: "runtime.consolidationNeeded", Val: needed},
		{Name: "summary.runtime.consolidationNeeded", Val: needed},
	}
}

// ConsolidateVMDisksTask merges what was left over: here, it clears the flag.
func (e *extension) ConsolidateVMDisksTask(ctx *simulator.Context, req *types.ConsolidateVMDisks_Task) soap.HasFault {
	body := &methods.ConsolidateVMDisks_TaskBody{}
	vm := e.vm(req.This)
	if vm == nil {
		body.Fault_ = missing(req.This)
		return body
	}
	task := simulator.CreateTask(vm, "consolidateVMDisksTask",
		func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
			e.sim.change(vm.Self, func(state *vmState) { state.ConsolidationAfterRemoval = false })
			ctx.Update(vm, consolidationChanges(false)) // the task holds the VM's lock
			return nil, nil
		})
	body.Res = &types.ConsolidateVMDisks_TaskResponse{Returnval: task.Run(ctx)}
	return body
}

// ExportSnapshot opens a lease on the disks as they were in the snapshot.
func (e *extension) ExportSnapshot(ctx *simulator.Context, req *types.ExportSnapshot) soap.HasFault {
	body := &methods.ExportSnapshotBody{}
	snapshot, ok := e.sim.registry.Get(req.This).(*simulator.VirtualMachineSnapshot)
	vm := (*simulator.VirtualMachine)(nil)
	if ok {
		vm = e.vm(snapshot.Vm)
	}
	if vm == nil {
		body.Fault_ = missing(req.This)
		return body
	}
	lease := e.sim.leases.open(ctx.Session.Key, vm, snapshot.Config.Hardware.Device)
	body.Res = &types.ExportSnapshotResponse{Returnval: lease.Self}
	return body
}

// ExportVm opens a lease on the disks of a VM, which has to be powered off.
func (e *extension) ExportVm(ctx *simulator.Context, req *types.ExportVm) soap.HasFault {
	body := &methods.ExportVmBody{}
	vm := e.vm(req.This)
	if vm == nil {
		body.Fault_ = missing(req.This)
		return body
	}
	var state types.VirtualMachinePowerState
	var devices []types.BaseVirtualDevice
	ctx.WithLock(vm, func() { state, devices = vm.Runtime.PowerState, vm.Config.Hardware.Device })
	if state != types.VirtualMachinePowerStatePoweredOff {
		body.Fault_ = simulator.Fault("The VM is powered on.", &types.InvalidPowerState{
			RequestedState: types.VirtualMachinePowerStatePoweredOff, ExistingState: state,
		})
		return body
	}
	lease := e.sim.leases.open(ctx.Session.Key, vm, devices)
	body.Res = &types.ExportVmResponse{Returnval: lease.Self}
	return body
}

// AnswerVM answers the pending question that the control API has put.
func (e *extension) AnswerVM(ctx *simulator.Context, req *types.AnswerVM) soap.HasFault {
	body := &methods.AnswerVMBody{}
	vm := e.vm(req.This)
	if vm == nil {
		body.Fault_ = missing(req.This)
		return body
	}
	ctx.WithLock(vm, func() {
		question := vm.Runtime.Question
		switch {
		case question == nil || question.Id != req.QuestionId:
			body.Fault_ = simulator.Fault("There is no such question.", &types.InvalidArgument{InvalidProperty: "questionId"})
		case !offers(question, req.AnswerChoice):
			body.Fault_ = simulator.Fault("There is no such answer.", &types.InvalidArgument{InvalidProperty: "answerChoice"})
		default:
			ctx.Update(vm, questionChanges(nil))
			e.sim.change(vm.Self, func(state *vmState) { state.Answer = req.AnswerChoice })
			body.Res = &types.AnswerVMResponse{}
		}
	})
	return body
}

func offers(question *types.VirtualMachineQuestionInfo, answer string) bool {
	for _, choice := range question.Choice.ChoiceInfo {
		if choice.GetElementDescription().Key == answer {
			return true
		}
	}
	return false
}
