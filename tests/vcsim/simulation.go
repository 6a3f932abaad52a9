package main

import (
	"context"
	"net/url"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// simulation holds the simulator's inventory and everything we keep beside it.
type simulation struct {
	model    *simulator.Model
	registry *simulator.Registry
	base     string // scheme and host of the server, for URLs
	rules    *ruleBook
	calls    *callLog
	sessions *sessionBook
	leases   *leaseBook
	hosts    *hostDoor // nil for a host without a vCenter, whose disks come from where it answers calls

	account    *account
	privileges *privilegeBook
	evacuation *evacuation

	mu      sync.Mutex
	vmState map[types.ManagedObjectReference]*vmState
	free    map[types.ManagedObjectReference]int64  // of datastores, before a refresh shows it
	names   map[types.ManagedObjectReference]string // of what lives in a session, by what it is about
}

// vmState is what the simulator's VM cannot say about itself.
type vmState struct {
	IgnoresShutdown           bool   `json:"ignores_shutdown"`
	QuiesceFault              string `json:"quiesce_fault"`
	QuiesceWithoutTools       string `json:"quiesce_without_tools"`
	ConsolidationAfterRemoval bool   `json:"consolidation_needed_after_remove"`
	Answer                    string `json:"answer"`
	DoesNotBoot               bool   `json:"does_not_boot"`
}

func newSimulation(model *simulator.Model, base string, credentials *url.Userinfo) *simulation {
	sim := &simulation{
		model:    model,
		registry: model.Map(),
		base:     base,
		rules:    &ruleBook{},
		calls:    &callLog{},
		sessions: newSessionBook(),
		vmState:  map[types.ManagedObjectReference]*vmState{},
		names:    map[types.ManagedObjectReference]string{},
	}
	sim.leases = newLeaseBook(sim)
	sim.account = newAccount(credentials)
	sim.registry.SessionManager().ValidLogin = func(login *types.Login) bool {
		return sim.account.accepts(login.UserName, login.Password)
	}
	sim.privileges = &privilegeBook{sim: sim}
	sim.evacuation = &evacuation{}
	sim.addInternetScsiAdapters()
	newExtension(sim).install()
	return sim
}

// context returns a fresh owner of the simulator's object locks; they are held by context, so never share one.
func (s *simulation) context() *simulator.Context {
	return &simulator.Context{Context: context.Background(), Map: s.registry}
}

// update changes properties of an object under its lock and tells those who wait for updates.
func (s *simulation) update(object mo.Reference, changes ...types.PropertyChange) {
	s.registry.AtomicUpdate(s.context(), object, changes)
}

// state gives the VM's own settings; settings are read and written in change only.
func (s *simulation) change(vm types.ManagedObjectReference, edit func(*vmState)) vmState {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, known := s.vmState[vm]
	if !known {
		state = &vmState{}
		s.vmState[vm] = state
	}
	edit(state)
	return *state
}

func (s *simulation) state(vm types.ManagedObjectReference) vmState {
	return s.change(vm, func(*vmState) {})
}

// nameCall says what a call is about: its object, or what it reads, describes or imports. A property collector is
// about what its filter is, so that a rule can mean those who wait for one VM, and not those who wait for all.
func (s *simulation) nameCall(c *call) {
	c.Name = s.nameOf(c.object)
	if subject := s.nameOf(c.subject); subject != "" {
		c.Name = subject
	}
	if c.entity != "" {
		c.Name = c.entity
	}
	if c.Method == "CreateFilter" {
		s.setName(c.object, c.Name)
	}
}

func (s *simulation) setName(reference types.ManagedObjectReference, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[reference] = name
}

// nameOf gives the name that a rule means by object_name: an entity's own, and the VM's for what belongs to a VM.
func (s *simulation) nameOf(reference types.ManagedObjectReference) string {
	s.mu.Lock()
	name, known := s.names[reference]
	s.mu.Unlock()
	if known {
		return name
	}
	object := s.registry.Get(reference)
	switch object := object.(type) {
	case *exportLease:
		return s.nameOf(object.vm)
	case *simulator.VirtualMachineSnapshot:
		return s.nameOf(object.Vm)
	case *simulator.Task:
		entity := types.ManagedObjectReference{}
		s.registry.WithLock(s.context(), object, func() {
			if object.Info.Entity != nil {
				entity = *object.Info.Entity
			}
		})
		return s.nameOf(entity)
	case *simulator.HostStorageSystem:
		if object.Host != nil {
			return s.nameOf(object.Host.Self)
		}
	case mo.Entity:
		name := ""
		s.registry.WithLock(s.context(), object, func() { name = object.Entity().Name })
		return name
	}
	return ""
}

// virtualMachines gives all VMs, in no certain order.
func (s *simulation) virtualMachines() []*simulator.VirtualMachine {
	var found []*simulator.VirtualMachine
	for _, entity := range s.registry.All("VirtualMachine") {
		if vm, ok := entity.(*simulator.VirtualMachine); ok {
			found = append(found, vm)
		}
	}
	return found
}

// entity finds an object of a type by its name, or nil.
func (s *simulation) entity(kind, name string) mo.Entity {
	for _, entity := range s.registry.All(kind) {
		if s.nameOf(entity.Reference()) == name {
			return entity
		}
	}
	return nil
}

func (s *simulation) runToolsEverywhere() {
	for _, vm := range s.virtualMachines() {
		s.update(vm, toolsChanges(string(types.VirtualMachineToolsRunningStatusGuestToolsRunning))...)
	}
}
