package main

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// What a descriptor calls controllers of SATA and NVMe disks, which OVF has no number of their own for.
const otherStorage = 20

var (
	otherStorageType = regexp.MustCompile(`<rasd:ResourceType>20</rasd:ResourceType>`)
	otherStorageKind = regexp.MustCompile(`<rasd:ResourceSubType>(vmware\.[a-z.]+)</rasd:ResourceSubType>`)
)

// CreateImportSpec also takes what the simulator leaves out of a descriptor.
func (e *extension) CreateImportSpec(ctx *simulator.Context, req *types.CreateImportSpec) soap.HasFault {
	manager, ok := ctx.Map.Get(req.This).(*simulator.OvfManager)
	if !ok {
		return &methods.CreateImportSpecBody{Fault_: missing(req.This)}
	}
	answer := importSpecWithHardware(ctx, manager, req)
	askForNVRAM(req, answer)
	return answer
}

// importSpecWithHardware also takes controllers of SATA and NVMe disks, the firmware and secure boot from the descriptor.
// The simulator refuses such controllers: it gets SCSI controllers in their place, which are replaced in its answer.
func importSpecWithHardware(
	ctx *simulator.Context, manager *simulator.OvfManager, req *types.CreateImportSpec,
) soap.HasFault {
	envelope, err := ovf.Unmarshal(strings.NewReader(req.OvfDescriptor))
	if err != nil || envelope.VirtualSystem == nil || len(envelope.VirtualSystem.VirtualHardware) == 0 {
		return manager.CreateImportSpec(ctx, req)
	}
	replaced := *req
	replaced.OvfDescriptor = otherStorageType.ReplaceAllString(req.OvfDescriptor, "<rasd:ResourceType>6</rasd:ResourceType>")
	replaced.OvfDescriptor = otherStorageKind.ReplaceAllString(
		replaced.OvfDescriptor, "<rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>")
	answer := manager.CreateImportSpec(ctx, &replaced)
	body := answer.(*methods.CreateImportSpecBody)
	if body.Res == nil {
		return answer
	}
	spec := &body.Res.Returnval.ImportSpec.(*types.VirtualMachineImportSpec).ConfigSpec
	hardware := envelope.VirtualSystem.VirtualHardware[0]
	putOtherStorage(spec, hardware.Item)
	for _, setting := range hardware.Config {
		switch setting.Key {
		case "firmware":
			spec.Firmware = setting.Value
		case "bootOptions.efiSecureBootEnabled":
			spec.BootOptions = &types.VirtualMachineBootOptions{EfiSecureBootEnabled: types.NewBool(setting.Value == "true")}
		}
	}
	return answer
}

// putOtherStorage puts SATA and NVMe controllers in the place of those SCSI controllers that stand for them.
func putOtherStorage(spec *types.VirtualMachineConfigSpec, items []ovf.ResourceAllocationSettingData) {
	var kinds []string // of each SCSI controller in the spec, in its order; "" for one that is a SCSI controller
	for _, item := range items {
		switch {
		case item.ResourceType == nil:
		case *item.ResourceType == 6:
			kinds = append(kinds, "")
		case *item.ResourceType == otherStorage && item.ResourceSubType != nil:
			kinds = append(kinds, *item.ResourceSubType)
		}
	}
	for _, change := range spec.DeviceChange {
		device := change.GetVirtualDeviceConfigSpec()
		scsi, ok := device.Device.(types.BaseVirtualSCSIController)
		if !ok || len(kinds) == 0 {
			continue
		}
		switch controller := scsi.GetVirtualSCSIController().VirtualController; {
		case strings.HasPrefix(kinds[0], "vmware.nvme"):
			device.Device = &types.VirtualNVMEController{VirtualController: controller}
		case strings.HasPrefix(kinds[0], "vmware.sata"):
			device.Device = &types.VirtualAHCIController{
				VirtualSATAController: types.VirtualSATAController{VirtualController: controller},
			}
		}
		kinds = kinds[1:]
	}
}

// hardwareReport is a VM's virtual hardware as the control API shows it.
type hardwareReport struct {
	Devices    []string `json:"devices"` // the types, such as VirtualNVMEController
	Firmware   string   `json:"firmware"`
	SecureBoot bool     `json:"secure_boot"`
}

func (s *simulation) hardwareOf(vm *simulator.VirtualMachine) hardwareReport {
	report := hardwareReport{Devices: []string{}}
	s.registry.WithLock(s.context(), vm, func() {
		for _, device := range vm.Config.Hardware.Device {
			report.Devices = append(report.Devices, reflect.TypeOf(device).Elem().Name())
		}
		report.Firmware = vm.Config.Firmware
		options := vm.Config.BootOptions
		report.SecureBoot = options != nil && options.EfiSecureBootEnabled != nil && *options.EfiSecureBootEnabled
	})
	return report
}
