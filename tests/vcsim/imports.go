package main

import (
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// importLease is a lease of an import: it holds the VM that it makes until it is completed or aborted, its session ends,
// or nobody has reported progress for a while: 300 seconds in vSphere, fewer here.
type importLease struct {
	vm      types.ManagedObjectReference
	session string
	until   time.Time
}

func (b *leaseBook) silence() time.Duration {
	return time.Duration(b.settings.ImportSecs) * time.Second
}

func (b *leaseBook) beginImport(lease, vm types.ManagedObjectReference, session string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.imports[lease] = &importLease{vm: vm, session: session, until: time.Now().Add(b.silence())}
}

// learnImports takes note of a call on an import lease. Anybody may abort one, as with the leases of exports.
func (b *leaseBook) learnImports(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lease, known := b.imports[c.object]
	if !known {
		return
	}
	switch c.Method {
	case "HttpNfcLeaseComplete", "HttpNfcLeaseAbort":
		delete(b.imports, c.object)
	case "HttpNfcLeaseProgress":
		lease.until = time.Now().Add(b.silence())
	}
}

// endImports lets the VMs of ended sessions go.
func (b *leaseBook) endImports(sessions ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for reference, lease := range b.imports {
		for _, key := range sessions {
			if lease.session == key {
				delete(b.imports, reference)
			}
		}
	}
}

// importing says whether an import lease holds the VM.
func (b *leaseBook) importing(vm types.ManagedObjectReference) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, lease := range b.imports {
		if lease.vm == vm && time.Now().Before(lease.until) {
			return true
		}
	}
	return false
}
