package main

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// What vSphere demands of the place of a new VM, and the simulator does not: a host where DRS does not choose one,
// that is connected and in service, that can write to the datastore, and that has the networks.

// computeOf gives the cluster or the stand-alone host that a pool or a host belongs to, its hosts, and whether DRS
// chooses among them.
func (s *simulation) computeOf(reference types.ManagedObjectReference) (
	compute types.ManagedObjectReference, hosts []types.ManagedObjectReference, drs bool,
) {
	for {
		switch entity := s.registry.Get(reference).(type) {
		case *simulator.ClusterComputeResource:
			s.registry.WithLock(s.context(), entity, func() {
				hosts = slices.Clone(entity.Host)
				if config, ok := entity.ConfigurationEx.(*types.ClusterConfigInfoEx); ok {
					drs = config.DrsConfig.Enabled != nil && *config.DrsConfig.Enabled
				}
			})
			return entity.Self, hosts, drs
		case *mo.ComputeResource:
			return entity.Self, entity.Host, false
		case mo.Entity:
			if entity.Entity().Parent == nil {
				return types.ManagedObjectReference{}, nil, false
			}
			reference = *entity.Entity().Parent
		default:
			return types.ManagedObjectReference{}, nil, false
		}
	}
}

// place chooses the host of an import, or gives the fault with which vSphere refuses the place.
func (s *simulation) place(req *types.ImportVApp) types.BaseMethodFault {
	_, hosts, drs := s.computeOf(req.This)
	spec, ok := req.Spec.(*types.VirtualMachineImportSpec)
	if !ok {
		return nil
	}
	if req.Host == nil && !drs && len(hosts) != 1 {
		return &types.InvalidArgument{InvalidProperty: "host"}
	}
	candidates := hosts
	if req.Host != nil {
		candidates = []types.ManagedObjectReference{*req.Host}
	}
	var why types.BaseMethodFault = &types.InvalidArgument{InvalidProperty: "host"}
	for _, host := range candidates {
		if !slices.Contains(hosts, host) {
			continue
		}
		if why = s.hostFault(host, &spec.ConfigSpec); why == nil {
			chosen := host
			req.Host = &chosen
			return nil
		}
	}
	return why
}

// hostFault says why a host cannot take a VM, or nil.
func (s *simulation) hostFault(
	reference types.ManagedObjectReference, config *types.VirtualMachineConfigSpec,
) types.BaseMethodFault {
	host, ok := s.registry.Get(reference).(*simulator.HostSystem)
	if !ok {
		return &types.ManagedObjectNotFound{Obj: reference}
	}
	var networks []types.ManagedObjectReference
	var fault types.BaseMethodFault
	name := s.nameOf(reference)
	s.registry.WithLock(s.context(), host, func() {
		networks = slices.Clone(host.Network)
		switch {
		case host.Runtime.ConnectionState != types.HostSystemConnectionStateConnected:
			fault = &types.HostNotConnected{}
		case host.Runtime.InMaintenanceMode:
			fault = &types.InvalidState{}
		}
	})
	if fault != nil {
		return fault
	}
	path := object.DatastorePath{}
	if config.Files != nil && path.FromString(config.Files.VmPathName) {
		if fault := s.datastoreFault(path.Datastore, reference, name); fault != nil {
			return fault
		}
	}
	for _, change := range config.DeviceChange {
		card, ok := change.GetVirtualDeviceConfigSpec().Device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		if network := s.networkOf(card); network.Value != "" && !slices.Contains(networks, network) {
			return &types.CannotAccessNetwork{Network: &network}
		}
	}
	return nil
}

func (s *simulation) datastoreFault(name string, host types.ManagedObjectReference, hostName string) types.BaseMethodFault {
	for _, entity := range s.registry.All("Datastore") {
		datastore, ok := entity.(*simulator.Datastore)
		if !ok || s.nameOf(datastore.Self) != name {
			continue
		}
		var fault types.BaseMethodFault = &types.InvalidDatastore{Datastore: &datastore.Self, Name: name}
		s.registry.WithLock(s.context(), datastore, func() {
			for _, mount := range datastore.Host {
				switch info := mount.MountInfo; {
				case mount.Key != host:
				case info.Accessible != nil && !*info.Accessible:
					fault = &types.InaccessibleDatastore{}
				case info.AccessMode != string(types.HostMountModeReadWrite):
					fault = &types.DatastoreNotWritableOnHost{
						InvalidDatastore: types.InvalidDatastore{Datastore: &datastore.Self, Name: name}, Host: host,
					}
				default:
					fault = nil
				}
			}
		})
		if fault == nil || hostName != "" {
			return fault
		}
	}
	return nil
}

// networkOf finds the network that a card of a spec connects to.
func (s *simulation) networkOf(card types.BaseVirtualEthernetCard) types.ManagedObjectReference {
	switch backing := card.GetVirtualEthernetCard().Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		if backing.Network != nil {
			return *backing.Network
		}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		return types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: backing.Port.PortgroupKey}
	}
	return types.ManagedObjectReference{}
}

// changeMounts answers POST /datastores/{name}/mounts: {"HOST": "readWrite", "readOnly", "inaccessible" or "none"}.
func (s *simulation) changeMounts(r *http.Request) (any, error) {
	datastore, ok := s.entity("Datastore", r.PathValue("name")).(*simulator.Datastore)
	if !ok {
		return nil, notFound{fmt.Errorf("there is no datastore %q", r.PathValue("name"))}
	}
	wanted := map[string]string{}
	if err := decode(r, &wanted); err != nil {
		return nil, err
	}
	var mounts []types.DatastoreHostMount
	s.registry.WithLock(s.context(), datastore, func() { mounts = slices.Clone(datastore.Host) })
	for name, mode := range wanted {
		host, ok := s.entity("HostSystem", name).(*simulator.HostSystem)
		if !ok {
			return nil, notFound{fmt.Errorf("there is no host %q", name)}
		}
		mounts = slices.DeleteFunc(mounts, func(mount types.DatastoreHostMount) bool { return mount.Key == host.Self })
		accessMode := mode
		if mode == "inaccessible" {
			accessMode = string(types.HostMountModeReadWrite)
		}
		if mode != "none" {
			mounts = append(mounts, types.DatastoreHostMount{Key: host.Self, MountInfo: types.HostMountInfo{
				AccessMode: accessMode, Mounted: types.NewBool(true), Accessible: types.NewBool(mode != "inaccessible"),
			}})
		}
		s.listDatastore(host.Self, host, &host.Datastore, datastore.Self, mode != "none")
	}
	s.update(datastore,
		types.PropertyChange{Name: "host", Val: mounts},
		types.PropertyChange{Name: "summary.multipleHostAccess", Val: len(mounts) > 1},
	)
	s.listInComputes(datastore.Self, mounts)
	return done, nil
}

// listDatastore lets an object list a datastore among its own, or no longer.
func (s *simulation) listDatastore(
	self types.ManagedObjectReference, owner mo.Reference, list *[]types.ManagedObjectReference,
	datastore types.ManagedObjectReference, there bool,
) {
	var kept []types.ManagedObjectReference
	s.registry.WithLock(s.context(), owner, func() {
		kept = slices.DeleteFunc(slices.Clone(*list), func(each types.ManagedObjectReference) bool { return each == datastore })
	})
	if there {
		kept = append(kept, datastore)
	}
	s.update(s.registry.Get(self), types.PropertyChange{Name: "datastore", Val: kept})
}

// listInComputes lets those clusters and stand-alone hosts list a datastore of which a host has it.
func (s *simulation) listInComputes(datastore types.ManagedObjectReference, mounts []types.DatastoreHostMount) {
	has := func(hosts []types.ManagedObjectReference) bool {
		return slices.ContainsFunc(mounts, func(mount types.DatastoreHostMount) bool { return slices.Contains(hosts, mount.Key) })
	}
	for _, kind := range []string{"ComputeResource", "ClusterComputeResource"} {
		for _, entity := range s.registry.All(kind) {
			switch compute := entity.(type) {
			case *simulator.ClusterComputeResource:
				s.listDatastore(compute.Self, compute, &compute.Datastore, datastore, has(compute.Host))
			case *mo.ComputeResource:
				s.listDatastore(compute.Self, compute, &compute.Datastore, datastore, has(compute.Host))
			}
		}
	}
}

// changeCluster answers POST /clusters/{name}: {"drs": "fullyAutomated", "manual" or "off"}.
func (s *simulation) changeCluster(r *http.Request) (any, error) {
	cluster, ok := s.entity("ClusterComputeResource", r.PathValue("name")).(*simulator.ClusterComputeResource)
	if !ok {
		return nil, notFound{fmt.Errorf("there is no cluster %q", r.PathValue("name"))}
	}
	var wanted struct {
		DRS string `json:"drs"`
	}
	if err := decode(r, &wanted); err != nil {
		return nil, err
	}
	var config types.ClusterConfigInfoEx
	s.registry.WithLock(s.context(), cluster, func() {
		if known, ok := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx); ok {
			config = *known
		}
	})
	config.DrsConfig = types.ClusterDrsConfigInfo{Enabled: types.NewBool(wanted.DRS != "off")}
	if wanted.DRS != "off" {
		config.DrsConfig.DefaultVmBehavior = types.DrsBehavior(wanted.DRS)
	}
	s.update(cluster, types.PropertyChange{Name: "configurationEx", Val: &config})
	return done, nil
}
