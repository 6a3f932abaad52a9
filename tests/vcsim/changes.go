package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// vmChange is the body of POST /vms/{name}; what it does not name stays as it is.
type vmChange struct {
	Rename                    *string                    `json:"rename"`
	ToolsRunningStatus        *string                    `json:"tools_running_status"`
	ConsolidationNeeded       *bool                      `json:"consolidation_needed"`
	ConsolidationAfterRemoval *bool                      `json:"consolidation_needed_after_remove"`
	QuiesceFault              *string                    `json:"quiesce_fault"`
	QuiesceWithoutTools       *string                    `json:"quiesce_without_tools"`
	IgnoresShutdown           *bool                      `json:"ignores_shutdown"`
	DoesNotBoot               *bool                      `json:"does_not_boot"`
	Question                  *question                  `json:"question"`
	Properties                map[string]json.RawMessage `json:"properties"`
}

// question is a question that a VM waits to have answered; choices are keys with their labels.
type question struct {
	ID      string            `json:"id"`
	Text    string            `json:"text"`
	Choices map[string]string `json:"choices"`
}

func (s *simulation) changeVM(r *http.Request) (any, error) {
	vm, err := s.vmNamed(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	var wanted vmChange
	if err := decode(r, &wanted); err != nil {
		return nil, err
	}
	changes, err := propertyChanges(vm.VirtualMachine, wanted.Properties)
	if err != nil {
		return nil, err
	}
	for _, name := range []*string{wanted.QuiesceFault, wanted.QuiesceWithoutTools} {
		if name != nil && *name != "" {
			if _, err := newFault(*name, nil); err != nil {
				return nil, badRequest{err}
			}
		}
	}
	if wanted.Rename != nil {
		for _, path := range []string{"name", "config.name", "summary.config.name"} {
			changes = append(changes, types.PropertyChange{Name: path, Val: *wanted.Rename})
		}
	}
	if wanted.ToolsRunningStatus != nil {
		changes = append(changes, toolsChanges(*wanted.ToolsRunningStatus)...)
	}
	if wanted.ConsolidationNeeded != nil {
		changes = append(changes, consolidationChanges(*wanted.ConsolidationNeeded)...)
	}
	if wanted.Question != nil {
		changes = append(changes, questionChanges(wanted.Question)...)
	}
	s.update(vm, changes...)
	s.change(vm.Self, func(state *vmState) {
		if wanted.ConsolidationAfterRemoval != nil {
			state.ConsolidationAfterRemoval = *wanted.ConsolidationAfterRemoval
		}
		if wanted.IgnoresShutdown != nil {
			state.IgnoresShutdown = *wanted.IgnoresShutdown
		}
		if wanted.DoesNotBoot != nil {
			state.DoesNotBoot = *wanted.DoesNotBoot
		}
		if wanted.QuiesceFault != nil {
			state.QuiesceFault = *wanted.QuiesceFault
		}
		if wanted.QuiesceWithoutTools != nil {
			state.QuiesceWithoutTools = *wanted.QuiesceWithoutTools
		}
	})
	return s.vmReport(vm), nil
}

// lockVM takes a VM's lock for ever, so that the harness can be tested with a simulator that no longer answers.
func (s *simulation) lockVM(r *http.Request) (any, error) {
	vm, err := s.vmNamed(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	s.registry.AcquireLock(s.context(), vm)
	return done, nil
}

// changeObject sets properties of any entity, such as a host's runtime.connectionState.
func (s *simulation) changeObject(r *http.Request) (any, error) {
	kind, name := r.PathValue("type"), r.PathValue("name")
	entity := s.entity(kind, name)
	if entity == nil {
		return nil, notFound{fmt.Errorf("there is no %s %q", kind, name)}
	}
	var wanted struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := decode(r, &wanted); err != nil {
		return nil, err
	}
	changes, err := propertyChanges(managedObject(entity), wanted.Properties)
	if err != nil {
		return nil, err
	}
	s.update(entity, changes...)
	return done, nil
}

// managedObject digs the vSphere object out of the simulator's type around it.
func managedObject(entity mo.Entity) any {
	value := reflect.Indirect(reflect.ValueOf(entity))
	for value.NumField() > 0 && !strings.HasSuffix(value.Type().PkgPath(), "/mo") {
		value = reflect.Indirect(value.Field(0))
	}
	return value.Interface()
}

// propertyChanges turns paths and JSON values into changes of the right types; an object that can be one of several
// types, such as config.ftInfo, names its own in _typeName.
func propertyChanges(object any, properties map[string]json.RawMessage) ([]types.PropertyChange, error) {
	var changes []types.PropertyChange
	for path, text := range properties {
		kind, err := typeAt(reflect.TypeOf(object), path)
		if err != nil {
			return nil, badRequest{err}
		}
		value := reflect.New(kind)
		if err := types.NewJSONDecoder(bytes.NewReader(text)).Decode(value.Interface()); err != nil {
			return nil, badRequest{fmt.Errorf("%s: %w", path, err)}
		}
		var plain any // the simulator takes what a pointer points at, and nil for a property that is taken away
		if value = reflect.Indirect(value.Elem()); value.IsValid() {
			plain = value.Interface()
		}
		for _, same := range []string{path, "summary." + path} { // what vSphere repeats in the summary stays in step
			if _, err := typeAt(reflect.TypeOf(object), same); err == nil {
				changes = append(changes, types.PropertyChange{Name: same, Val: plain})
			}
		}
	}
	return changes, nil
}

// typeAt finds the type of a property by its path.
func typeAt(kind reflect.Type, path string) (reflect.Type, error) {
	for _, name := range strings.Split(path, ".") {
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct || name == "" {
			return nil, fmt.Errorf("there is no property %q", path)
		}
		field, ok := kind.FieldByName(strings.ToUpper(name[:1]) + name[1:])
		if !ok {
			return nil, fmt.Errorf("there is no property %q", path)
		}
		kind = field.Type
	}
	return kind, nil
}

// toolsChanges sets all that tells of VMware Tools at once: guestToolsRunning, guestToolsNotRunning, or
// guestToolsExecutingScripts. The summary's copy holds enough for a table of VMs.
func toolsChanges(running string) []types.PropertyChange {
	status := types.VirtualMachineToolsStatusToolsOk
	version := string(types.VirtualMachineToolsVersionStatusGuestToolsCurrent)
	if running == string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning) {
		status = types.VirtualMachineToolsStatusToolsNotRunning
	}
	return []types.PropertyChange{
		{Name: "guest.toolsRunningStatus", Val: running},
		{Name: "guest.toolsStatus", Val: status},
		{Name: "guest.toolsVersionStatus", Val: version},
		{Name: "guest.toolsVersionStatus2", Val: version},
		{Name: "summary.guest.toolsRunningStatus", Val: running},
		{Name: "summary.guest.toolsStatus", Val: status},
		{Name: "summary.guest.toolsVersionStatus", Val: version},
	}
}

// questionChanges puts a question to a VM, or takes it away when there is none.
func questionChanges(asked *question) []types.PropertyChange {
	if asked == nil || asked.ID == "" {
		return []types.PropertyChange{
			{Name: "runtime.question", Val: nil}, {Name: "summary.runtime.question", Val: nil},
		}
	}
	info := &types.VirtualMachineQuestionInfo{Id: asked.ID, Text: asked.Text}
	for _, key := range slices.Sorted(maps.Keys(asked.Choices)) {
		label := asked.Choices[key]
		info.Choice.ChoiceInfo = append(info.Choice.ChoiceInfo, &types.ElementDescription{
			Description: types.Description{Label: label, Summary: label}, Key: key,
		})
	}
	return []types.PropertyChange{
		{Name: "runtime.question", Val: info}, {Name: "summary.runtime.question", Val: info},
	}
}
