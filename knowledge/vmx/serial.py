"""Snippets for virtual serial ports: a named pipe with both ends, a file, or a network socket."""

from dataclasses import dataclass
from typing import Literal, cast

from knowledge.vmx.catalogue import LIBVIRT, SEED, Built, Parameter, Settings, Snippet, Values, single
from knowledge.vmx.devices import SERIAL, free_slot
from knowledge.vmx.parse import Vmx

End = Literal["server", "client"]
FarEnd = Literal["vm", "application"]
Form = Literal["documented", "peers"]

_PORTS = tuple(str(port) for port in range(len(SERIAL)))
_FIRST_OF_6_0 = 4
"""The first port that only ESXi 6.0 and later have (vSphere VM Administration 6.0: up to 32 serial ports)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SerialPipe:
    """A named pipe between the serial port of a VM and another VM, or a program on the host.

    `vm_role` matters only when the far end is an application: whether the VM is the server or the client of the pipe.
    `form` selects the value of `tryNoRxLoss` between two VMs: `documented` sets it, as the notes for ESX 3.5 do;
    `peers` turns it off, as libvirt and Packer do unless the far end is an application.
    """

    path: str
    far_end: FarEnd = "vm"
    vm_role: End = "server"
    form: Form = "documented"

    @property
    def ends(self) -> tuple[End, ...]:
        """The ends that are VMs, the server first; it must be started first."""
        return ("server", "client") if self.far_end == "vm" else (self.vm_role,)

    @property
    def try_no_rx_loss(self) -> bool:
        """Whether the host buffers data that the guest has not read yet, so that none is lost."""
        return self.far_end == "application" or self.form == "documented"

    def settings(self, end: End, port: str = "serial0") -> Settings:
        """Return the settings of the VM at `end` for `port` (such as `serial0`), in the documented order.

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
        """Whether the path is the same pipe for every VM, regardless of the directory of the VM."""
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
            "The path is relative: each VM looks for it in its own directory, so two VMs in different directories "
            "never connect. Give the full path, /vmfs/volumes/..."
        )
    if into and len(ends) > 1:
        notes.append("The port numbers are free in the given VMX; check those of the other VM, or give client_index.")
    return Built(ends, (*notes, *_newer_port(*(key for settings in ends.values() for key, _ in settings))))


def _newer_port(*keys: str) -> tuple[str, ...]:
    """Return a note when the port of one of these keys is missing on hosts before ESXi 6.0, or nothing."""
    newer = [port for port in SERIAL[_FIRST_OF_6_0:] if any(key.startswith(f"{port}.") for key in keys)]
    return (f"{newer[0]} needs ESXi 6.0 or later; older hosts have serial0 to serial3.",) if newer else ()


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
        ],
        *_newer_port(f"{port}."),
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
    notes = ("A client needs a host to connect to. Give host=...",) if role == "client" and not host else ()
    return single(settings, *notes, *_newer_port(f"{port}."))


_INDEX = Parameter(
    "index", "choice", "number of the serial port; default: the next free one (0 without a VMX)", None, _PORTS
)
_ROLE = Parameter(
    "vm_role", "choice", "whether the VM waits as server or connects as client", "server", ("server", "client")
)

SNIPPETS = (
    Snippet(
        name="serial-pipe",
        title="Virtual serial port over a named pipe",
        summary="Connects the serial ports of two VMs on one host, or of a VM and a program; shows both ends.",
        parameters=(
            Parameter("path", "path", "full path of the pipe, the same at both ends", required=True),
            Parameter("far_end", "choice", "what is at the other end", "vm", ("vm", "application")),
            _ROLE._replace(meaning="with far_end=application: whether the VM waits as server or connects as client"),
            Parameter(
                "form",
                "choice",
                "tryNoRxLoss between two VMs: documented sets it, peers turns it off like libvirt",
                "documented",
                ("documented", "peers"),
            ),
            _INDEX,
            _INDEX._replace(name="client_index", meaning="the same for the client VM; default: as index"),
        ),
        notes=(
            "The pipe is not visible in the service console: ls on its path reports that there is no such file, "
            "even while both VMs use it. Test it from the guests.",
            'tryNoRxLoss: the notes for ESX 3.5 set it to "true" at both ends of a VM-to-VM pipe, which is the '
            "default here. The VMX fixtures of libvirt and Packer set it only when the far end is an application. "
            "According to VMware's API reference (noRxLoss), it also works when the far end is not an application, "
            "but is then more likely to fail. If characters are lost or a VM hangs on the port, try form=peers.",
            "Both VMs must be on the same host, and you must power on the server first.",
            'The source page has curly quotes, but a VMX needs straight ones, as here. "client" and "server" are '
            "the only end points.",
        ),
        source=f"{SEED}; {LIBVIRT}; vSphere API VirtualSerialPortPipeBackingInfo",
        certainty="documented; the sources disagree on tryNoRxLoss between VMs",
        example={"path": "/vmfs/volumes/datastore1/fileserver/console-pipe"},
        build=_pipe,
    ),
    Snippet(
        name="serial-file",
        title="Virtual serial port written to a file",
        summary="Writes the guest's output on its serial port, such as a kernel console, to a file.",
        parameters=(
            Parameter("path", "path", "the file; a relative path is in the VM's directory", required=True),
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
        summary="Makes the guest's serial port available over telnet or TCP, without a pipe.",
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
            "Available since vSphere 4.1. ESX 3.5 has no network serial port; use serial-pipe there.",
            "The host's firewall must allow the port (ruleset for a VM serial port over the network).",
            "telnet and tcp have neither encryption nor a password.",
            "A VM with this port cannot move with vMotion, because the connection belongs to the address of its host. "
            "Only a virtual serial port concentrator (the setting vspc of the port) follows the VM.",
        ),
        source=f"{LIBVIRT}; vSphere API VirtualSerialPortURIBackingInfo; VMware, Using a Proxy with Virtual Serial "
        "Ports (vMotion)",
        certainty="documented",
        example={"port": "7001"},
        build=_network,
    ),
)
