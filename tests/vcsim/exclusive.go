package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// heldByLease is the fault for a change of a VM that an export or import lease holds: it can neither be powered on nor
// destroyed nor moved until the lease has ended (HttpNfcLease in the vSphere API).
func (e *extension) heldByLease(vm *simulator.VirtualMachine) *soap.Fault {
	if !e.sim.leases.holds(vm.Self) {
		return nil
	}
	return simulator.Fault("The operation is not allowed: another task is already in progress.",
		&types.TaskInProgress{Task: types.ManagedObjectReference{Type: "Task", Value: "task-export"}})
}

// holds says whether a lease on the VM is open.
func (b *leaseBook) holds(vm types.ManagedObjectReference) bool {
	b.mu.Lock()
	leases := append([]*exportLease{}, b.leases...)
	b.mu.Unlock()
	for _, lease := range leases {
		if lease.vm == vm && lease.alive() {
			return true
		}
	}
	return b.importing(vm)
}

// DestroyTask removes an entity, but not a VM that a lease holds.
func (e *extension) DestroyTask(ctx *simulator.Context, req *types.Destroy_Task) soap.HasFault {
	body := &methods.Destroy_TaskBody{}
	if vm := e.vm(req.This); vm != nil {
		if body.Fault_ = e.heldByLease(vm); body.Fault_ != nil {
			return body
		}
	}
	object, ok := e.sim.registry.Get(req.This).(interface {
		DestroyTask(*simulator.Context, *types.Destroy_Task) soap.HasFault
	})
	if !ok {
		body.Fault_ = missing(req.This)
		return body
	}
	var answer soap.HasFault
	ctx.WithLock(e.sim.registry.Get(req.This), func() { answer = object.DestroyTask(ctx, req) })
	return answer
}
