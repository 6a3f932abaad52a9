package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// refusedSnapshot is the fault with which vSphere refuses a snapshot of a VM that shares disks with others: a controller
// that shares its bus, whatever its disks are, or a disk for several writers that is not independent.
func refusedSnapshot(ctx *simulator.Context, vm *simulator.VirtualMachine) types.BaseMethodFault {
	var fault types.BaseMethodFault
	ctx.WithLock(vm, func() {
		for _, device := range vm.Config.Hardware.Device {
			if controller, ok := device.(types.BaseVirtualSCSIController); ok {
				if shared := controller.GetVirtualSCSIController().SharedBus; shared != "" &&
					shared != types.VirtualSCSISharingNoSharing {
					fault = &types.SharedBusControllerNotSupported{}
				}
			}
			disk, ok := device.(*types.VirtualDisk)
			if !ok {
				continue
			}
			backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
			if ok && backing.Sharing == string(types.VirtualDiskSharingSharingMultiWriter) &&
				!strings.HasPrefix(backing.DiskMode, "independent") {
				fault = &types.MultiWriterNotSupported{}
			}
		}
	})
	return fault
}

// refusedExport is the fault of an export lease on a VM that vSphere does not export: an encrypted one, or one with a
// virtual TPM. VMware does not document which fault it is.
func refusedExport(vm *simulator.VirtualMachine, devices []types.BaseVirtualDevice) string {
	if vm.Config.KeyId != nil {
		return "OvfExportFailed"
	}
	for _, device := range devices {
		if _, ok := device.(*types.VirtualTPM); ok {
			return "OvfExportFailed"
		}
	}
	return ""
}
