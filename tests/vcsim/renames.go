package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// RenameSnapshot gives a snapshot another name or description; what the call leaves out stays. The simulator has no
// such method.
func (e *extension) RenameSnapshot(ctx *simulator.Context, req *types.RenameSnapshot) soap.HasFault {
	body := &methods.RenameSnapshotBody{}
	snapshot, ok := e.sim.registry.Get(req.This).(*simulator.VirtualMachineSnapshot)
	if !ok {
		body.Fault_ = missing(req.This)
		return body
	}
	vm := e.vm(snapshot.Vm)
	ctx.WithLock(vm, func() {
		roots := renamed(vm.Snapshot.RootSnapshotList, req)
		ctx.Update(vm, []types.PropertyChange{{Name: "snapshot.rootSnapshotList", Val: roots}})
	})
	body.Res = &types.RenameSnapshotResponse{}
	return body
}

// renamed copies a tree with the snapshot of the call renamed.
func renamed(tree []types.VirtualMachineSnapshotTree, req *types.RenameSnapshot) []types.VirtualMachineSnapshotTree {
	copied := slices.Clone(tree)
	for n := range copied {
		if copied[n].Snapshot == req.This {
			if req.Name != "" {
				copied[n].Name = req.Name
			}
			if req.Description != "" {
				copied[n].Description = req.Description
			}
		}
		copied[n].ChildSnapshotList = renamed(copied[n].ChildSnapshotList, req)
	}
	return copied
}
