"""Virtual serial ports: a named pipe with both its ends, a file, a network socket."""

from dataclasses import dataclass
from typing import Literal, cast

from knowledge.vmx.catalogue import LIBVIRT, SEED, Built, Parameter, Settings, Snippet, Values, single
from knowledge.vmx.devices import SERIAL, free_slot
from knowledge.vmx.parse import Vmx

End = Literal["server", "client"]
FarEnd = Literal["vm", "application"]
Form = Literal["documented", "peers"]

_PORTS = tuple(str(port) for port in range(4))


@dataclass(frozen=True, kw_only=True, slots=True)
class SerialPipe:
    """A named pipe between the serial port of a VM and another VM, or a program on the host.

    `vm_role` matters only when the far end is an application: whether the VM serves the pipe or connects.
    `form` chooses what is said of `tryNoRxLoss` between two VMs: `documented` sets it, as the notes for ESX 3.5
    do; `peers` turns it off, as libvirt and Packer do unless the far end is an application.
    """

    path: str
    far_end: FarEnd = "vm"
    vm_role: End = "server"
    form: Form = "documented"

    @property
    def ends(self) -> tuple[End, ...]:
        """The ends that are VMs, the server first: start that one first."""
        return ("server", "client") if self.far_end == "vm" else (self.vm_role,)

    @property
    def try_no_rx_loss(self) -> bool:
        """Whether the host buffers what the guest has not read yet, so that nothing is lost."""
        return self.far_end == "application" or self.form == "documented"

    def settings(self, end: End, port: str = "serial0") -> Settings:
        """The settings of the VM at `end` for `port` (`serial0` to `serial3`), in the documented order.

        Raises `ValueError` for an end that is not a VM.
        """
        if end not in self.ends:
            raise ValueError(f"the {end} end of this pipe is an application, not a VM")
        return [
            (f"{port}.present", "true"),
            (f"{port}.yieldOnMsrRead", "true"),
            (f"{port}.fileType", "pipe"),
            (f"{port}.fileName", self.path),
            (f"{port}.pipe.endPoint", end),
            (f"{port}.tryNoRxLoss", "true" if self.try_no_rx_loss else "false"),
        ]

    @property
    def is_shared_path(self) -> bool:
        """Whether the path means the same pipe for every VM, whatever directory each lives in."""
        return self.path.startswith(("/", "\\\\.\\pipe\\"))


def _pipe(values: Values, into: Vmx | None) -> Built:
    pipe = SerialPipe(
        path=values["path"],
        far_end=cast(FarEnd, values["far_end"]),
        vm_role=cast(End, values["vm_role"]),
        form=cast(Form, values["form"]),
    )
    ends: dict[str, Settings] = {}
    for end in pipe.ends:
        index = values.get("index")
        if end == "client" and pipe.far_end == "vm":
            index = values.get("client_index", index)
        same = {"fileName": pipe.path, "pipe.endPoint": end}
        ends[end] = pipe.settings(end, f"serial{index}" if index else free_slot(into, SERIAL, same))
    notes = []
    if not pipe.is_shared_path:
        notes.append(
            "The path is relative: each VM looks for it in its own directory, so two VMs in two directories "
            "never meet. Give the full path, /vmfs/volumes/..."
        )
    if into and len(ends) > 1:
        notes.append("The port numbers are free in the VMX given; check the other VM's too, or give client_index.")
    return Built(ends, tuple(notes))


def _file(values: Values, into: Vmx | None) -> Built:
    path = values["path"]
    index = values.get("index")
    port = f"serial{index}" if index else free_slot(into, SERIAL, {"fileName": path, "fileType": "file"})
    return single(
        [
            (f"{port}.present", "TRUE"),
            (f"{port}.yieldOnMsrRead", "TRUE"),
            (f"{port}.fileType", "file"),
            (f"{port}.fileName", path),
            (f"{port}.tryNoRxLoss", "FALSE"),
        ]
    )


def _network(values: Values, into: Vmx | None) -> Built:
    host, role = values["host"], values["vm_role"]
    uri = f"{values['protocol']}://{host}:{values['port']}"
    index = values.get("index")
    port = f"serial{index}" if index else free_slot(into, SERIAL, {"fileName": uri, "fileType": "network"})
    settings = [
        (f"{port}.present", "TRUE"),
        (f"{port}.yieldOnMsrRead", "TRUE"),
        (f"{port}.fileType", "network"),
        (f"{port}.fileName", uri),
        (f"{port}.network.endPoint", role),
    ]
    if role == "client" and not host:
        return single(settings, "A client needs a host to connect to: give host=...")
    return single(settings)


_INDEX = Parameter(
    "index", "choice", "number of the serial port; left out, the next free one (0 without a VMX)", None, _PORTS
)
_ROLE = Parameter(
    "vm_role", "choice", "whether the VM serves (waits) or connects as client", "server", ("server", "client")
)

SNIPPETS = (
    Snippet(
        name="serial-pipe",
        title="Virtual serial port over a named pipe",
        summary="Joins the serial ports of two VMs on one host, or of a VM and a program; both ends at once.",
        parameters=(
            Parameter("path", "path", "full path of the pipe, the same at both ends", required=True),
            Parameter("far_end", "choice", "what is at the other end", "vm", ("vm", "application")),
            _ROLE._replace(meaning="with far_end=application: whether the VM serves the pipe or connects to it"),
            Parameter(
                "form",
                "choice",
                "tryNoRxLoss between two VMs: documented sets it, peers turns it off as libvirt does",
                "documented",
                ("documented", "peers"),
            ),
            _INDEX,
            _INDEX._replace(name="client_index", meaning="the same for the client VM; left out, as index"),
        ),
        notes=(
            "The pipe does not show up in the service console: ls on its path says that there is no such file, "
            "also while both VMs talk through it. Test it from the guests.",
            'tryNoRxLoss: the notes for ESX 3.5 set it to "true" at both ends of a VM-to-VM pipe, and that form '
            "is the default here. libvirt's and Packer's VMX fixtures set it only where the far end is an "
            "application and not for a VM. VMware's API reference says of it (noRxLoss) that it works also when "
            "the far end is not an application, but is then more likely to fail. If characters go missing or a "
            "VM hangs on the port, try form=peers.",
            "Both VMs have to be on the same host, and the server is powered on first.",
            'The source page shows curly quotes; a VMX takes only straight ones, as here. "client" and "server" '
            "are the only end points.",
        ),
        source=f"{SEED}; {LIBVIRT}; vSphere API VirtualSerialPortPipeBackingInfo",
        certainty="documented; the use of tryNoRxLoss between VMs is disputed between sources",
        example={"path": "/vmfs/volumes/datastore1/fileserver/console-pipe"},
        build=_pipe,
    ),
    Snippet(
        name="serial-file",
        title="Virtual serial port written to a file",
        summary="Keeps what the guest writes to its serial port, such as a kernel console, in a file.",
        parameters=(
            Parameter("path", "path", "the file; relative means in the VM's own directory", required=True),
            _INDEX,
        ),
        notes=("Output only: the guest cannot read the file back through the port.",),
        source=f"{LIBVIRT}; vSphere API VirtualSerialPortFileBackingInfo",
        certainty="documented",
        example={"path": "console.log"},
        build=_file,
    ),
    Snippet(
        name="serial-network",
        title="Virtual serial port over the network",
        summary="Reaches the guest's serial port by telnet or TCP, without a pipe.",
        parameters=(
            Parameter("port", "integer", "TCP port", minimum=1, maximum=65535, required=True),
            Parameter("host", "host", "host to connect to; empty for a server: the host of the VM", ""),
            Parameter(
                "protocol", "choice", "protocol of the connection", "telnet", ("telnet", "telnets", "tcp", "ssl")
            ),
            _ROLE,
            _INDEX,
        ),
        notes=(
            "Since vSphere 4.1; ESX 3.5 has no network serial port, use serial-pipe there.",
            "The host's firewall has to let the port through (ruleset for a VM serial port over the network).",
            "telnet and tcp are neither encrypted nor guarded by a password.",
        ),
        source=f"{LIBVIRT}; vSphere API VirtualSerialPortURIBackingInfo",
        certainty="documented",
        example={"port": "7001"},
        build=_network,
    ),
)
