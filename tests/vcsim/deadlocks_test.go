package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// limit is far more than any call takes, also on a machine that is busy with other tests.
const limit = time.Minute

var stress = flag.Duration("stress", 2*time.Second, "how long TestSessionsComeAndGo runs")

// vcenter is a simulation with a door in front of it, as main starts one.
type vcenter struct {
	*testing.T
	sim *simulation
	url *url.URL
}

func startVCenter(t *testing.T, vms int) *vcenter {
	credentials := url.UserPassword("user", "password")
	model := newModel(options{datacenters: 1, hosts: 1, vms: vms, datastores: 1})
	if err := model.Create(); err != nil {
		t.Fatal(err)
	}
	model.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: credentials}
	server := model.Service.NewServer()
	sim := newSimulation(model, "http://"+server.URL.Host, credentials)
	server.Config.Handler = newDoor(sim, server.Config.Handler)
	t.Cleanup(func() {
		_ = server.Config.Close()
		_ = os.RemoveAll(home(model))
	})
	return &vcenter{T: t, sim: sim, url: server.URL}
}

// ends ends the test program, with all stacks, when something does not end within the limit. A test that only failed
// would wait for the same locks when it cleans up.
func (v *vcenter) ends(what string, do func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do()
	}()
	select {
	case <-ended:
	case <-time.After(limit):
		fmt.Fprintf(os.Stderr, "FAIL: %s: %s does not end:\n", v.Name(), what)
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		os.Exit(1)
	}
}

// client is a session of its own.
type client struct {
	*vcenter
	*vim25.Client
	key string
}

func (v *vcenter) login() *client {
	ctx := context.Background()
	plain, err := vim25.NewClient(ctx, soap.NewClient(v.url, true))
	if err != nil {
		panic(err)
	}
	c := &client{vcenter: v, Client: plain}
	v.ends("Login", func() {
		answer, refused := methods.Login(ctx, c, &types.Login{
			This: *c.ServiceContent.SessionManager, UserName: "user", Password: "password",
		})
		if refused != nil {
			panic(refused)
		}
		c.key = answer.Returnval.Key
	})
	return c
}

func (c *client) logout() {
	c.ends("Logout", func() {
		_, err := methods.Logout(context.Background(), c, &types.Logout{This: *c.ServiceContent.SessionManager})
		if err != nil {
			panic(err)
		}
	})
}

// watch makes a view of all VMs, and a collector with a filter that follows it.
func (c *client) watch() (view, collector, filter types.ManagedObjectReference) {
	ctx := context.Background()
	c.ends("the start of a watch", func() {
		made, err := methods.CreateContainerView(ctx, c, &types.CreateContainerView{
			This: *c.ServiceContent.ViewManager, Container: c.ServiceContent.RootFolder,
			Type: []string{"VirtualMachine"}, Recursive: true,
		})
		if err != nil {
			panic(err)
		}
		own, err := methods.CreatePropertyCollector(ctx, c, &types.CreatePropertyCollector{
			This: c.ServiceContent.PropertyCollector,
		})
		if err != nil {
			panic(err)
		}
		walk := &types.TraversalSpec{Type: "ContainerView", Path: "view"}
		filtered, err := methods.CreateFilter(ctx, c, &types.CreateFilter{
			This: own.Returnval,
			Spec: types.PropertyFilterSpec{
				ObjectSet: []types.ObjectSpec{{Obj: made.Returnval, SelectSet: []types.BaseSelectionSpec{walk}}},
				PropSet:   []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name", "snapshot"}}},
			},
		})
		if err != nil {
			panic(err)
		}
		view, collector, filter = made.Returnval, own.Returnval, filtered.Returnval
	})
	return view, collector, filter
}

// follow waits for updates again and again until the session is over, and returns the fault that ended the last wait.
func (c *client) follow(collector types.ManagedObjectReference) error {
	version := ""
	for {
		var answer *types.WaitForUpdatesExResponse
		var err error
		c.ends("WaitForUpdatesEx", func() {
			answer, err = methods.WaitForUpdatesEx(context.Background(), c, &types.WaitForUpdatesEx{
				This: collector, Version: version, Options: &types.WaitOptions{MaxWaitSeconds: types.NewInt32(5)},
			})
		})
		if err != nil {
			return err
		}
		if answer.Returnval != nil {
			version = answer.Returnval.Version
		}
	}
}

func TestLogoutEndsWhileAViewOfTheSessionIsBeingRead(t *testing.T) {
	vcenter := startVCenter(t, 1)
	client := vcenter.login()
	view, _, _ := client.watch()
	done := vcenter.sim.registry.AcquireLock(vcenter.sim.context(), view) // as a read of the view does
	client.logout()
	done()
}

func TestLogoutEndsTheSessionAndItsWaits(t *testing.T) {
	vcenter := startVCenter(t, 1)
	client := vcenter.login()
	_, collector, _ := client.watch()
	waited := make(chan error)
	go func() { waited <- client.follow(collector) }()
	for vcenter.sim.calls.report()["methods"].(map[string]int)["WaitForUpdatesEx"] == 0 { // counted when answered
		time.Sleep(time.Millisecond)
	}
	client.logout()
	if err := <-waited; !soap.IsSoapFault(err) {
		t.Errorf("the wait ended with %v, not with a fault", err)
	}
	if _, err := methods.GetCurrentTime(context.Background(), client); err == nil {
		t.Error("the session still works")
	}
	active := vcenter.sim.registry.SessionManager().SessionIsActive(vcenter.sim.context(), &types.SessionIsActive{
		SessionID: client.key, UserName: "user",
	})
	if active.(*methods.SessionIsActiveBody).Res.Returnval {
		t.Error("the simulator keeps the session")
	}
}

func TestANewVMIsNotedWhileAFilterReadsItsView(t *testing.T) {
	vcenter := startVCenter(t, 1)
	view, _, filter := vcenter.login().watch()
	done := vcenter.sim.registry.AcquireLock(vcenter.sim.context(), filter) // as WaitForUpdatesEx does
	vm := vcenter.sim.virtualMachines()[0]
	vcenter.ends("the addition of a VM", func() { vcenter.sim.registry.Put(vm) })
	vcenter.ends("a read of the view", func() {
		vcenter.sim.registry.WithLock(vcenter.sim.context(), view, func() {})
	})
	done()
}

func TestSessionsComeAndGoWhileSnapshotsAreTaken(t *testing.T) {
	vcenter := startVCenter(t, 12)
	end := time.Now().Add(*stress)
	var all sync.WaitGroup
	start := func(do func()) {
		all.Add(1)
		go func() {
			defer all.Done()
			do()
		}()
	}
	for range 4 {
		start(func() {
			for time.Now().Before(end) {
				client := vcenter.login()
				_, collector, _ := client.watch()
				start(func() { _ = client.follow(collector) })
				time.Sleep(time.Duration(rand.Intn(100)) * time.Millisecond)
				client.logout()
			}
		})
	}
	for worker := range 3 {
		start(func() {
			client := vcenter.login()
			vms := vcenter.sim.virtualMachines()
			for n := worker; time.Now().Before(end); n += 3 {
				client.snapshot(vms[n%len(vms)])
			}
		})
	}
	all.Wait()
}

// snapshot takes a snapshot and removes it again.
func (c *client) snapshot(vm *simulator.VirtualMachine) {
	ctx := context.Background()
	c.ends("CreateSnapshot_Task", func() {
		answer, err := methods.CreateSnapshot_Task(ctx, c, &types.CreateSnapshot_Task{This: vm.Self, Name: "stress"})
		c.await(answer.Returnval, err)
	})
	c.ends("RemoveAllSnapshots_Task", func() {
		answer, err := methods.RemoveAllSnapshots_Task(ctx, c, &types.RemoveAllSnapshots_Task{This: vm.Self})
		c.await(answer.Returnval, err)
	})
}

func (c *client) await(task types.ManagedObjectReference, err error) {
	if err != nil {
		panic(err)
	}
	c.sim.registry.Get(task).(*simulator.Task).Wait()
}
