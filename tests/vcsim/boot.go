package main

import (
	"image"
	"image/png"
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// PowerOnVMTask powers a VM on, and its guest boots: the heartbeat of VMware Tools comes, unless the control API said
// that the guest does not boot.
func (e *extension) PowerOnVMTask(ctx *simulator.Context, req *types.PowerOnVM_Task) soap.HasFault {
	vm := e.vm(req.This)
	if vm == nil {
		return &methods.PowerOnVM_TaskBody{Fault_: missing(req.This)}
	}
	if fault := e.heldByLease(vm); fault != nil {
		return &methods.PowerOnVM_TaskBody{Fault_: fault}
	}
	var answer soap.HasFault
	ctx.WithLock(vm, func() { answer = vm.PowerOnVMTask(ctx, req) })
	if body := answer.(*methods.PowerOnVM_TaskBody); body.Res != nil && !e.sim.state(vm.Self).DoesNotBoot {
		e.afterTask(body.Res.Returnval, func() {
			e.sim.update(vm, heartbeatChanges(types.ManagedEntityStatusGreen)...)
		})
	}
	return answer
}

// PowerOffVMTask ends the heartbeat as well.
func (e *extension) PowerOffVMTask(ctx *simulator.Context, req *types.PowerOffVM_Task) soap.HasFault {
	vm := e.vm(req.This)
	if vm == nil {
		return &methods.PowerOffVM_TaskBody{Fault_: missing(req.This)}
	}
	var answer soap.HasFault
	ctx.WithLock(vm, func() { answer = vm.PowerOffVMTask(ctx, req) })
	if body := answer.(*methods.PowerOffVM_TaskBody); body.Res != nil {
		e.afterTask(body.Res.Returnval, func() {
			e.sim.update(vm, heartbeatChanges(types.ManagedEntityStatusGray)...)
		})
	}
	return answer
}

// afterTask does something once a task of the simulator has succeeded, without holding a lock meanwhile.
func (e *extension) afterTask(reference types.ManagedObjectReference, then func()) {
	task, ok := e.sim.registry.Get(reference).(*simulator.Task)
	if !ok {
		return
	}
	go func() {
		task.Wait()
		failed := false
		e.sim.registry.WithLock(e.sim.context(), task, func() { failed = task.Info.Error != nil })
		if !failed {
			then()
		}
	}()
}

func heartbeatChanges(status types.ManagedEntityStatus) []types.PropertyChange {
	return []types.PropertyChange{
		{Name: "guestHeartbeatStatus", Val: status}, {Name: "summary.quickStats.guestHeartbeatStatus", Val: status},
	}
}

// CreateScreenshotTask writes a picture of the console beside the VM's files and gives its datastore path.
func (e *extension) CreateScreenshotTask(ctx *simulator.Context, req *types.CreateScreenshot_Task) soap.HasFault {
	body := &methods.CreateScreenshot_TaskBody{}
	vm := e.vm(req.This)
	if vm == nil {
		body.Fault_ = missing(req.This)
		return body
	}
	task := simulator.CreateTask(vm, "createScreenshotTask",
		func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
			if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
				return nil, &types.InvalidPowerState{
					RequestedState: types.VirtualMachinePowerStatePoweredOn, ExistingState: vm.Runtime.PowerState,
				}
			}
			var vmx object.DatastorePath
			vmx.FromString(vm.Config.Files.VmPathName)
			name := strings.TrimSuffix(path.Base(vmx.Path), path.Ext(vmx.Path)) + "-1.png"
			picture := object.DatastorePath{Datastore: vmx.Datastore, Path: path.Join(path.Dir(vmx.Path), name)}
			file, err := os.Create(e.sim.filePath(vm, picture))
			if err != nil {
				return nil, &types.FileFault{File: picture.String()}
			}
			defer file.Close()
			if err := png.Encode(file, image.NewGray(image.Rect(0, 0, 72, 40))); err != nil {
				return nil, &types.FileFault{File: picture.String()}
			}
			return picture.String(), nil
		})
	body.Res = &types.CreateScreenshot_TaskResponse{Returnval: task.Run(ctx)}
	return body
}
