package main

import (
	"net/http"
	"slices"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// privilegeBook has the privileges that the user lacks; the simulator grants everybody everything.
type privilegeBook struct {
	sim     *simulation
	mu      sync.Mutex
	missing map[string][]string // by the name of the object; "*" means all
}

// privilegeOf has the privilege that a call needs, as the vSphere API reference lists it.
var privilegeOf = map[string]string{
	"CreateSnapshot_Task": "VirtualMachine.State.CreateSnapshot", "RemoveSnapshot_Task": "VirtualMachine.State.RemoveSnapshot",
	"ExportSnapshot": "VApp.Export", "ExportVm": "VApp.Export", "ImportVApp": "VApp.Import",
	"PowerOnVM_Task": "VirtualMachine.Interact.PowerOn", "PowerOffVM_Task": "VirtualMachine.Interact.PowerOff",
	"EnterMaintenanceMode_Task": "Host.Config.Maintenance", "RelocateVM_Task": "Resource.HotMigrate",
}

func (b *privilegeBook) change(r *http.Request) (any, error) {
	var wanted struct {
		Missing map[string][]string `json:"missing"`
	}
	if err := decode(r, &wanted); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missing = wanted.Missing
	return done, nil
}

func (b *privilegeBook) lacks(privilege, name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.missing["*"], privilege) || slices.Contains(b.missing[name], privilege)
}

// refuse gives the fault of a call that the user may not make.
func (b *privilegeBook) refuse(method string, object types.ManagedObjectReference) types.BaseMethodFault {
	privilege, known := privilegeOf[method]
	if snapshot, ok := b.sim.registry.Get(object).(*simulator.VirtualMachineSnapshot); ok {
		object = snapshot.Vm
	}
	if !known || !b.lacks(privilege, b.sim.nameOf(object)) {
		return nil
	}
	return &types.NoPermission{Object: &object, PrivilegeId: privilege}
}

// HasPrivilegeOnEntities says what the user may do.
func (e *extension) HasPrivilegeOnEntities(_ *simulator.Context, req *types.HasPrivilegeOnEntities) soap.HasFault {
	found := make([]types.EntityPrivilege, 0, len(req.Entity))
	for _, entity := range req.Entity {
		name := e.sim.nameOf(entity)
		each := types.EntityPrivilege{Entity: entity}
		for _, privilege := range req.PrivId {
			each.PrivAvailability = append(each.PrivAvailability, types.PrivilegeAvailability{
				PrivId: privilege, IsGranted: !e.sim.privileges.lacks(privilege, name),
			})
		}
		found = append(found, each)
	}
	return &methods.HasPrivilegeOnEntitiesBody{Res: &types.HasPrivilegeOnEntitiesResponse{Returnval: found}}
}
