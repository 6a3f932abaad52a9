package main

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const iscsiDevice = "vmhba64" // what ESXi has long called its first software adapter

// addInternetScsiAdapters gives every host a software iSCSI adapter, in the place of the block adapter that has its
// name. Hosts share one device list in the simulator; each gets its own, or a target of one would show on all.
func (s *simulation) addInternetScsiAdapters() {
	for n, reference := range s.registry.AllReference("HostStorageSystem") {
		storage, ok := reference.(*simulator.HostStorageSystem)
		if !ok || storage.StorageDeviceInfo == nil {
			continue
		}
		own := *storage.StorageDeviceInfo
		own.SoftwareInternetScsiEnabled = true
		others := slices.DeleteFunc(slices.Clone(own.HostBusAdapter), isDevice(iscsiDevice))
		own.HostBusAdapter = append(others, &types.HostInternetScsiHba{
			HostHostBusAdapter: types.HostHostBusAdapter{
				Key:    "key-vim.host.InternetScsiHba-" + iscsiDevice,
				Device: iscsiDevice,
				Status: "online",
				Model:  "iSCSI Software Adapter",
				Driver: "iscsi_vmk",
			},
			IsSoftwareBased: true,
			IScsiName:       fmt.Sprintf("iqn.1998-01.com.vmware:host%d-4f2a9c31", n),
			DiscoveryCapabilities: types.HostInternetScsiHbaDiscoveryCapabilities{
				SendTargetsDiscoverySettable: true, StaticTargetDiscoverySettable: true,
			},
			DiscoveryProperties: types.HostInternetScsiHbaDiscoveryProperties{
				SendTargetsDiscoveryEnabled: true, StaticTargetDiscoveryEnabled: true,
			},
			MaxSpeedMb: 10000, CurrentSpeedMb: 10000,
		})
		storage.StorageDeviceInfo = &own
		if storage.Host != nil && storage.Host.Config != nil {
			storage.Host.Config.StorageDevice = &own
		}
	}
}

func isDevice(name string) func(types.BaseHostHostBusAdapter) bool {
	return func(hba types.BaseHostHostBusAdapter) bool { return hba.GetHostHostBusAdapter().Device == name }
}

// withAdapter runs an edit on a host's iSCSI adapter and tells those who watch; it returns the fault, if any.
func (e *extension) withAdapter(
	ctx *simulator.Context, this types.ManagedObjectReference, device string, edit func(*types.HostInternetScsiHba) *soap.Fault,
) *soap.Fault {
	storage, ok := e.sim.registry.Get(this).(*simulator.HostStorageSystem)
	if !ok {
		return missing(this)
	}
	var fault *soap.Fault
	ctx.WithLock(storage, func() {
		adapter := slices.IndexFunc(storage.StorageDeviceInfo.HostBusAdapter, isDevice(device))
		if adapter < 0 {
			fault = simulator.Fault("There is no adapter "+device+".", &types.NotFound{})
			return
		}
		hba, ok := storage.StorageDeviceInfo.HostBusAdapter[adapter].(*types.HostInternetScsiHba)
		if !ok {
			fault = simulator.Fault(device+" is no iSCSI adapter.", &types.InvalidArgument{InvalidProperty: "iScsiHbaDevice"})
			return
		}
		if fault = edit(hba); fault == nil {
			ctx.Update(storage, []types.PropertyChange{
				{Name: "storageDeviceInfo", Val: storage.StorageDeviceInfo},
			})
		}
	})
	return fault
}

// portOr3260 gives the port that iSCSI assumes when none is said.
func portOr3260(port int32) int32 {
	if port == 0 {
		return 3260
	}
	return port
}

// AddInternetScsiSendTargets adds addresses to ask for targets.
func (e *extension) AddInternetScsiSendTargets(
	ctx *simulator.Context, req *types.AddInternetScsiSendTargets,
) soap.HasFault {
	body := &methods.AddInternetScsiSendTargetsBody{Res: &types.AddInternetScsiSendTargetsResponse{}}
	body.Fault_ = e.withAdapter(ctx, req.This, req.IScsiHbaDevice, func(hba *types.HostInternetScsiHba) *soap.Fault {
		for _, target := range req.Targets {
			target.Port = portOr3260(target.Port)
			if indexOfSendTarget(hba, target) >= 0 {
				return simulator.Fault("The target is there already.", &types.AlreadyExists{Name: target.Address})
			}
			hba.ConfiguredSendTarget = append(hba.ConfiguredSendTarget, target)
		}
		return nil
	})
	return body
}

// RemoveInternetScsiSendTargets takes addresses away.
func (e *extension) RemoveInternetScsiSendTargets(
	ctx *simulator.Context, req *types.RemoveInternetScsiSendTargets,
) soap.HasFault {
	body := &methods.RemoveInternetScsiSendTargetsBody{Res: &types.RemoveInternetScsiSendTargetsResponse{}}
	body.Fault_ = e.withAdapter(ctx, req.This, req.IScsiHbaDevice, func(hba *types.HostInternetScsiHba) *soap.Fault {
		for _, target := range req.Targets {
			target.Port = portOr3260(target.Port)
			at := indexOfSendTarget(hba, target)
			if at < 0 {
				return simulator.Fault("There is no such target.", &types.NotFound{})
			}
			hba.ConfiguredSendTarget = slices.Delete(hba.ConfiguredSendTarget, at, at+1)
		}
		return nil
	})
	return body
}

func indexOfSendTarget(hba *types.HostInternetScsiHba, wanted types.HostInternetScsiHbaSendTarget) int {
	return slices.IndexFunc(hba.ConfiguredSendTarget, func(target types.HostInternetScsiHbaSendTarget) bool {
		return target.Address == wanted.Address && portOr3260(target.Port) == wanted.Port
	})
}

// AddInternetScsiStaticTargets adds targets by name and address.
func (e *extension) AddInternetScsiStaticTargets(
	ctx *simulator.Context, req *types.AddInternetScsiStaticTargets,
) soap.HasFault {
	body := &methods.AddInternetScsiStaticTargetsBody{Res: &types.AddInternetScsiStaticTargetsResponse{}}
	body.Fault_ = e.withAdapter(ctx, req.This, req.IScsiHbaDevice, func(hba *types.HostInternetScsiHba) *soap.Fault {
		for _, target := range req.Targets {
			target.Port = portOr3260(target.Port)
			target.DiscoveryMethod = string(types.HostInternetScsiHbaStaticTargetTargetDiscoveryMethodStaticMethod)
			if indexOfStaticTarget(hba, target) >= 0 {
				return simulator.Fault("The target is there already.", &types.AlreadyExists{Name: target.IScsiName})
			}
			hba.ConfiguredStaticTarget = append(hba.ConfiguredStaticTarget, target)
		}
		return nil
	})
	return body
}

// RemoveInternetScsiStaticTargets takes targets away.
func (e *extension) RemoveInternetScsiStaticTargets(
	ctx *simulator.Context, req *types.RemoveInternetScsiStaticTargets,
) soap.HasFault {
	body := &methods.RemoveInternetScsiStaticTargetsBody{Res: &types.RemoveInternetScsiStaticTargetsResponse{}}
	body.Fault_ = e.withAdapter(ctx, req.This, req.IScsiHbaDevice, func(hba *types.HostInternetScsiHba) *soap.Fault {
		for _, target := range req.Targets {
			target.Port = portOr3260(target.Port)
			at := indexOfStaticTarget(hba, target)
			if at < 0 {
				return simulator.Fault("There is no such target.", &types.NotFound{})
			}
			hba.ConfiguredStaticTarget = slices.Delete(hba.ConfiguredStaticTarget, at, at+1)
		}
		return nil
	})
	return body
}

func indexOfStaticTarget(hba *types.HostInternetScsiHba, wanted types.HostInternetScsiHbaStaticTarget) int {
	return slices.IndexFunc(hba.ConfiguredStaticTarget, func(target types.HostInternetScsiHbaStaticTarget) bool {
		return target.Address == wanted.Address && target.IScsiName == wanted.IScsiName &&
			portOr3260(target.Port) == wanted.Port
	})
}

// RescanHba rescans one adapter, which has to exist.
func (e *extension) RescanHba(ctx *simulator.Context, req *types.RescanHba) soap.HasFault {
	storage, ok := e.sim.registry.Get(req.This).(*simulator.HostStorageSystem)
	if !ok {
		return &methods.RescanHbaBody{Fault_: missing(req.This)}
	}
	known := false
	ctx.WithLock(storage, func() {
		known = slices.ContainsFunc(storage.StorageDeviceInfo.HostBusAdapter, isDevice(req.HbaDevice))
	})
	if !known {
		return &methods.RescanHbaBody{
			Fault_: simulator.Fault("There is no adapter "+req.HbaDevice+".", &types.NotFound{}),
		}
	}
	return &methods.RescanHbaBody{Res: &types.RescanHbaResponse{}}
}

// RescanAllHba leaves the adapters as they are; the simulator's own swaps them for Fibre Channel ones.
func (e *extension) RescanAllHba(_ *simulator.Context, req *types.RescanAllHba) soap.HasFault {
	if _, ok := e.sim.registry.Get(req.This).(*simulator.HostStorageSystem); !ok {
		return &methods.RescanAllHbaBody{Fault_: missing(req.This)}
	}
	return &methods.RescanAllHbaBody{Res: &types.RescanAllHbaResponse{}}
}
