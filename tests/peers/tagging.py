"""Tags in VMware's simulator, made and read over the REST API as a person's script would."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from typing import Any

from tests.peers.vcsim import Vcsim

REST = "/rest/com/vmware/cis"


class TagScript:
    """A script that is signed in to the REST API; a context manager."""

    def __init__(self, vcsim: Vcsim) -> None:
        self._base = vcsim.url.removesuffix("/sdk")
        self._tls = ssl.create_default_context(cafile=str(vcsim.ca_file))
        login = base64.b64encode(f"{vcsim.user}:{vcsim.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._vcsim = vcsim

    def __enter__(self) -> TagScript:
        self._headers = {"vmware-api-session-id": self._ask("POST", "/session")}
        return self

    def __exit__(self, *_: object) -> None:
        self._ask("DELETE", "/session")

    def make(self, category: str, *names: str) -> dict[str, str]:
        """Make a category with tags; returns the ids of the tags by name."""
        spec = {"name": category, "description": "", "cardinality": "MULTIPLE", "associable_types": []}
        key = self._ask("POST", "/tagging/category", {"create_spec": spec})
        specs = [{"name": name, "description": "", "category_id": key} for name in names]
        return {each["name"]: self._ask("POST", "/tagging/tag", {"create_spec": each}) for each in specs}

    def attach(self, vm: str, *tags: str) -> None:
        """Attach tags, by id, to a VM, by name."""
        for tag in tags:
            self._ask("POST", f"/tagging/tag-association/id:{tag}?~action=attach", {"object_id": self._subject(vm)})

    def of(self, vm: str) -> list[str]:
        """The names of the tags of a VM, by name."""
        body = {"object_id": self._subject(vm)}
        ids = self._ask("POST", "/tagging/tag-association?~action=list-attached-tags", body) or []
        return sorted(self._ask("GET", f"/tagging/tag/id:{each}")["name"] for each in ids)

    def delete(self, tag: str) -> None:
        """Delete a tag, by id."""
        self._ask("DELETE", f"/tagging/tag/id:{tag}")

    def _subject(self, vm: str) -> dict[str, str]:
        return {"type": "VirtualMachine", "id": self._vcsim.vm(vm)["moref"]}

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + REST + path, data=data, method=method, headers=self._headers)
        with urllib.request.urlopen(request, context=self._tls, timeout=60) as answer:
            content = answer.read()
        return json.loads(content).get("value") if content else None
