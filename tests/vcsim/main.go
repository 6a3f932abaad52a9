// Command vcsim starts VMware's own vCenter simulator as a library, with what it lacks and what a test wants to
// switch on: faults, slow and broken downloads, expired sessions, a VM's Tools and questions. See README.md.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

// options are the command's flags.
type options struct {
	listen, control, username, password, certificateOut, urlFile string
	tls, esx, tools, watchStdin                                  bool
	datacenters, hosts, clusters, clusterHosts, vms, datastores  int
}

// addresses is what the harness reads, from standard output or from -url-file, when everything listens.
type addresses struct {
	URL      string `json:"url"`
	Control  string `json:"control"`
	User     string `json:"user"`
	Password string `json:"password"`
	CAFile   string `json:"ca_file"`
	// ServerFile has the server's certificate and key, for a proxy that stands in for it.
	ServerFile string `json:"server_file"`
}

func parseFlags() options {
	var o options
	flag.StringVar(&o.listen, "l", "127.0.0.1:0", "address of the vCenter; port 0 takes a free one")
	flag.StringVar(&o.control, "control", "127.0.0.1:0", "address of the control API, plain HTTP")
	flag.StringVar(&o.username, "username", "vmkops@vsphere.local", "the only user who may log in")
	flag.StringVar(&o.password, "password", "vcsim-password", "the user's password")
	flag.StringVar(&o.certificateOut, "cert-out", "", "write the CA certificate (PEM) to this file rather than beside the datastores")
	flag.StringVar(&o.urlFile, "url-file", "", "write the addresses (JSON) to this file when ready")
	flag.BoolVar(&o.tls, "tls", true, "serve HTTPS with a certificate made for this run")
	flag.BoolVar(&o.esx, "esx", false, "be a standalone ESXi host rather than a vCenter")
	flag.BoolVar(&o.tools, "tools", true, "VMware Tools run in every VM")
	flag.BoolVar(&o.watchStdin, "stdin", true, "end when standard input closes, that is with the parent process")
	flag.IntVar(&o.datacenters, "dc", 1, "datacenters")
	flag.IntVar(&o.hosts, "host", 1, "standalone hosts in each datacenter")
	flag.IntVar(&o.clusters, "cluster", 1, "clusters in each datacenter")
	flag.IntVar(&o.clusterHosts, "cluster-host", 3, "hosts in each cluster")
	flag.IntVar(&o.vms, "vm", 2, "VMs on each standalone host and in each cluster")
	flag.IntVar(&o.datastores, "ds", 1, "datastores in each datacenter")
	flag.Parse()
	return o
}

// apiVersionOfOurs is what the simulator says of itself; its hosts say 8.0.2, and its own word for itself is older.
const apiVersionOfOurs = "8.0.2.0"

func newModel(o options) *simulator.Model {
	if o.esx {
		model := simulator.ESX()
		model.Machine, model.Datastore = o.vms, o.datastores
		return model
	}
	model := simulator.VPX()
	model.Datacenter, model.Host, model.Cluster = o.datacenters, o.hosts, o.clusters
	model.ClusterHost, model.Machine, model.Datastore = o.clusterHosts, o.vms, o.datastores
	return model
}

// run starts everything and returns when stop is closed or a signal comes; temporary files are gone by then.
func run(o options, stop <-chan struct{}) error {
	model := newModel(o)
	model.ServiceContent.About.ApiVersion = apiVersionOfOurs
	if err := model.Create(); err != nil {
		return fmt.Errorf("the inventory could not be made: %w", err)
	}
	// Not model.Remove: it takes the registry's lock, which a call that died in the middle may never give back.
	defer os.RemoveAll(home(model))

	credentials := url.UserPassword(o.username, o.password)
	model.Service.Listen = &url.URL{Host: o.listen, User: credentials}
	scheme, serverFile := "http", ""
	if o.tls {
		certificate, authority, err := newCertificate()
		if err != nil {
			return fmt.Errorf("the certificate could not be made: %w", err)
		}
		model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		if o.certificateOut == "" {
			o.certificateOut = filepath.Join(home(model), "ca.pem")
		}
		if err := writeAtomically(o.certificateOut, authority); err != nil {
			return err
		}
		text, err := asPEM(certificate)
		if err != nil {
			return err
		}
		serverFile = filepath.Join(home(model), "server.pem")
		if err := writeAtomically(serverFile, text); err != nil {
			return err
		}
		scheme = "https"
	}
	model.Service.RegisterEndpoints = true // the REST API, in vapi.go
	server := model.Service.NewServer()
	sim := newSimulation(model, scheme+"://"+server.URL.Host, credentials)
	if o.tools {
		sim.runToolsEverywhere()
	}
	// The simulator gives no say in its handler before it listens; nobody knows the address yet, so this is in time.
	door := newDoor(sim, server.Config.Handler)
	server.Config.Handler = door
	if o.tls && !o.esx {
		if err := sim.openHosts(door); err != nil {
			return err
		}
	}

	listener, err := net.Listen("tcp", o.control)
	if err != nil {
		return fmt.Errorf("the control API cannot listen: %w", err)
	}
	control := &http.Server{Handler: newControl(sim)}
	go func() { _ = control.Serve(listener) }()

	ready := addresses{
		URL:     scheme + "://" + server.URL.Host + "/sdk",
		Control: "http://" + listener.Addr().String(),
		User:    o.username, Password: o.password, CAFile: o.certificateOut, ServerFile: serverFile,
	}
	text, err := json.Marshal(ready)
	if err != nil {
		return err
	}
	if o.urlFile != "" {
		if err := writeAtomically(o.urlFile, text); err != nil {
			return err
		}
	}
	fmt.Println(string(text))

	signals, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	select {
	case <-stop:
	case <-signals.Done():
	}
	// Closing the server would wait for every open request, and a stalled download never ends: just leave.
	_ = control.Close()
	return server.Config.Close()
}

// home is the folder where the simulator keeps its datastores.
func home(model *simulator.Model) string {
	for _, setting := range model.Map().OptionManager().Setting {
		if option := setting.GetOptionValue(); option.Key == "vcsim.home" {
			return option.Value.(string)
		}
	}
	return ""
}

// writeAtomically makes a file appear with its whole content, so that a reader who polls never sees half of it.
func writeAtomically(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".vcsim-*")
	if err != nil {
		return err
	}
	if _, err := temporary.Write(content); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

func main() {
	debug.SetGCPercent(400) // there is memory enough for a small inventory, and collecting garbage takes processor time
	o := parseFlags()
	stop := make(chan struct{})
	if o.watchStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(stop)
		}()
	}
	if err := run(o, stop); err != nil {
		fmt.Fprintln(os.Stderr, "vcsim:", err)
		os.Exit(1)
	}
}
