package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Disks come from hosts, not from vCenter: from an address of their own, with a certificate that no authority of the
// client has signed. A lease names its thumbprint. All our hosts share one address and one certificate.

// hostDoor is where the hosts of a vCenter send and receive disks.
type hostDoor struct {
	address     *net.TCPAddr
	certificate []byte // in DER form
}

// How a lease, or a host's own summary, names the certificate of the host.
const (
	thumbprintSHA1        = ""
	thumbprintSHA256      = "sha256"
	thumbprintCertificate = "certificate" // the whole, as since 9.0
	thumbprintWrong       = "wrong"
	thumbprintNone        = "none"
)

// openHosts listens where the hosts do, and puts that address and the thumbprint into their summaries.
func (s *simulation) openHosts(door http.Handler) error {
	certificate, err := newSelfSigned()
	if err != nil {
		return fmt.Errorf("the certificate of the hosts could not be made: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("the hosts cannot listen: %w", err)
	}
	s.hosts = &hostDoor{address: listener.Addr().(*net.TCPAddr), certificate: certificate.Certificate[0]}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, nfcPrefix) {
				http.NotFound(w, r)
				return
			}
			door.ServeHTTP(w, r)
		}),
	}
	go func() {
		_ = server.Serve(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	}()
	for _, reference := range s.registry.AllReference("HostSystem") {
		host, ok := reference.(*simulator.HostSystem)
		if !ok {
			continue
		}
		s.registry.WithLock(s.context(), host, func() {
			host.Summary.Config.Name = s.hosts.address.IP.String()
			host.Summary.Config.Port = int32(s.hosts.address.Port)
			host.Summary.Config.SslThumbprint, _ = s.hosts.named(thumbprintSHA1)
		})
	}
	return nil
}

// named gives thumbprint and certificate as a lease has them.
func (h *hostDoor) named(how string) (thumbprint, certificate string) {
	if h == nil {
		return "", ""
	}
	sum := sha1.Sum(h.certificate)
	switch how {
	case thumbprintSHA256:
		long := sha256.Sum256(h.certificate)
		return colons(long[:]), ""
	case thumbprintCertificate:
		return "", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.certificate}))
	case thumbprintWrong:
		sum[0] ^= 0xff
	case thumbprintNone:
		return "", ""
	}
	return colons(sum[:]), ""
}

func colons(sum []byte) string {
	parts := make([]string, len(sum))
	for n, octet := range sum {
		parts[n] = fmt.Sprintf("%02X", octet)
	}
	return strings.Join(parts, ":")
}

// place gives a device URL of a lease the address and the certificate that the settings ask for.
func (b *leaseBook) place(device *types.HttpNfcLeaseDeviceUrl, settings nfcSettings) {
	at, err := url.Parse(device.Url)
	base, failed := url.Parse(b.sim.base)
	if err != nil || failed != nil {
		return
	}
	at.Scheme, at.Host = base.Scheme, base.Host
	switch {
	case settings.URLHost != "":
		at.Host = settings.URLHost
	case settings.StarHost:
		at.Host = "*:" + base.Port()
	case b.sim.hosts != nil:
		at.Host = b.sim.hosts.address.String()
	}
	device.Url = at.String()
	device.SslThumbprint, device.SslCertificate = b.sim.hosts.named(settings.Thumbprint)
}
