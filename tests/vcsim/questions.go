package main

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// accepted puts the question of a rule to the VM of a task and waits for the answer, as a task of vSphere does. It says
// whether the answer is the one with which the task goes on. The question goes with a task that is cancelled.
func (d *door) accepted(task *simulator.Task, entity types.ManagedObjectReference, act *rule) bool {
	vm, ok := d.sim.registry.Get(entity).(*simulator.VirtualMachine)
	if !ok {
		return true
	}
	d.sim.update(vm, questionChanges(act.Question)...)
	for !d.ended(task) {
		pending := false
		d.sim.registry.WithLock(d.sim.context(), vm, func() { pending = vm.Runtime.Question != nil })
		if !pending {
			return act.Accept == "" || d.sim.state(entity).Answer == act.Accept
		}
		time.Sleep(20 * time.Millisecond)
	}
	d.sim.update(vm, questionChanges(nil)...)
	return false
}
