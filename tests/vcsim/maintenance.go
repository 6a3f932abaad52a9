package main

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// evacuation remembers how hosts were asked to enter maintenance mode.
type evacuation struct {
	mu    sync.Mutex
	asked map[string]string
}

func (v *evacuation) note(host, action string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.asked == nil {
		v.asked = map[string]string{}
	}
	v.asked[host] = action
}

func (v *evacuation) report() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.asked == nil {
		return map[string]string{}
	}
	return maps.Clone(v.asked)
}

func inMaintenance(in bool) []types.PropertyChange {
	return []types.PropertyChange{{Name: "runtime.inMaintenanceMode", Val: in}}
}

// EnterMaintenanceModeTask waits until no VM runs on the host, as vSphere does. DRS moves them where it may.
func (e *extension) EnterMaintenanceModeTask(_ *simulator.Context, req *types.EnterMaintenanceMode_Task) soap.HasFault {
	body := &methods.EnterMaintenanceMode_TaskBody{}
	host, ok := e.sim.registry.Get(req.This).(*simulator.HostSystem)
	if !ok {
		body.Fault_ = missing(req.This)
		return body
	}
	action := ""
	if spec := req.MaintenanceSpec; spec != nil && spec.VsanMode != nil {
		action = spec.VsanMode.ObjectAction
	}
	e.sim.evacuation.note(e.sim.nameOf(host.Self), action)
	task := e.sim.ownTask(host, "enterMaintenanceMode")
	go e.sim.evacuate(task, host, time.Duration(req.Timeout)*time.Second)
	body.Res = &types.EnterMaintenanceMode_TaskResponse{Returnval: task.Reference()}
	return body
}

// ownTask makes a task that runs until finishTask ends it, and that holds no lock meanwhile.
func (s *simulation) ownTask(entity mo.Reference, name string) *simulator.Task {
	task := simulator.CreateTask(entity, name, nil)
	s.registry.Put(task)
	reference := task.Reference()
	s.update(task,
		types.PropertyChange{Name: "info.key", Val: reference.Value},
		types.PropertyChange{Name: "info.task", Val: reference},
		types.PropertyChange{Name: "info.entityName", Val: s.nameOf(entity.Reference())},
		types.PropertyChange{Name: "info.startTime", Val: time.Now()},
		types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateRunning},
	)
	return task
}

// finishTask ends a task of our own, unless it was cancelled.
func (s *simulation) finishTask(task *simulator.Task, result types.AnyType, fault types.BaseMethodFault) {
	door := &door{sim: s}
	if door.ended(task) {
		return
	}
	var failure *types.LocalizedMethodFault
	if fault != nil {
		failure = localized(fault, "")
	}
	door.finish(task, result, failure)
}

func (s *simulation) evacuate(task *simulator.Task, host *simulator.HostSystem, limit time.Duration) {
	began := time.Now()
	for _, vm := range s.vmsOf(host) {
		if s.leases.holds(vm) { // no VM leaves while a lease holds it, so the wait for that comes to its end
			s.finishTask(task, nil, &types.Timedout{})
			return
		}
	}
	for !(&door{sim: s}).ended(task) {
		running := s.runningOn(host)
		if len(running) == 0 {
			s.update(host, inMaintenance(true)...)
			s.finishTask(task, nil, nil)
			return
		}
		if limit > 0 && time.Since(began) > limit {
			s.finishTask(task, nil, &types.Timedout{})
			return
		}
		if _, members, drs := s.computeOf(host.Self); drs {
			for _, vm := range running {
				s.moveAway(vm, host.Self, members)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *simulation) vmsOf(host *simulator.HostSystem) []types.ManagedObjectReference {
	var found []types.ManagedObjectReference
	s.registry.WithLock(s.context(), host, func() { found = slices.Clone(host.Vm) })
	return found
}

// runningOn gives the VMs that are powered on there, without the agents, which vSphere itself powers off.
func (s *simulation) runningOn(host *simulator.HostSystem) []*simulator.VirtualMachine {
	var found []*simulator.VirtualMachine
	for _, vm := range s.virtualMachines() {
		on := false
		s.registry.WithLock(s.context(), vm, func() {
			agent := strings.HasPrefix(vm.Name, "vCLS") ||
				vm.Config.ManagedBy != nil && vm.Config.ManagedBy.ExtensionKey == "com.vmware.vim.eam"
			on = !agent && vm.Runtime.Host != nil && *vm.Runtime.Host == host.Self &&
				vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
		})
		if on {
			found = append(found, vm)
		}
	}
	return found
}

// moveAway moves a VM to another host of the cluster that can have it, if there is one.
func (s *simulation) moveAway(vm *simulator.VirtualMachine, from types.ManagedObjectReference, members []types.ManagedObjectReference) {
	config := s.configOf(vm)
	for _, other := range members {
		if other != from && s.hostFault(other, config) == nil {
			s.move(vm, &other, nil)
			return
		}
	}
}

// configOf gives what a host must have for a VM: its datastore and its networks.
func (s *simulation) configOf(vm *simulator.VirtualMachine) *types.VirtualMachineConfigSpec {
	config := &types.VirtualMachineConfigSpec{}
	s.registry.WithLock(s.context(), vm, func() {
		files := vm.Config.Files
		config.Files = &files
		for _, device := range vm.Config.Hardware.Device {
			config.DeviceChange = append(config.DeviceChange, &types.VirtualDeviceConfigSpec{Device: device})
		}
	})
	return config
}

// move registers a VM with another host, on another datastore, or both.
func (s *simulation) move(vm *simulator.VirtualMachine, host, datastore *types.ManagedObjectReference) {
	var before types.ManagedObjectReference
	s.registry.WithLock(s.context(), vm, func() { before = *vm.Runtime.Host })
	if host != nil && *host != before {
		s.update(vm, types.PropertyChange{Name: "runtime.host", Val: host},
			types.PropertyChange{Name: "summary.runtime.host", Val: host})
		s.listVM(before, vm.Self, false)
		s.listVM(*host, vm.Self, true)
	}
	if datastore != nil {
		s.moveFiles(vm, *datastore)
	}
}

func (s *simulation) listVM(reference, vm types.ManagedObjectReference, there bool) {
	host, ok := s.registry.Get(reference).(*simulator.HostSystem)
	if !ok {
		return
	}
	var kept []types.ManagedObjectReference
	s.registry.WithLock(s.context(), host, func() {
		kept = slices.DeleteFunc(slices.Clone(host.Vm), func(each types.ManagedObjectReference) bool { return each == vm })
	})
	if there {
		kept = append(kept, vm)
	}
	s.update(host, types.PropertyChange{Name: "vm", Val: kept})
}
