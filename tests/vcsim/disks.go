package main

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// ReconfigVMTask changes a VM whose snapshots keep their own list of devices (the simulator lets them share one, so that
// a disk which is removed from the VM goes from the snapshot too). As vSphere does, it refuses a request that was made
// for another version of the configuration (its changeVersion is then not the VM's), and a disk for which a running VM
// has no hot-add: on an IDE controller.
func (e *extension) ReconfigVMTask(ctx *simulator.Context, req *types.ReconfigVM_Task) soap.HasFault {
	vm := e.vm(req.This)
	if vm == nil {
		return &methods.ReconfigVM_TaskBody{Fault_: missing(req.This)}
	}
	body := &methods.ReconfigVM_TaskBody{}
	if body.Fault_ = e.heldByLease(vm); body.Fault_ != nil {
		return body
	}
	var answer soap.HasFault
	ctx.WithLock(vm, func() {
		vm.Config.Hardware.Device = slices.Clone(vm.Config.Hardware.Device)
		fault := refusedChange(vm, req.Spec)
		if fault == nil {
			answer = vm.ReconfigVMTask(ctx, req)
			return
		}
		task := simulator.CreateTask(vm, "reconfigVm", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
			return nil, fault
		})
		body.Res = &types.ReconfigVM_TaskResponse{Returnval: task.Run(ctx)}
		answer = body
	})
	return answer
}

func refusedChange(vm *simulator.VirtualMachine, spec types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if spec.ChangeVersion != "" && spec.ChangeVersion != vm.Config.ChangeVersion {
		return &types.ConcurrentAccess{}
	}
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn && addsToIDE(vm, spec.DeviceChange) {
		return &types.InvalidPowerState{
			RequestedState: types.VirtualMachinePowerStatePoweredOff, ExistingState: vm.Runtime.PowerState,
		}
	}
	return nil
}

func addsToIDE(vm *simulator.VirtualMachine, changes []types.BaseVirtualDeviceConfigSpec) bool {
	devices := object.VirtualDeviceList(vm.Config.Hardware.Device)
	for _, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		disk, ok := spec.Device.(*types.VirtualDisk)
		if !ok || spec.Operation != types.VirtualDeviceConfigSpecOperationAdd {
			continue
		}
		if _, ide := devices.FindByKey(disk.ControllerKey).(*types.VirtualIDEController); ide {
			return true
		}
	}
	return false
}

// RevertToSnapshotTask gives the VM the devices of the snapshot again. Files of disks that were added since stay.
func (e *extension) RevertToSnapshotTask(ctx *simulator.Context, req *types.RevertToSnapshot_Task) soap.HasFault {
	snapshot, ok := e.sim.registry.Get(req.This).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return &methods.RevertToSnapshot_TaskBody{Fault_: missing(req.This)}
	}
	if vm := e.vm(snapshot.Vm); vm != nil { // before the task, whose end others wait for
		e.sim.update(vm, types.PropertyChange{
			Name: "config.hardware.device", Val: slices.Clone(snapshot.Config.Hardware.Device),
		})
	}
	var answer soap.HasFault
	ctx.WithLock(snapshot, func() { answer = snapshot.RevertToSnapshotTask(ctx, req) })
	return answer
}

// keepFiles lets the removal of a snapshot leave the files that are not the snapshot's own. The simulator remembers them
// by a number that the removal of a disk gives to another file.
func (e *extension) keepFiles(ctx *simulator.Context, snapshot *simulator.VirtualMachineSnapshot) {
	vm := e.vm(snapshot.Vm)
	if vm == nil {
		return
	}
	ctx.WithLock(vm, func() {
		for n := range vm.LayoutEx.Snapshot {
			layout := &vm.LayoutEx.Snapshot[n]
			for _, file := range vm.LayoutEx.File {
				if strings.HasSuffix(file.Name, ".vmsn") || strings.HasSuffix(file.Name, ".vmem") {
					continue
				}
				if file.Key == layout.DataKey {
					layout.DataKey = -1
				}
				if file.Key == layout.MemoryKey {
					layout.MemoryKey = -1
				}
			}
		}
	})
}

// nameAfterFiles gives the URLs of an import lease the keys that the import spec has, also for a spec without some of
// its disks: the simulator counts the disks that are left, and vSphere names each by its controller and unit.
func nameAfterFiles(info *types.HttpNfcLeaseInfo) {
	for n := range info.DeviceUrl {
		device := &info.DeviceUrl[n]
		var number int
		if _, err := fmt.Sscanf(device.TargetId, "disk-%d.vmdk", &number); err == nil {
			device.ImportKey = fmt.Sprintf("%s:%d", device.ImportKey[:strings.LastIndex(device.ImportKey, ":")], number)
		}
	}
}

// taskEntity is what a task belongs to: an entity of the inventory, so that of a snapshot its VM, and that of a call on
// the disks of a datacenter the first datacenter.
func (s *simulation) taskEntity(object types.ManagedObjectReference) types.ManagedObjectReference {
	if snapshot, ok := s.registry.Get(object).(*simulator.VirtualMachineSnapshot); ok {
		return snapshot.Vm
	}
	if object.Type == "VirtualDiskManager" {
		for _, center := range s.registry.AllReference("Datacenter") {
			return center.Reference()
		}
	}
	return object
}

// ofDatacenter makes a datacenter the entity of a task; the simulator names the manager, which is no entity.
func (e *extension) ofDatacenter(ctx *simulator.Context, reference types.ManagedObjectReference) {
	task, ok := e.sim.registry.Get(reference).(*simulator.Task)
	if !ok {
		return
	}
	ctx.WithLock(task, func() {
		entity := e.sim.taskEntity(*task.Info.Entity)
		task.Info.Entity = &entity
	})
}

// MoveVirtualDiskTask moves the files of a disk.
func (e *extension) MoveVirtualDiskTask(ctx *simulator.Context, req *types.MoveVirtualDisk_Task) soap.HasFault {
	manager := ctx.Map.VirtualDiskManager()
	body := manager.MoveVirtualDiskTask(ctx, req).(*methods.MoveVirtualDisk_TaskBody)
	e.ofDatacenter(ctx, body.Res.Returnval)
	return body
}

// DeleteVirtualDiskTask deletes the files of a disk.
func (e *extension) DeleteVirtualDiskTask(ctx *simulator.Context, req *types.DeleteVirtualDisk_Task) soap.HasFault {
	manager := ctx.Map.VirtualDiskManager()
	body := manager.DeleteVirtualDiskTask(ctx, req).(*methods.DeleteVirtualDisk_TaskBody)
	e.ofDatacenter(ctx, body.Res.Returnval)
	return body
}

// diskFiles lists the disks in the folder of a VM, whether or not a VM has them.
func (s *simulation) diskFiles(r *http.Request) (any, error) {
	vm, err := s.vmNamed(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	var vmx object.DatastorePath
	vmx.FromString(s.configOf(vm).Files.VmPathName)
	entries, err := os.ReadDir(path.Dir(s.filePath(vm, vmx)))
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".vmdk") && !strings.HasSuffix(name, "-flat.vmdk") {
			found = append(found, name)
		}
	}
	return found, nil
}
