package main

import (
	"fmt"
	"net/http"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// changeDatastore sets how much is free on a datastore. As in a vCenter, nobody sees it before the datastore is
// refreshed: the hosts report the free space every few minutes only.
func (s *simulation) changeDatastore(r *http.Request) (any, error) {
	name := r.PathValue("name")
	datastore, ok := s.entity("Datastore", name).(*simulator.Datastore)
	if !ok {
		return nil, notFound{fmt.Errorf("there is no datastore %q", name)}
	}
	var wanted struct {
		Free int64 `json:"free"`
	}
	if err := decode(r, &wanted); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == nil {
		s.free = map[types.ManagedObjectReference]int64{}
	}
	s.free[datastore.Self] = wanted.Free
	return done, nil
}

// RefreshDatastore lets the free space be seen that the control API has set, and leaves it alone otherwise. The
// simulator's own would set it to the capacity.
func (e *extension) RefreshDatastore(_ *simulator.Context, req *types.RefreshDatastore) soap.HasFault {
	body := &methods.RefreshDatastoreBody{}
	datastore, ok := e.sim.registry.Get(req.This).(*simulator.Datastore)
	if !ok {
		body.Fault_ = missing(req.This)
		return body
	}
	e.sim.mu.Lock()
	free, known := e.sim.free[datastore.Self]
	e.sim.mu.Unlock()
	if known {
		e.sim.update(datastore, types.PropertyChange{Name: "summary.freeSpace", Val: free})
	}
	body.Res = &types.RefreshDatastoreResponse{}
	return body
}

// RefreshStorageInfo answers, and leaves the layout of the VM's files as it is. The simulator's own gives the files
// other keys, and does not tell the snapshots, whose removal then deletes the file of a disk.
func (e *extension) RefreshStorageInfo(_ *simulator.Context, req *types.RefreshStorageInfo) soap.HasFault {
	if e.vm(req.This) == nil {
		return &methods.RefreshStorageInfoBody{Fault_: missing(req.This)}
	}
	return &methods.RefreshStorageInfoBody{Res: &types.RefreshStorageInfoResponse{}}
}
