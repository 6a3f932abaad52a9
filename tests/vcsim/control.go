package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// newControl is the API by which a test arranges things and looks at them. See README.md for the list.
func newControl(sim *simulation) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			result, err := answer(r)
			w.Header().Set("Content-Type", "application/json")
			if err != nil {
				w.WriteHeader(statusOf(err))
				result = map[string]string{"error": err.Error()}
			}
			_ = json.NewEncoder(w).Encode(result)
		})
	}
	handle("POST /faults", func(r *http.Request) (any, error) {
		added := &rule{}
		if err := decode(r, added); err != nil {
			return nil, err
		}
		if err := sim.rules.add(added); err != nil {
			return nil, badRequest{err}
		}
		return sim.rules.list(), nil
	})
	handle("GET /faults", func(*http.Request) (any, error) { return sim.rules.list(), nil })
	handle("DELETE /faults", func(*http.Request) (any, error) { sim.rules.clear(); return done, nil })
	handle("GET /calls", func(*http.Request) (any, error) { return sim.calls.report(), nil })
	handle("DELETE /calls", func(*http.Request) (any, error) { sim.calls.reset(); return done, nil })
	handle("GET /sessions", func(*http.Request) (any, error) {
		sim.endIdleSessions()
		return sim.sessions.report(), nil
	})
	handle("GET /sessions/rest", func(*http.Request) (any, error) { return sim.sessions.reportREST(), nil })
	handle("POST /sessions", sim.sessions.change)
	handle("POST /password", sim.account.change)
	handle("POST /sessions/expire", func(*http.Request) (any, error) {
		return map[string]int{"expired": sim.expireSessions()}, nil
	})
	handle("GET /nfc", func(*http.Request) (any, error) { return sim.leases.reportNFC(), nil })
	handle("POST /nfc", func(r *http.Request) (any, error) { return sim.leases.change(r) })
	handle("DELETE /nfc", func(*http.Request) (any, error) { return sim.leases.set(sim.leases.normal), nil })
	handle("GET /leases", func(*http.Request) (any, error) { return sim.leases.report(), nil })
	handle("GET /snapshots", func(*http.Request) (any, error) { return sim.snapshotReport(), nil })
	handle("GET /vms", func(*http.Request) (any, error) { return sim.vmReports(), nil })
	handle("GET /vms/{name}", func(r *http.Request) (any, error) {
		vm, err := sim.vmNamed(r.PathValue("name"))
		if err != nil {
			return nil, err
		}
		return sim.vmReport(vm), nil
	})
	handle("GET /vms/{name}/files", sim.diskFiles)
	handle("GET /vms/{name}/hardware", func(r *http.Request) (any, error) {
		vm, err := sim.vmNamed(r.PathValue("name"))
		if err != nil {
			return nil, err
		}
		return sim.hardwareOf(vm), nil
	})
	handle("POST /vms/{name}", sim.changeVM)
	handle("POST /vms/{name}/lock", sim.lockVM)
	handle("POST /datastores/{name}", sim.changeDatastore)
	handle("POST /objects/{type}/{name}", sim.changeObject)
	handle("POST /datastores/{name}/mounts", sim.changeMounts)
	handle("POST /clusters/{name}", sim.changeCluster)
	handle("GET /maintenance", func(*http.Request) (any, error) { return sim.evacuation.report(), nil })
	handle("POST /privileges", sim.privileges.change)
	return mux
}

// done answers what has nothing to tell.
var done = map[string]bool{"ok": true}

// badRequest and notFound are errors of the test that calls.
type badRequest struct{ error }

type notFound struct{ error }

func statusOf(err error) int {
	var missing notFound
	var bad badRequest
	switch {
	case errors.As(err, &missing):
		return http.StatusNotFound
	case errors.As(err, &bad):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// decode reads a JSON body strictly: a field that nobody knows is a slip in a test, not something to pass over.
func decode(r *http.Request, target any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil && !errors.Is(err, io.EOF) {
		return badRequest{err}
	}
	return nil
}

// change sets those download settings that the request names; the others stay.
func (b *leaseBook) change(r *http.Request) (any, error) {
	b.mu.Lock()
	settings := b.settings
	b.mu.Unlock()
	if err := decode(r, &settings); err != nil {
		return nil, err
	}
	return b.set(settings), nil
}

func (b *leaseBook) set(settings nfcSettings) nfcSettings {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settings = settings
	b.epoch++
	return settings
}

func (b *leaseBook) reportNFC() map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	transfers := make([]transfer, 0, len(b.transfers))
	for _, one := range b.transfers {
		transfers = append(transfers, *one)
	}
	return map[string]any{"settings": b.settings, "transfers": transfers}
}

// snapshotNode is a snapshot as the control API shows it.
type snapshotNode struct {
	Name        string         `json:"name"`
	Moref       string         `json:"moref"`
	Description string         `json:"description"`
	Quiesced    bool           `json:"quiesced"`
	Current     bool           `json:"current"`
	Children    []snapshotNode `json:"children"`
}

func snapshotNodes(list []types.VirtualMachineSnapshotTree, current *types.ManagedObjectReference) []snapshotNode {
	nodes := make([]snapshotNode, 0, len(list))
	for _, tree := range list {
		nodes = append(nodes, snapshotNode{
			Name: tree.Name, Moref: tree.Snapshot.Value, Description: tree.Description, Quiesced: tree.Quiesced,
			Current:  current != nil && *current == tree.Snapshot,
			Children: snapshotNodes(tree.ChildSnapshotList, current),
		})
	}
	return nodes
}

func (s *simulation) snapshotsOf(vm *simulator.VirtualMachine) []snapshotNode {
	nodes := []snapshotNode{}
	s.registry.WithLock(s.context(), vm, func() {
		if vm.Snapshot != nil {
			nodes = snapshotNodes(vm.Snapshot.RootSnapshotList, vm.Snapshot.CurrentSnapshot)
		}
	})
	return nodes
}

// snapshotReport gives the trees of those VMs that have snapshots, by name.
func (s *simulation) snapshotReport() map[string][]snapshotNode {
	found := map[string][]snapshotNode{}
	for _, vm := range s.virtualMachines() {
		if nodes := s.snapshotsOf(vm); len(nodes) > 0 {
			found[s.nameOf(vm.Self)] = nodes
		}
	}
	return found
}

// diskReport says where a VM's disk is and how to put contents there.
type diskReport struct {
	Key      int32  `json:"key"`
	Path     string `json:"path"` // such as "[LocalDS_0] DC0_H0_VM0/disk1.vmdk"
	URL      string `json:"url"`  // for GET and PUT with the user's name and password
	Capacity int64  `json:"capacity"`
}

// vmReport is a VM as the control API shows it.
type vmReport struct {
	Name                string         `json:"name"`
	Moref               string         `json:"moref"`
	UUID                string         `json:"uuid"`
	PowerState          string         `json:"power_state"`
	ToolsRunningStatus  string         `json:"tools_running_status"`
	ConsolidationNeeded bool           `json:"consolidation_needed"`
	Question            string         `json:"question"`
	Answer              string         `json:"answer"`
	Disks               []diskReport   `json:"disks"`
	Snapshots           []snapshotNode `json:"snapshots"`
}

func (s *simulation) vmReport(vm *simulator.VirtualMachine) vmReport {
	report := vmReport{
		Name: s.nameOf(vm.Self), Moref: vm.Self.Value, Answer: s.state(vm.Self).Answer,
		Snapshots: s.snapshotsOf(vm), Disks: []diskReport{},
	}
	datacenter := s.datacenterOf(vm.Self)
	s.registry.WithLock(s.context(), vm, func() {
		report.UUID = vm.Config.Uuid
		report.PowerState = string(vm.Runtime.PowerState)
		if vm.Guest != nil {
			report.ToolsRunningStatus = vm.Guest.ToolsRunningStatus
		}
		if needed := vm.Runtime.ConsolidationNeeded; needed != nil {
			report.ConsolidationNeeded = *needed
		}
		if vm.Runtime.Question != nil {
			report.Question = vm.Runtime.Question.Id
		}
		for _, disk := range disksOf(vm.Config.Hardware.Device) {
			query := url.Values{"dcPath": {datacenter}, "dsName": {disk.file.Datastore}}
			report.Disks = append(report.Disks, diskReport{
				Key: disk.device.Key, Path: disk.file.String(), Capacity: disk.device.CapacityInKB * 1024,
				URL: fmt.Sprintf("%s/folder/%s?%s", s.base, (&url.URL{Path: disk.file.Path}).EscapedPath(), query.Encode()),
			})
		}
	})
	return report
}

func (s *simulation) vmReports() []vmReport {
	reports := []vmReport{}
	for _, vm := range s.virtualMachines() {
		reports = append(reports, s.vmReport(vm))
	}
	sort.Slice(reports, func(a, b int) bool { return reports[a].Name < reports[b].Name })
	return reports
}

func (s *simulation) vmNamed(name string) (*simulator.VirtualMachine, error) {
	vm, ok := s.entity("VirtualMachine", name).(*simulator.VirtualMachine)
	if !ok {
		return nil, notFound{fmt.Errorf("there is no VM %q", name)}
	}
	return vm, nil
}

// datacenterOf goes up from an entity to its datacenter and gives that one's name.
func (s *simulation) datacenterOf(reference types.ManagedObjectReference) string {
	for {
		entity, ok := s.registry.Get(reference).(interface{ Entity() *mo.ManagedEntity })
		if !ok || entity.Entity().Parent == nil {
			return ""
		}
		if reference.Type == "Datacenter" {
			return s.nameOf(reference)
		}
		reference = *entity.Entity().Parent
	}
}
