package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// nvramFile is where a VM keeps its NVRAM on this machine, and its name: what the advanced setting `nvram` says, or a
// file named after the VM's own.
func (s *simulation) nvramFile(vm *simulator.VirtualMachine) (place, name string) {
	var vmx object.DatastorePath
	vmx.FromString(vm.Config.Files.VmPathName)
	name = strings.TrimSuffix(path.Base(vmx.Path), path.Ext(vmx.Path)) + ".nvram"
	for _, option := range vm.Config.ExtraConfig {
		if value := option.GetOptionValue(); value.Key == "nvram" {
			name = fmt.Sprint(value.Value)
		}
	}
	file := object.DatastorePath{Datastore: vmx.Datastore, Path: path.Join(path.Dir(vmx.Path), name)}
	return s.filePath(vm, file), name
}

// offerNVRAM adds the NVRAM of a VM to the URLs of an export lease, which is no disk, as vSphere does since version 7.
func (b *leaseBook) offerNVRAM(
	lease *exportLease, vm *simulator.VirtualMachine, info *types.HttpNfcLeaseInfo, settings nfcSettings,
) {
	place, name := b.sim.nvramFile(vm)
	status, err := os.Stat(place)
	if !settings.NVRAM || err != nil {
		return
	}
	key := fmt.Sprintf("/%s/nvram", vm.Self.Value)
	lease.files[name] = leaseFile{key: key, path: place}
	device := types.HttpNfcLeaseDeviceUrl{
		Key: key, ImportKey: fmt.Sprintf("/%s/nvram", vm.Name), Url: nfcPrefix + path.Join(lease.token, name),
		Disk: types.NewBool(false), TargetId: name, FileSize: status.Size(),
	}
	b.place(&device, settings)
	info.DeviceUrl = append(info.DeviceUrl, device)
}

// askForNVRAM adds the NVRAM that a descriptor names to the files that an import asks for; the host creates it.
func askForNVRAM(req *types.CreateImportSpec, answer soap.HasFault) {
	body, ok := answer.(*methods.CreateImportSpecBody)
	envelope, err := ovf.Unmarshal(strings.NewReader(req.OvfDescriptor))
	if !ok || body.Res == nil || err != nil || !strings.Contains(req.OvfDescriptor, `vmw:key="nvram"`) {
		return
	}
	for _, file := range envelope.References {
		if !strings.Contains(req.OvfDescriptor, `vmw:value="ovf:/file/`+file.ID+`"`) {
			continue
		}
		name := req.Cisp.GetOvfCreateImportSpecParams().EntityName
		body.Res.Returnval.FileItem = append(body.Res.Returnval.FileItem, types.OvfFileItem{
			DeviceId: fmt.Sprintf("/%s/nvram", name), Path: file.Href, Size: int64(file.Size), Create: true,
		})
	}
}

// expectNVRAM adds the URL for the NVRAM to an import lease.
func (b *leaseBook) expectNVRAM(info *types.HttpNfcLeaseInfo) {
	vm, ok := b.sim.registry.Get(info.Entity).(*simulator.VirtualMachine)
	if !ok || len(info.DeviceUrl) == 0 {
		return
	}
	var place, name, vmName string
	b.sim.registry.WithLock(b.sim.context(), vm, func() { place, name = b.sim.nvramFile(vm); vmName = vm.Name })
	target, err := url.Parse(info.DeviceUrl[0].Url)
	if err != nil {
		return
	}
	target.Path = path.Join(path.Dir(target.Path), name)
	b.mu.Lock()
	b.nvrams[target.Path] = place
	b.mu.Unlock()
	info.DeviceUrl = append(info.DeviceUrl, types.HttpNfcLeaseDeviceUrl{
		Key: fmt.Sprintf("/%s/nvram", vm.Self.Value), ImportKey: fmt.Sprintf("/%s/nvram", vmName),
		Url: target.String(), Disk: types.NewBool(false), TargetId: name,
		SslThumbprint: info.DeviceUrl[0].SslThumbprint, SslCertificate: info.DeviceUrl[0].SslCertificate,
	})
}

// receiveNVRAM takes the upload of an NVRAM file; it says whether the path was one.
func (b *leaseBook) receiveNVRAM(w http.ResponseWriter, r *http.Request) bool {
	b.mu.Lock()
	place, known := b.nvrams[r.URL.Path]
	b.mu.Unlock()
	if !known {
		return false
	}
	content, err := io.ReadAll(r.Body)
	if err == nil {
		err = os.WriteFile(place, content, 0o600)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
	return true
}
