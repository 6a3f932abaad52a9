package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// FindAllByUuid finds VMs. The simulator's own looks through the whole registry and panics at our extension object.
func (e *extension) FindAllByUuid(_ *simulator.Context, req *types.FindAllByUuid) soap.HasFault {
	found := e.findVMs(func(vm *simulator.VirtualMachine) bool {
		uuid := ""
		switch {
		case vm.Config == nil:
		case req.InstanceUuid != nil && *req.InstanceUuid:
			uuid = vm.Config.InstanceUuid
		default:
			uuid = vm.Config.Uuid
		}
		return strings.EqualFold(uuid, req.Uuid)
	})
	return &methods.FindAllByUuidBody{Res: &types.FindAllByUuidResponse{Returnval: found}}
}

// FindAllByIp finds VMs by the address that VMware Tools report.
func (e *extension) FindAllByIp(_ *simulator.Context, req *types.FindAllByIp) soap.HasFault {
	found := e.findVMs(func(vm *simulator.VirtualMachine) bool {
		return vm.Guest != nil && vm.Guest.IpAddress == req.Ip
	})
	return &methods.FindAllByIpBody{Res: &types.FindAllByIpResponse{Returnval: found}}
}

func (e *extension) findVMs(fits func(*simulator.VirtualMachine) bool) []types.ManagedObjectReference {
	var found []types.ManagedObjectReference
	for _, vm := range e.sim.virtualMachines() {
		e.sim.registry.WithLock(e.sim.context(), vm, func() {
			if fits(vm) {
				found = append(found, vm.Self)
			}
		})
	}
	return found
}
