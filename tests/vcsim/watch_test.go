package main

import (
	"context"
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// next returns the objects of the next answer, each with its kind of change and the values by name.
func (c *client) next(collector types.ManagedObjectReference, version string) []types.ObjectUpdate {
	var found []types.ObjectUpdate
	c.ends("WaitForUpdatesEx", func() {
		answer, err := methods.WaitForUpdatesEx(context.Background(), c, &types.WaitForUpdatesEx{
			This: collector, Version: version, Options: &types.WaitOptions{MaxWaitSeconds: types.NewInt32(1)},
		})
		if err != nil {
			panic(err)
		}
		if answer.Returnval == nil {
			return
		}
		for _, filter := range answer.Returnval.FilterSet {
			found = append(found, filter.ObjectSet...)
		}
	})
	return found
}

func TestAWatchSendsWhatChangedAndNothingElse(t *testing.T) {
	vcenter := startVCenter(t, 3)
	client := vcenter.login()
	_, collector, _ := client.watch()
	vms := vcenter.sim.virtualMachines()
	vm := vms[0]
	if found := client.next(collector, ""); len(found) < len(vms) {
		t.Fatalf("the first answer has %d objects, not all %d VMs", len(found), len(vms))
	}
	if found := client.next(collector, "-"); len(found) > 0 {
		t.Errorf("nothing changed, and these are sent: %v", found)
	}

	vcenter.sim.update(vm, types.PropertyChange{Name: "name", Val: "renamed"})
	vcenter.sim.update(vm, types.PropertyChange{Name: "overallStatus", Val: types.ManagedEntityStatusRed})
	found := client.next(collector, "-")
	if len(found) != 1 || found[0].Obj != vm.Self || found[0].Kind != types.ObjectUpdateKindModify ||
		len(found[0].ChangeSet) != 1 || found[0].ChangeSet[0].Val != "renamed" {
		t.Errorf("a new name is sent as %v", found)
	}

	client.snapshot(vm) // takes it and removes it again
	last := map[string]any{"snapshot": "never sent"}
	for {
		found = client.next(collector, "-")
		if len(found) == 0 {
			break
		}
		for _, object := range found {
			if object.Obj != vm.Self || object.Kind != types.ObjectUpdateKindModify {
				t.Errorf("a snapshot of %s is sent as %s of %s", vm.Self, object.Kind, object.Obj)
			}
			for _, change := range object.ChangeSet {
				last[change.Name] = change.Val
			}
		}
	}
	if last["snapshot"] != nil {
		t.Errorf("the snapshots of a VM that has none any more were last sent as %v", last["snapshot"])
	}
}

func TestAWatchSendsWhatComesAndGoes(t *testing.T) {
	vcenter := startVCenter(t, 2)
	client := vcenter.login()
	_, collector, _ := client.watch()
	client.next(collector, "")
	vm := vcenter.sim.virtualMachines()[0]
	ctx := context.Background()

	answer, err := methods.CloneVM_Task(ctx, client, &types.CloneVM_Task{
		This: vm.Self, Folder: *vm.Parent, Name: "a copy", Spec: types.VirtualMachineCloneSpec{},
	})
	if err != nil {
		t.Fatal(err)
	}
	task := vcenter.sim.registry.Get(answer.Returnval).(*simulator.Task)
	task.Wait()
	if task.Info.Error != nil {
		t.Fatal(task.Info.Error.LocalizedMessage)
	}
	made := task.Info.Result.(types.ManagedObjectReference)
	if kinds := client.kindsOf(collector, made); len(kinds) == 0 || kinds[0] != types.ObjectUpdateKindEnter {
		t.Errorf("a new VM is sent as %v", kinds)
	}

	gone, err := methods.Destroy_Task(ctx, client, &types.Destroy_Task{This: made})
	client.await(gone.Returnval, err)
	if kinds := client.kindsOf(collector, made); len(kinds) != 1 || kinds[0] != types.ObjectUpdateKindLeave {
		t.Errorf("a VM that is gone is sent as %v", kinds)
	}
}

// kindsOf returns how an object is sent until nothing is sent any more.
func (c *client) kindsOf(collector, object types.ManagedObjectReference) []types.ObjectUpdateKind {
	var kinds []types.ObjectUpdateKind
	for {
		found := c.next(collector, "-")
		if len(found) == 0 {
			return kinds
		}
		for _, each := range found {
			if each.Obj == object {
				kinds = append(kinds, each.Kind)
			}
		}
	}
}
