"""VMware's simulator for a test: started, arranged and looked at. tests/vcsim/README.md tells what it can do."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.peers.fetch import obtain
from tests.peers.process import STOP_SECONDS, PeerProcess

ANSWER_SECONDS = 60
"""Far longer than any answer takes, also on a machine that is busy with other tests."""


class Vcsim:
    """A fresh vCenter (or, with `-esx`, a host) with two VMs on a host and two in a cluster, Tools running.

    `flags` are the program's, such as `("-vm", "10")`. Use it as a context manager; everything it made is gone after.

    A simulator that does not answer within `answer_seconds`, that ends by itself, or in which the race detector finds
    a race raises RuntimeError, at the latest on leaving. The error's text has the stacks or the report.
    """

    url: str
    """Of the SDK, https://127.0.0.1:PORT/sdk."""
    user: str
    password: str
    ca_file: Path
    """The certificate to trust; a client without it must refuse."""
    server_file: Path
    """The server's own certificate and key, for a proxy that stands in for it."""
    control: str

    def __init__(self, flags: Sequence[str] = (), *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.flags = list(flags)
        self.answer_seconds = answer_seconds

    def __enter__(self) -> Self:
        self._reported = False
        self._process = PeerProcess([str(obtain("vcsim")), *self.flags], watches_stdin=True)
        ready = json.loads(self._process.line_with('"control"'))
        self.url, self.control = ready["url"], ready["control"]
        self.user, self.password = ready["user"], ready["password"]
        self.ca_file, self.server_file = Path(ready["ca_file"]), Path(ready["server_file"])
        return self

    @property
    def pid(self) -> int:
        """The process id of the simulator."""
        return self._process.process.pid

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._process.process.poll() is None and kind is not KeyboardInterrupt:
                self.vms()  # fails when a lock is never given back, even if the test did not notice
        finally:
            said = self._process.stop(max(STOP_SECONDS, self.answer_seconds))
        status = self._process.process.returncode
        if status and not self._reported:
            raise RuntimeError(f"the simulator ended with status {status}:\n{said}")

    @property
    def host(self) -> str:
        """The vCenter's address without its port."""
        return urllib.parse.urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The vCenter's port."""
        return urllib.parse.urlsplit(self.url).port or 443

    # Faults and counters

    def fault(self, method: str, fault: str = "", **how: Any) -> None:
        """Let calls of a method go wrong; `fault` is a vSphere type such as "SnapshotFault".

        `how`: object_type, object_name, since, message, fields, skip, count, probability, delay_ms, hold, as_task,
        task_delay_ms, question, accept, after, lose_answer, http_status. The first rule that matches a call acts.
        """
        self._control("POST", "/faults", {"method": method, "fault": fault, **how})

    def faults(self) -> list[dict[str, Any]]:
        """The rules, each with how many calls it has `seen` and on how many it `acted`."""
        return self._list("GET", "/faults")

    def clear_faults(self) -> None:
        """Let everything go well again, and let go what rules hold."""
        self._control("DELETE", "/faults")

    def count(self, method: str) -> int:
        """How often a method was called since the start (or `reset_calls`), faults included."""
        methods: dict[str, int] = self._control("GET", "/calls")["methods"]
        return methods.get(method, 0)

    def done(self, method: str, name: str | None = None) -> int:
        """How often a method did its work (for the entity of that name), whether or not anybody heard of it."""
        done: dict[str, dict[str, int]] = self._control("GET", "/calls")["done"]
        return sum(times for each, times in done.get(method, {}).items() if name in (None, each))

    def calls(self, method: str | None = None) -> list[dict[str, Any]]:
        """The calls in order, each `{method, type, moref, name, rule, status}`; reads and waits are only counted."""
        calls: list[dict[str, Any]] = self._control("GET", "/calls")["calls"]
        return [call for call in calls if method in (None, call["method"])]

    def late(self) -> int:
        """How many calls that were given up are still to be done; see the rule `hold="late"`."""
        return int(self._control("GET", "/calls")["late"])

    def reset_calls(self) -> None:
        """Forget the calls so far."""
        self._control("DELETE", "/calls")

    def expire_sessions(self) -> int:
        """End all sessions as vCenter ends idle ones, and say how many there were."""
        return int(self._control("POST", "/sessions/expire")["expired"])

    def limit_sessions(self, *, idle_ms: int = 0, most: int = 0) -> None:
        """Let sessions end that are idle for so long, and allow so many at a time; 0 is no limit."""
        self._control("POST", "/sessions", {"idle_ms": idle_ms, "most": most})

    def change_password(self, password: str) -> None:
        """Change the password of the user; the sessions that are open live on."""
        self._control("POST", "/password", {"password": password})

    def sessions(self) -> dict[str, int]:
        """`alive` now, their container `views`, and `logins` ever."""
        found: dict[str, int] = self._control("GET", "/sessions")
        return found

    def rest_sessions(self) -> int:
        """How many sessions of the REST API there are now."""
        return int(self._control("GET", "/sessions/rest")["alive"])

    # Downloads

    def nfc(self, **settings: Any) -> None:
        """Change how downloads behave: bytes_per_second, cut_after_bytes, stall_after_bytes, corrupt_at, count, name,
        vm, content_length, star_host, url_host, lease_timeout and import_timeout (seconds), lease_fault, thumbprint,
        nvram, checksums."""
        self._control("POST", "/nfc", settings)

    def reset_nfc(self) -> None:
        """Let downloads run free again; stalled ones go on."""
        self._control("DELETE", "/nfc")

    def transfers(self) -> list[dict[str, Any]]:
        """The downloads, each `{name, lease, bytes, size, result}`."""
        found: list[dict[str, Any]] = self._control("GET", "/nfc")["transfers"]
        return found

    def leases(self) -> list[dict[str, Any]]:
        """The leases ever made, each `{moref, vm, state, percent, progress_calls, urls}`."""
        return self._list("GET", "/leases")

    # The inventory

    def vms(self) -> list[dict[str, Any]]:
        """All VMs by name; see `vm`."""
        return self._list("GET", "/vms")

    def vm(self, name: str) -> dict[str, Any]:
        """A VM: `{name, moref, uuid, power_state, tools_running_status, consolidation_needed, question, answer,
        disks: [{key, path, url, capacity}], snapshots}`; KeyError when there is none."""
        found: dict[str, Any] = self._control("GET", f"/vms/{urllib.parse.quote(name, safe='')}")
        return found

    def hardware(self, name: str) -> dict[str, Any]:
        """A VM's virtual hardware: `{devices, firmware, secure_boot}`, devices by the names of their types."""
        found: dict[str, Any] = self._control("GET", f"/vms/{urllib.parse.quote(name, safe='')}/hardware")
        return found

    def disk_files(self, name: str) -> list[str]:
        """The names of the disk files in a VM's folder, whether or not a VM has them."""
        return list(self._control("GET", f"/vms/{urllib.parse.quote(name, safe='')}/files"))

    def change_vm(self, name: str, /, **changes: Any) -> None:
        """Change a VM: rename, tools_running_status, consolidation_needed, consolidation_needed_after_remove,
        ignores_shutdown, does_not_boot, quiesce_fault, quiesce_without_tools, question, properties."""
        self._control("POST", f"/vms/{urllib.parse.quote(name, safe='')}", changes)

    def change_object(self, kind: str, name: str, properties: dict[str, Any]) -> None:
        """Set properties of any entity, such as a HostSystem's {"runtime.connectionState": "disconnected"}."""
        path = f"/objects/{kind}/{urllib.parse.quote(name, safe='')}"
        self._control("POST", path, {"properties": properties})

    def fill_datastore(self, name: str, *, free: int) -> None:
        """Let so many bytes be free on a datastore; vCenter learns it when somebody refreshes the datastore."""
        self._control("POST", f"/datastores/{urllib.parse.quote(name, safe='')}", {"free": free})

    def change_mounts(self, datastore: str, /, **modes: str) -> None:
        """Say how hosts, by name, have a datastore: `readWrite`, `readOnly`, `inaccessible`, or not at all: `none`."""
        self._control("POST", f"/datastores/{urllib.parse.quote(datastore, safe='')}/mounts", modes)

    def change_drs(self, cluster: str, drs: str) -> None:
        """Set DRS of a cluster: `fullyAutomated`, `partiallyAutomated`, `manual`, or `off`."""
        self._control("POST", f"/clusters/{urllib.parse.quote(cluster, safe='')}", {"drs": drs})

    def maintenance_modes(self) -> dict[str, str]:
        """By host: what was to become of vSAN's objects when it was last asked to enter maintenance mode."""
        found: dict[str, str] = self._control("GET", "/maintenance")
        return found

    def take_privileges(self, missing: dict[str, list[str]]) -> None:
        """Say which privileges the user lacks on an object, by its name, or on all with the name `*`."""
        self._control("POST", "/privileges", {"missing": missing})

    def lock_vm(self, name: str) -> None:
        """Take a VM's lock and never give it back: whatever asks for this VM then waits until the simulator ends."""
        self._control("POST", f"/vms/{urllib.parse.quote(name, safe='')}/lock")

    def snapshots(self) -> dict[str, list[dict[str, Any]]]:
        """The snapshot trees by VM, each node `{name, moref, description, quiesced, current, children}`."""
        found: dict[str, list[dict[str, Any]]] = self._control("GET", "/snapshots")
        return found

    def put_disk(self, datastore_path: str, file: Path) -> None:
        """Put a file's bytes where a VM's disk is; `datastore_path` as in `vm(...)["disks"][n]["path"]`."""
        disks = [disk for vm in self.vms() for disk in vm["disks"]]
        url = next((disk["url"] for disk in disks if disk["path"] == datastore_path), None)
        if url is None:
            raise KeyError(f"no VM has a disk {datastore_path!r}; there are {[disk['path'] for disk in disks]}")
        with file.open("rb") as content:
            request = self._folder_request(url, data=content, method="PUT")
            request.add_header("Content-Length", str(file.stat().st_size))
            with urllib.request.urlopen(request, context=self._folder_context(url), timeout=60):
                pass

    def read_disk(self, datastore_path: str) -> bytes:
        """The bytes of a disk that a VM has, as `put_disk` takes them."""
        url = next(disk["url"] for vm in self.vms() for disk in vm["disks"] if disk["path"] == datastore_path)
        with urllib.request.urlopen(self._folder_request(url), context=self._folder_context(url), timeout=60) as answer:
            return bytes(answer.read())

    def said(self) -> str:
        """What the simulator wrote to its log."""
        return self._process.said()

    def _folder_request(self, url: str, **how: Any) -> urllib.request.Request:
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return urllib.request.Request(url, headers={"Authorization": f"Basic {login}"}, **how)

    def _folder_context(self, url: str) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=str(self.ca_file)) if url.startswith("https") else None

    def _list(self, method: str, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._control(method, path)
        return found

    def _control(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.answer_seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                why = json.load(error)["error"]
            raise (KeyError if error.code == 404 else ValueError)(why) from None
        except OSError as error:
            self._reported = True
            raise RuntimeError(
                f"the simulator does not answer {method} {path} ({error}):\n{self._process.stacks()}"
            ) from error
