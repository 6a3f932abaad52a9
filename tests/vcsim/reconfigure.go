package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// ReconfigVMTask fails when the request was made for another version of the configuration, as vSphere does: its
// changeVersion is then not the VM's.
func (e *extension) ReconfigVMTask(ctx *simulator.Context, req *types.ReconfigVM_Task) soap.HasFault {
	vm := e.vm(req.This)
	if vm == nil {
		return &methods.ReconfigVM_TaskBody{Fault_: missing(req.This)}
	}
	var answer soap.HasFault
	ctx.WithLock(vm, func() {
		if version := req.Spec.ChangeVersion; version != "" && version != vm.Config.ChangeVersion {
			task := simulator.CreateTask(vm, "reconfigVm", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
				return nil, &types.ConcurrentAccess{}
			})
			answer = &methods.ReconfigVM_TaskBody{Res: &types.ReconfigVM_TaskResponse{Returnval: task.Run(ctx)}}
			return
		}
		answer = vm.ReconfigVMTask(ctx, req)
	})
	return answer
}
