package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// exportLease is a lease to download disks. The simulator's own never times out, has no state after its end and
// serves no lengths; downloads are what backups are about, so ours does as vSphere does.
type exportLease struct {
	mo.HttpNfcLease

	book    *leaseBook
	vm      types.ManagedObjectReference
	session string               // the key of the session that opened it, with which it ends
	token   string               // the lease's part of its URLs
	files   map[string]leaseFile // by name in the URL

	mu           sync.Mutex
	ended        string          // "", "done", "aborted" or "timed out"
	progressed   int             // how many progress calls came
	sha256       map[string]bool // the keys of the files of which SHA-256 was asked for
	timer        *time.Timer
	lastProgress int32
}

// leaseFile is a file that a lease lets out.
type leaseFile struct {
	key, path string
	disk      bool
	capacity  int64
}

// leaseReport is what the control API says about a lease.
type leaseReport struct {
	Moref         string   `json:"moref"`
	VM            string   `json:"vm"`
	State         string   `json:"state"`
	Percent       int32    `json:"percent"`
	ProgressCalls int      `json:"progress_calls"`
	URLs          []string `json:"urls"`
}

// begin makes the lease ready, or puts it into its error state, and starts the clock.
func (l *exportLease) begin(info *types.HttpNfcLeaseInfo, settings nfcSettings) {
	if settings.LeaseFault != "" {
		fault, err := newFault(settings.LeaseFault, nil)
		if err != nil {
			fault = &types.SystemError{Reason: err.Error()}
		}
		l.book.sim.update(l,
			types.PropertyChange{Name: "error", Val: localized(fault, "")},
			types.PropertyChange{Name: "state", Val: types.HttpNfcLeaseStateError})
		return
	}
	l.timer = time.AfterFunc(time.Duration(info.LeaseTimeout)*time.Second, l.timeOut)
	l.book.sim.update(l,
		types.PropertyChange{Name: "info", Val: info},
		types.PropertyChange{Name: "state", Val: types.HttpNfcLeaseStateReady})
}

// end closes the lease once; it says whether this call was the one.
func (l *exportLease) end(how string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != "" {
		return false
	}
	l.ended = how
	if l.timer != nil {
		l.timer.Stop()
	}
	return true
}

func (l *exportLease) alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended == "" && l.State != types.HttpNfcLeaseStateError
}

func (l *exportLease) timeOut() {
	l.fail("timed out", "The lease has timed out.")
}

// fail ends the lease with an error.
func (l *exportLease) fail(how, message string) {
	if l.end(how) {
		l.book.sim.update(l,
			types.PropertyChange{Name: "error", Val: localized(&types.Timedout{}, message)},
			types.PropertyChange{Name: "state", Val: types.HttpNfcLeaseStateError})
	}
}

// HttpNfcLeaseProgress notes the progress and starts the time-out anew.
func (l *exportLease) HttpNfcLeaseProgress(_ *simulator.Context, r *types.HttpNfcLeaseProgress) soap.HasFault {
	body := &methods.HttpNfcLeaseProgressBody{}
	if !l.alive() {
		body.Fault_ = simulator.Fault("The lease has ended.", &types.InvalidState{})
		return body
	}
	l.mu.Lock()
	l.lastProgress = r.Percent
	l.progressed++
	l.timer.Reset(time.Duration(l.Info.LeaseTimeout) * time.Second)
	l.mu.Unlock()
	l.TransferProgress = r.Percent // under the object's lock, which the dispatcher holds
	body.Res = &types.HttpNfcLeaseProgressResponse{}
	return body
}

// HttpNfcLeaseComplete ends the lease well.
func (l *exportLease) HttpNfcLeaseComplete(ctx *simulator.Context, _ *types.HttpNfcLeaseComplete) soap.HasFault {
	body := &methods.HttpNfcLeaseCompleteBody{}
	if !l.end("done") {
		body.Fault_ = simulator.Fault("The lease has ended.", &types.InvalidState{})
		return body
	}
	ctx.Map.Remove(ctx, l.Self)
	body.Res = &types.HttpNfcLeaseCompleteResponse{}
	return body
}

// HttpNfcLeaseAbort ends the lease badly; of a lease that timed out, it clears the rest away.
func (l *exportLease) HttpNfcLeaseAbort(ctx *simulator.Context, _ *types.HttpNfcLeaseAbort) soap.HasFault {
	l.end("aborted")
	ctx.Map.Remove(ctx, l.Self)
	return &methods.HttpNfcLeaseAbortBody{Res: &types.HttpNfcLeaseAbortResponse{}}
}

// HttpNfcLeaseSetManifestChecksumType notes which files are to have a SHA-256 in the manifest, as since 6.7.
func (l *exportLease) HttpNfcLeaseSetManifestChecksumType(
	_ *simulator.Context, r *types.HttpNfcLeaseSetManifestChecksumType,
) soap.HasFault {
	body := &methods.HttpNfcLeaseSetManifestChecksumTypeBody{}
	if l.book.checksums() != checksumsAny {
		body.Fault_ = simulator.Fault("", &types.NotSupported{})
		return body
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sha256 = map[string]bool{}
	for _, wanted := range r.DeviceUrlsToChecksumTypes {
		l.sha256[wanted.Key] = wanted.Value == string(types.HttpNfcLeaseManifestEntryChecksumTypeSha256)
	}
	body.Res = &types.HttpNfcLeaseSetManifestChecksumTypeResponse{}
	return body
}

// HttpNfcLeaseGetManifest gives size and checksum of every file, as a host does of what it has sent.
func (l *exportLease) HttpNfcLeaseGetManifest(_ *simulator.Context, _ *types.HttpNfcLeaseGetManifest) soap.HasFault {
	body := &methods.HttpNfcLeaseGetManifestBody{}
	if l.book.checksums() == checksumsNone {
		body.Fault_ = simulator.Fault("", &types.NotSupported{})
		return body
	}
	body.Res = &types.HttpNfcLeaseGetManifestResponse{}
	for _, url := range l.Info.DeviceUrl {
		file := l.files[url.TargetId]
		l.mu.Lock()
		kind := types.HttpNfcLeaseManifestEntryChecksumTypeSha1
		if l.sha256[file.key] {
			kind = types.HttpNfcLeaseManifestEntryChecksumTypeSha256
		}
		l.mu.Unlock()
		sum, size, err := l.book.digest(file.path, kind)
		if err != nil {
			body.Res, body.Fault_ = nil, simulator.Fault(err.Error(), &types.FileFault{File: file.path})
			return body
		}
		entry := types.HttpNfcLeaseManifestEntry{
			Key: file.key, Checksum: sum, ChecksumType: string(kind), Size: size,
			Disk: file.disk, Capacity: file.capacity,
		}
		if kind == types.HttpNfcLeaseManifestEntryChecksumTypeSha1 {
			entry.Sha1 = sum
		}
		body.Res.Returnval = append(body.Res.Returnval, entry)
	}
	return body
}

// checksums says which kinds of checksum this host gives.
func (b *leaseBook) checksums() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings.Checksums
}

// now gives the settings as they are.
func (b *leaseBook) now() nfcSettings {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings
}

// fileState is a file as it was when it was read; a host computes its checksum while it sends, so ours costs a client
// no time but the first.
type fileState struct {
	path     string
	size     int64
	modified time.Time
	kind     types.HttpNfcLeaseManifestEntryChecksumType
}

// digest reads a file for its checksum, once.
func (b *leaseBook) digest(path string, kind types.HttpNfcLeaseManifestEntryChecksumType) (string, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	status, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	state := fileState{path: path, size: status.Size(), modified: status.ModTime(), kind: kind}
	if sum, known := b.digests.Load(state); known {
		return sum.(string), state.size, nil
	}
	var sum hash.Hash = sha1.New()
	if kind == types.HttpNfcLeaseManifestEntryChecksumTypeSha256 {
		sum = sha256.New()
	}
	if _, err := io.Copy(sum, file); err != nil {
		return "", 0, err
	}
	text := hex.EncodeToString(sum.Sum(nil))
	b.digests.Store(state, text)
	return text, state.size, nil
}

// report describes the lease for the control API.
func (l *exportLease) report() leaseReport {
	vm := l.book.sim.nameOf(l.vm) // waits for the VM's lock, so it comes before ours
	l.mu.Lock()
	defer l.mu.Unlock()
	found := leaseReport{
		Moref: l.Self.Value, VM: vm, State: l.ended,
		Percent: l.lastProgress, ProgressCalls: l.progressed, URLs: []string{},
	}
	if found.State == "" {
		found.State = string(l.State)
	}
	if l.Info != nil {
		for _, url := range l.Info.DeviceUrl {
			found.URLs = append(found.URLs, url.Url)
		}
	}
	return found
}

// leaseBook keeps all leases ever made, and how downloads behave.
type leaseBook struct {
	sim *simulation

	mu        sync.Mutex
	opened    int
	leases    []*exportLease
	imports   map[types.ManagedObjectReference]*importLease // by the lease
	normal    nfcSettings                                   // when nothing was asked for
	settings  nfcSettings
	epoch     int // counts the changes of the settings
	transfers []*transfer
	uploads   map[string]string // the file behind each path that an import may upload to
	nvrams    map[string]string // the same for those of NVRAM files
	digests   sync.Map          // of files, by fileState
}

func newLeaseBook(sim *simulation) *leaseBook {
	normal := nfcSettings{
		CutAfterBytes: -1, StallAfterBytes: -1, CorruptAt: -1, ContentLength: true, LeaseTimeoutSecs: 300, ImportSecs: 15,
		StarHost: sim.registry.IsESX(), Checksums: checksumsAny,
	}
	return &leaseBook{sim: sim, normal: normal, settings: normal, uploads: map[string]string{},
		nvrams: map[string]string{}, imports: map[types.ManagedObjectReference]*importLease{}}
}

// open makes a lease for the disks of a VM's hardware and registers it.
func (b *leaseBook) open(session string, vm *simulator.VirtualMachine, devices []types.BaseVirtualDevice) *exportLease {
	b.mu.Lock()
	b.opened++
	lease := &exportLease{book: b, vm: vm.Self, session: session, token: fmt.Sprintf("%s-%d", session, b.opened)}
	settings := b.settings
	b.mu.Unlock()

	lease.Self = types.ManagedObjectReference{
		Type: "HttpNfcLease", Value: fmt.Sprintf("session[%s]%s", session, lease.token),
	}
	lease.State = types.HttpNfcLeaseStateInitializing
	lease.InitializeProgress = 100
	lease.Mode = string(types.HttpNfcLeaseModePushOrGet)
	lease.files = map[string]leaseFile{}
	info := b.describe(lease, vm, devices, settings)
	if fault := refusedExport(vm, devices); fault != "" {
		settings.LeaseFault = fault
	}
	b.sim.registry.Put(lease)
	lease.begin(info, settings)

	// Last, so that a report never meets a lease that is half made.
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leases = append(b.leases, lease)
	return lease
}

// report describes all leases, the oldest first.
func (b *leaseBook) report() []leaseReport {
	b.mu.Lock()
	leases := append([]*exportLease{}, b.leases...)
	b.mu.Unlock()
	found := make([]leaseReport, 0, len(leases))
	for _, lease := range leases {
		found = append(found, lease.report())
	}
	return found
}
