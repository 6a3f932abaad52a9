package main

import (
	"os"
	"path"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// relocationFault says what is against a move of a VM, or nil: the host must be in service, have the datastore that
// the VM gets and the networks of its cards, and belong to the pool's cluster.
func (s *simulation) relocationFault(vm *simulator.VirtualMachine, spec types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	config := s.configOf(vm)
	if spec.Datastore != nil {
		config.Files = &types.VirtualMachineFileInfo{VmPathName: "[" + s.nameOf(*spec.Datastore) + "]"}
	}
	var host types.ManagedObjectReference
	s.registry.WithLock(s.context(), vm, func() { host = *vm.Runtime.Host })
	if spec.Host != nil {
		from, _, _ := s.computeOf(host)
		to, _, _ := s.computeOf(*spec.Host)
		if from != to && spec.Pool == nil {
			return &types.InvalidArgument{InvalidProperty: "spec.pool"}
		}
		if spec.Pool != nil {
			if of, _, _ := s.computeOf(*spec.Pool); of != to {
				return &types.InvalidArgument{InvalidProperty: "spec.pool"}
			}
		}
		host = *spec.Host
	}
	return s.hostFault(host, config)
}

// moveFiles gives the folder of a VM, with its disks, to another datastore.
func (s *simulation) moveFiles(vm *simulator.VirtualMachine, to types.ManagedObjectReference) {
	datastore, ok := s.registry.Get(to).(*simulator.Datastore)
	if !ok {
		return
	}
	there := func(name string) string {
		var file object.DatastorePath
		file.FromString(name)
		file.Datastore = datastore.Name
		return file.String()
	}
	var vmx object.DatastorePath
	var devices []types.BaseVirtualDevice
	s.registry.WithLock(s.context(), vm, func() {
		vmx.FromString(vm.Config.Files.VmPathName)
		for _, device := range vm.Config.Hardware.Device {
			if disk, ok := device.(*types.VirtualDisk); ok {
				if backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
					moved, changed := *disk, *backing
					changed.FileName, changed.Datastore = there(backing.FileName), &to
					moved.Backing = &changed
					device = &moved
				}
			}
			devices = append(devices, device)
		}
	})
	before := path.Dir(s.filePath(vm, vmx))
	after := path.Join(datastore.Info.GetDatastoreInfo().Url, path.Dir(vmx.Path))
	if before != after {
		_ = os.Rename(before, after) // a VM without files has nothing to move
	}
	s.update(vm,
		types.PropertyChange{Name: "config.files.vmPathName", Val: there(vmx.String())},
		types.PropertyChange{Name: "config.hardware.device", Val: devices},
		types.PropertyChange{Name: "datastore", Val: []types.ManagedObjectReference{to}})
}

// RelocateVMTask moves a VM that no lease holds, and tells those who wait for updates of it and of the hosts.
func (e *extension) RelocateVMTask(_ *simulator.Context, req *types.RelocateVM_Task) soap.HasFault {
	body := &methods.RelocateVM_TaskBody{}
	vm := e.vm(req.This)
	if vm == nil {
		body.Fault_ = missing(req.This)
		return body
	}
	if body.Fault_ = e.heldByLease(vm); body.Fault_ != nil {
		return body
	}
	task := e.sim.ownTask(vm, "relocateTask")
	go func() {
		fault := e.sim.relocationFault(vm, req.Spec)
		if fault == nil {
			e.sim.move(vm, req.Spec.Host, req.Spec.Datastore)
			if pool := req.Spec.Pool; pool != nil {
				e.sim.update(vm, types.PropertyChange{Name: "resourcePool", Val: pool})
			}
		}
		e.sim.finishTask(task, nil, fault)
	}()
	body.Res = &types.RelocateVM_TaskResponse{Returnval: task.Reference()}
	return body
}

// CheckRelocateTask names what is against a move.
func (e *extension) CheckRelocateTask(_ *simulator.Context, req *types.CheckRelocate_Task) soap.HasFault {
	body := &methods.CheckRelocate_TaskBody{}
	vm := e.vm(req.Vm)
	if vm == nil {
		body.Fault_ = missing(req.Vm)
		return body
	}
	task := e.sim.ownTask(vm, "checkRelocate")
	go func() {
		result := types.CheckResult{Vm: &req.Vm, Host: req.Spec.Host}
		if fault := e.sim.relocationFault(vm, req.Spec); fault != nil {
			result.Error = []types.LocalizedMethodFault{*localized(fault, "")}
		}
		e.sim.finishTask(task, types.ArrayOfCheckResult{CheckResult: []types.CheckResult{result}}, nil)
	}()
	body.Res = &types.CheckRelocate_TaskResponse{Returnval: task.Reference()}
	return body
}
