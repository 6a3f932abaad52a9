package main

import (
	"fmt"
	"path"
	"reflect"
	"strings"
	"text/template"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// descriptor is what the OVF template needs to know.
type descriptor struct {
	Name, Description, GuestID, Version string
	CPUs                                int32
	MemoryMB                            int32
	Files                               []descriptorFile
	Disks                               []descriptorDisk
	Networks                            []string
	Controllers, DiskItems, Cards       []descriptorItem
	NVRAM                               string // the id of that file
}

type descriptorFile struct {
	ID, Href, Compression string
	Size, ChunkSize       int64
}

type descriptorDisk struct {
	ID, FileID          string
	Capacity, Populated int64
}

type descriptorItem struct {
	Instance, Parent, Address, Kind, Name, Network, Disk string
	Type                                                 int
}

// ovfTemplate is an envelope as vCenter writes it: OVF 1.x, with what an importer reads.
var ovfTemplate = template.Must(template.New("ovf").Funcs(template.FuncMap{"x": escape}).Parse(
	`<?xml version="1.0" encoding="UTF-8"?>
<Envelope vmw:buildId="build-vcsim" xmlns="http://schemas.dmtf.org/ovf/envelope/1" ` +
		`xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" ` +
		`xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" ` +
		`xmlns:vmw="http://www.vmware.com/schema/ovf" ` +
		`xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <References>{{range .Files}}
    <File ovf:href="{{x .Href}}" ovf:id="{{.ID}}" ovf:size="{{.Size}}"` +
		`{{with .Compression}} ovf:compression="{{x .}}"{{end}}{{with .ChunkSize}} ovf:chunkSize="{{.}}"{{end}}/>{{end}}
  </References>
  <DiskSection>
    <Info>Virtual disk information</Info>{{range .Disks}}
    <Disk ovf:capacity="{{.Capacity}}" ovf:capacityAllocationUnits="byte" ovf:diskId="{{.ID}}" ` +
		`ovf:fileRef="{{.FileID}}" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"` +
		`{{with .Populated}} ovf:populatedSize="{{.}}"{{end}}/>{{end}}
  </DiskSection>
  <NetworkSection>
    <Info>The list of logical networks</Info>{{range .Networks}}
    <Network ovf:name="{{x .}}">
      <Description>The {{x .}} network</Description>
    </Network>{{end}}
  </NetworkSection>
  <VirtualSystem ovf:id="{{x .Name}}">
    <Info>A virtual machine</Info>
    <Name>{{x .Name}}</Name>{{with .Description}}
    <AnnotationSection>
      <Info>A human-readable annotation</Info>
      <Annotation>{{x .}}</Annotation>
    </AnnotationSection>{{end}}
    <OperatingSystemSection ovf:id="1" vmw:osType="{{x .GuestID}}">
      <Info>The kind of installed guest operating system</Info>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware requirements</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>{{x .Name}}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>{{x .Version}}</vssd:VirtualSystemType>
      </System>
      <Item>
        <rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>
        <rasd:Description>Number of Virtual CPUs</rasd:Description>
        <rasd:ElementName>{{.CPUs}} virtual CPU(s)</rasd:ElementName>
        <rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>{{.CPUs}}</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
        <rasd:Description>Memory Size</rasd:Description>
        <rasd:ElementName>{{.MemoryMB}}MB of memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>{{.MemoryMB}}</rasd:VirtualQuantity>
      </Item>{{range .Controllers}}
      <Item>
        <rasd:Address>{{.Address}}</rasd:Address>
        <rasd:ElementName>{{x .Name}}</rasd:ElementName>
        <rasd:InstanceID>{{.Instance}}</rasd:InstanceID>{{with .Kind}}
        <rasd:ResourceSubType>{{.}}</rasd:ResourceSubType>{{end}}
        <rasd:ResourceType>{{.Type}}</rasd:ResourceType>
      </Item>{{end}}{{range .DiskItems}}
      <Item>
        <rasd:AddressOnParent>{{.Address}}</rasd:AddressOnParent>
        <rasd:ElementName>{{x .Name}}</rasd:ElementName>
        <rasd:HostResource>ovf:/disk/{{.Disk}}</rasd:HostResource>
        <rasd:InstanceID>{{.Instance}}</rasd:InstanceID>
        <rasd:Parent>{{.Parent}}</rasd:Parent>
        <rasd:ResourceType>17</rasd:ResourceType>
      </Item>{{end}}{{range .Cards}}
      <Item>
        <rasd:AddressOnParent>{{.Address}}</rasd:AddressOnParent>
        <rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
        <rasd:Connection>{{x .Network}}</rasd:Connection>
        <rasd:ElementName>{{x .Name}}</rasd:ElementName>
        <rasd:InstanceID>{{.Instance}}</rasd:InstanceID>
        <rasd:ResourceSubType>{{.Kind}}</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType>
      </Item>{{end}}{{with .NVRAM}}
      <vmw:ExtraConfig ovf:required="false" vmw:key="nvram" vmw:value="ovf:/file/{{.}}"/>{{end}}
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`))

// CreateDescriptor writes the OVF descriptor of a VM with the files that the caller has downloaded.
func (e *extension) CreateDescriptor(ctx *simulator.Context, req *types.CreateDescriptor) soap.HasFault {
	body := &methods.CreateDescriptorBody{}
	vm := e.vm(req.Obj)
	if vm == nil {
		body.Fault_ = missing(req.Obj)
		return body
	}
	var found descriptor
	var config types.VirtualMachineConfigInfo
	ctx.WithLock(vm, func() { config, found.Name = *vm.Config, vm.Name })
	if reference := req.Cdp.Snapshot; reference != nil {
		snapshot, ok := e.sim.registry.Get(*reference).(*simulator.VirtualMachineSnapshot)
		if !ok {
			body.Fault_ = missing(*reference)
			return body
		}
		config = snapshot.Config // the VM as it was, whatever it has become meanwhile
	}
	found.CPUs, found.MemoryMB = config.Hardware.NumCPU, config.Hardware.MemoryMB
	found.GuestID, found.Version = config.GuestId, config.Version
	if req.Cdp.Name != "" {
		found.Name = req.Cdp.Name
	}
	found.Description = req.Cdp.Description
	result := types.OvfCreateDescriptorResult{}
	found.addDevices(e.sim, vm, config.Hardware.Device, req.Cdp.OvfFiles, &result)

	var text strings.Builder
	if err := ovfTemplate.Execute(&text, found); err != nil {
		body.Fault_ = simulator.Fault(err.Error(), &types.OvfExport{})
		return body
	}
	result.OvfDescriptor = text.String()
	body.Res = &types.CreateDescriptorResponse{Returnval: result}
	return body
}

// addDevices lists hardware and files. A disk without a file is left out with a warning, as vCenter does.
func (d *descriptor) addDevices(
	sim *simulation, vm *simulator.VirtualMachine, devices []types.BaseVirtualDevice, files []types.OvfFile,
	result *types.OvfCreateDescriptorResult,
) {
	next := 3
	instance := func() string { next++; return fmt.Sprint(next - 1) }
	controllers := map[int32]string{}
	for _, device := range devices {
		item, ok := controllerItem(device)
		if !ok {
			continue
		}
		item.Instance = instance()
		controllers[device.GetVirtualDevice().Key] = item.Instance
		d.Controllers = append(d.Controllers, item)
	}
	byDevice := map[string]types.OvfFile{}
	for n, file := range files {
		byDevice[file.DeviceId] = file
		d.Files = append(d.Files, descriptorFile{
			ID: fmt.Sprintf("file%d", n+1), Href: file.Path, Size: file.Size,
			Compression: file.CompressionMethod, ChunkSize: file.ChunkSize,
		})
		if strings.HasSuffix(file.DeviceId, "/nvram") {
			d.NVRAM = d.Files[n].ID
		}
	}
	for n, disk := range disksOf(devices) {
		key := fmt.Sprintf("/%s/%s", vm.Self.Value, disk.address)
		file, ok := byDevice[key]
		if !ok {
			result.Warning = append(result.Warning, *localized(&types.OvfNoSupportedHardwareFamily{},
				"The disk "+key+" has no file and is left out."))
			continue
		}
		id, fileID := fmt.Sprintf("vmdisk%d", n+1), ""
		for _, known := range d.Files {
			if known.Href == file.Path {
				fileID = known.ID
			}
		}
		capacity := file.Capacity
		if capacity == 0 {
			capacity = disk.device.CapacityInKB * 1024
		}
		d.Disks = append(d.Disks, descriptorDisk{ID: id, FileID: fileID, Capacity: capacity, Populated: file.PopulatedSize})
		d.DiskItems = append(d.DiskItems, descriptorItem{
			Instance: instance(), Parent: controllers[disk.device.ControllerKey], Disk: id,
			Address: path.Base(strings.ReplaceAll(disk.address, ":", "/")), Name: fmt.Sprintf("Hard disk %d", n+1),
		})
	}
	for _, device := range devices {
		card, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		network := sim.networkName(card.GetVirtualEthernetCard().Backing)
		d.addNetwork(network)
		d.Cards = append(d.Cards, descriptorItem{
			Instance: instance(), Address: fmt.Sprint(7 + len(d.Cards)), Network: network,
			Name: fmt.Sprintf("Ethernet %d", len(d.Cards)+1),
			Kind: strings.TrimPrefix(reflect.TypeOf(device).Elem().Name(), "Virtual"),
		})
	}
}

func (d *descriptor) addNetwork(name string) {
	for _, known := range d.Networks {
		if known == name {
			return
		}
	}
	d.Networks = append(d.Networks, name)
}

// controllerItem describes the disk controllers that OVF knows.
func controllerItem(device types.BaseVirtualDevice) (descriptorItem, bool) {
	controller, ok := device.(types.BaseVirtualController)
	if !ok {
		return descriptorItem{}, false
	}
	item := descriptorItem{Address: fmt.Sprint(controller.GetVirtualController().BusNumber)}
	switch device.(type) {
	case *types.ParaVirtualSCSIController:
		item.Type, item.Kind, item.Name = 6, "VirtualSCSI", "SCSI controller "+item.Address
	case *types.VirtualLsiLogicController:
		item.Type, item.Kind, item.Name = 6, "lsilogic", "SCSI controller "+item.Address
	case *types.VirtualLsiLogicSASController:
		item.Type, item.Kind, item.Name = 6, "lsilogicsas", "SCSI controller "+item.Address
	case *types.VirtualBusLogicController:
		item.Type, item.Kind, item.Name = 6, "buslogic", "SCSI controller "+item.Address
	case *types.VirtualIDEController:
		item.Type, item.Name = 5, "IDE controller "+item.Address
	default:
		return descriptorItem{}, false
	}
	return item, true
}

// networkName gives the name of the network behind a card.
func (s *simulation) networkName(backing types.BaseVirtualDeviceBackingInfo) string {
	switch backing := backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		return backing.DeviceName
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		for _, reference := range s.registry.AllReference("DistributedVirtualPortgroup") {
			group, ok := reference.(*simulator.DistributedVirtualPortgroup)
			if ok && group.Key == backing.Port.PortgroupKey {
				return group.Name
			}
		}
	}
	return "VM Network"
}

var _ mo.Reference = (*extension)(nil)
