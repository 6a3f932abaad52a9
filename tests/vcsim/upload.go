package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// ImportVApp lets the simulator make the VM, waits for it, and notes where the bytes of its disks go.
func (e *extension) ImportVApp(ctx *simulator.Context, req *types.ImportVApp) soap.HasFault {
	pool, ok := e.sim.registry.Get(req.This).(*simulator.ResourcePool)
	if !ok {
		return &methods.ImportVAppBody{Fault_: missing(req.This)}
	}
	if fault := e.sim.place(req); fault != nil {
		return &methods.ImportVAppBody{Fault_: simulator.Fault("", fault)}
	}
	var answer soap.HasFault
	ctx.WithLock(pool, func() { answer = pool.ImportVApp(ctx, req) })
	body := answer.(*methods.ImportVAppBody)
	if body.Res == nil {
		return body
	}
	lease, ok := ctx.Session.Get(body.Res.Returnval).(*simulator.HttpNfcLease)
	for waited := 0; ok && waited < 1000; waited++ {
		state := types.HttpNfcLeaseStateInitializing
		var info *types.HttpNfcLeaseInfo
		ctx.WithLock(lease, func() { state, info = lease.State, lease.Info })
		if state == types.HttpNfcLeaseStateReady && info != nil {
			nameAfterFiles(info)
			nameAfterFiles(info)
			e.sim.leases.expect(info)
			e.sim.leases.beginImport(lease.Self, info.Entity, ctx.Session.Key)
			e.sim.setName(lease.Self, e.sim.nameOf(info.Entity))
			settings := e.sim.leases.now()
			for n := range info.DeviceUrl { // nobody else knows of the lease yet
				e.sim.leases.place(&info.DeviceUrl[n], settings)
			}
			e.sim.leases.expectNVRAM(info)
			break
		}
		if state == types.HttpNfcLeaseStateError {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return body
}

// expect notes the files that the uploads of a lease are written to; the simulator itself only hashes them.
func (b *leaseBook) expect(info *types.HttpNfcLeaseInfo) {
	if info == nil {
		return
	}
	vm, ok := b.sim.registry.Get(info.Entity).(*simulator.VirtualMachine)
	if !ok {
		return
	}
	files := map[string]string{}
	b.sim.registry.WithLock(b.sim.context(), vm, func() {
		for _, disk := range disksOf(vm.Config.Hardware.Device) {
			files[path.Base(disk.file.Path)] = b.sim.filePath(vm, disk.file)
		}
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, device := range info.DeviceUrl {
		if place, err := url.Parse(device.Url); err == nil && files[device.TargetId] != "" {
			b.uploads[place.Path] = files[device.TargetId]
		}
	}
}

// throttled is the body of an upload that comes at the pace, and breaks at the place, that the settings ask for.
type throttled struct {
	io.ReadCloser
	to       io.Writer
	book     *leaseBook
	cutAfter int64
	received int64
}

// receive slows an upload down or breaks it before the simulator gets it.
func (b *leaseBook) receive(w http.ResponseWriter, r *http.Request, inner http.Handler) {
	if b.receiveNVRAM(w, r) {
		return
	}
	b.mu.Lock()
	body := &throttled{ReadCloser: r.Body, to: io.Discard, book: b, cutAfter: b.settings.CutAfterBytes}
	name := b.uploads[r.URL.Path]
	b.mu.Unlock()
	if file, err := os.Create(name); err == nil {
		defer file.Close()
		body.to = file
	}
	r.Body = body
	inner.ServeHTTP(w, r)
	if body.cutAfter >= 0 && body.received >= body.cutAfter {
		panic(http.ErrAbortHandler) // break the connection
	}
}

// Read gives the next piece of the upload.
func (t *throttled) Read(buffer []byte) (int, error) {
	rate, _ := t.book.pace()
	if rate > 0 && rate/10 < int64(len(buffer)) {
		buffer = buffer[:max(rate/10, 1)] // ten pieces a second
	}
	if t.cutAfter >= 0 && t.received >= t.cutAfter {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := t.ReadCloser.Read(buffer)
	t.received += int64(n)
	if _, failed := t.to.Write(buffer[:n]); failed != nil {
		return n, failed
	}
	if rate > 0 {
		time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
	}
	return n, err
}
