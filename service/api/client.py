"""The one HTTP client of the service, used by the bot and the command line alike."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack
from urllib.parse import quote

import aiohttp

from service.api.adapter import adapter
from service.api.lookups import (
    Decoded,
    IscsiAddress,
    IscsiDiscovery,
    IscsiName,
    LogFinding,
    RenderedSnippet,
    VmkerrAdvice,
    VmkerrAnswer,
    VmkerrMatch,
    VmkerrRelease,
    VmkerrReleases,
    VmxSnippet,
    VmxSnippetList,
)
from service.api.models import (
    TYPE_AGAIN,
    ActionClass,
    ActionPreview,
    Check,
    Job,
    JobState,
    Problem,
    Progress,
    Report,
    ReportGroup,
    ReportVm,
    Step,
    StepState,
    TypeAgainHint,
)
from service.api.no_answer import ANSWER_SECONDS, CONNECT_SECONDS, why_no_answer
from service.api.p2v import P2vChecklist, P2vEstimate, P2vItem, P2vTool, P2vTools
from service.api.refusals import ServiceAway, ServiceError, ServiceUnavailable, moved, refusal
from service.errors import SettingError

__all__ = [
    "TYPE_AGAIN",
    "ActionClass",
    "ActionPreview",
    "Check",
    "Decoded",
    "IscsiAddress",
    "IscsiDiscovery",
    "IscsiName",
    "Job",
    "JobState",
    "LogFinding",
    "P2vChecklist",
    "P2vEstimate",
    "P2vItem",
    "P2vTool",
    "Problem",
    "Progress",
    "RenderedSnippet",
    "Report",
    "ReportGroup",
    "ReportVm",
    "ServiceAway",
    "ServiceClient",
    "ServiceError",
    "ServiceUnavailable",
    "Step",
    "StepState",
    "TypeAgainHint",
    "VmkerrAdvice",
    "VmkerrAnswer",
    "VmkerrMatch",
    "VmkerrRelease",
    "VmxSnippet",
]

RECONNECT_SECONDS = (0.5, 1, 2, 5, 10)
STREAM_SECONDS = 180
"""How long a file may take until its next bytes."""
SILENCE_SECONDS = 45
"""The event stream sends something every 15 seconds; after three times that, the connection counts as broken."""

Gone = Callable[[str], None]
"""Takes why the service does not answer."""


class _Sent(TypedDict, total=False):
    """What goes with a call, in addition to its method and path."""

    query: Mapping[str, str | list[str]]
    body: dict[str, Any]
    headers: dict[str, str]
    on_behalf_of: str | None


class ServiceClient:
    """Calls the service at `url` with `token`; an async context manager that holds its connections."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        public_url: str | None = None,
        ca_file: Path | None = None,
        socket: Path | None = None,
    ) -> None:
        """`public_url` is the address for people, `ca_file` an additional CA, `socket` a Unix socket to connect to."""
        self.url = url.rstrip("/")
        self.public_url = public_url or self.url
        self._ca_file, self._socket = ca_file, socket
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._http: aiohttp.ClientSession | None = None

    @property
    def has_token(self) -> bool:
        """Whether the requests carry a token; not whether the service takes it."""
        return "Authorization" in self._headers

    async def __aenter__(self) -> Self:
        """Open; the session is made on first use."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def get(self, path: str, *, on_behalf_of: str | None = None, **query: str) -> dict[str, Any]:
        """GET any path; raises ServiceError with the service's own problem."""
        return await self._call("GET", path, query=query, on_behalf_of=on_behalf_of)

    async def search(self, path: str, query: Mapping[str, str | list[str]]) -> dict[str, Any]:
        """GET a list, with parameters that may have several values; raises ServiceError."""
        return await self._call("GET", path, query=query)

    async def send(
        self, method: str, path: str, body: dict[str, Any], *, on_behalf_of: str | None = None
    ) -> dict[str, Any]:
        """POST, PUT or PATCH any path with a body; raises ServiceError with the service's own problem."""
        return await self._call(method, path, body=body, on_behalf_of=on_behalf_of)

    async def get_text(self, path: str, *, on_behalf_of: str | None = None, **query: str) -> str:
        """GET any path as text for people; raises ServiceError with the service's own problem."""
        return await self._send("GET", path, query={"format": "text", **query}, on_behalf_of=on_behalf_of)

    async def vmkerr(self, query: str, release: str | None = None) -> VmkerrAnswer:
        """What a vmkernel status means."""
        asked = {"release": release} if release else {}
        return adapter(VmkerrAnswer).validate_python(await self.get(f"/vmkerr/{quote(query, safe='')}", **asked))

    async def releases(self) -> tuple[VmkerrRelease, ...]:
        """The releases whose vmkernel codes the service knows, oldest first."""
        return VmkerrReleases.model_validate(await self.get("/releases")).releases

    async def decode(self, text: str, release: str | None = None) -> Decoded:
        """Every code, status and name in a log text, and what it means."""
        return Decoded.model_validate(await self._call("POST", "/decode", body={"text": text, "release": release}))

    async def iscsi_name(self, name: str) -> IscsiName:
        """The verdict on an iSCSI name."""
        return adapter(IscsiName).validate_python(await self.get("/iscsi/validate", name=name))

    async def iscsi_address(self, address: str) -> IscsiAddress:
        """An iSCSI address read into its parts."""
        return adapter(IscsiAddress).validate_python(await self.get("/iscsi/address", address=address))

    async def iscsi_discovery(self) -> IscsiDiscovery:
        """The three ways in which an initiator finds targets."""
        return adapter(IscsiDiscovery).validate_python(await self.get("/iscsi/discovery"))

    async def vmx_snippets(self) -> tuple[VmxSnippet, ...]:
        """The catalogue of VMX snippets."""
        return VmxSnippetList.model_validate(await self.get("/vmx/snippets")).snippets

    async def vmx_snippet(self, name: str, parameters: Mapping[str, str]) -> RenderedSnippet:
        """A VMX snippet filled in."""
        path = f"/vmx/snippets/{quote(name, safe='')}"
        return adapter(RenderedSnippet).validate_python(await self._call("GET", path, query=parameters))

    async def p2v_checklist(self, source: Mapping[str, str | list[str]]) -> P2vChecklist:
        """The P2V checklist for a source; the keys of `source` are the names of the call's query."""
        return adapter(P2vChecklist).validate_python(await self._call("GET", "/p2v/checklist", query=source))

    async def p2v_estimate(self, size: str, rate: str | None = None) -> P2vEstimate:
        """Sizes and transfer time of so much, such as 36GB, at a rate in MB/s; the documented rate when None."""
        asked = {"size": size} | ({"rate": rate} if rate else {})
        return adapter(P2vEstimate).validate_python(await self.get("/p2v/estimate", **asked))

    async def p2v_tools(self) -> tuple[P2vTool, ...]:
        """Which P2V tools support Linux."""
        return P2vTools.model_validate(await self.get("/p2v/tools")).tools

    async def vm(self, selector: str, *, on_behalf_of: str | None = None) -> dict[str, Any]:
        """The VM that a selector means."""
        return await self.get(f"/vms/{quote(selector, safe='')}", on_behalf_of=on_behalf_of)

    async def act(
        self,
        action: str,
        params: dict[str, Any],
        *,
        on_behalf_of: str | None = None,
        idempotency_key: str | None = None,
        reply_to: dict[str, Any] | None = None,
    ) -> Job:
        """Start a host action; the job that runs for its target already is returned instead of a second one."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        body = {"params": params, "reply_to": reply_to}
        path = f"/actions/{quote(action, safe='')}"
        return Job.model_validate(await self._call("POST", path, body=body, headers=headers, on_behalf_of=on_behalf_of))

    async def check(self, action: str, params: dict[str, Any], *, on_behalf_of: str | None = None) -> ActionPreview:
        """The pre-flight of a host action, which touches nothing."""
        path = f"/actions/{quote(action, safe='')}/check"
        answer = await self._call("POST", path, body={"params": params}, on_behalf_of=on_behalf_of)
        return ActionPreview.model_validate(answer)

    async def job(self, job_id: str) -> Job:
        """One job."""
        return Job.model_validate(await self.get(f"/jobs/{quote(job_id, safe='')}"))

    async def jobs(self, *, limit: int = 50, live: bool | None = None) -> list[Job]:
        """Jobs, newest first; only live ones, only ended ones, or all."""
        query = {"limit": str(limit)} | ({} if live is None else {"live": str(live).lower()})
        found = await self.get("/jobs", **query)
        return [Job.model_validate(item) for item in found["jobs"]]

    async def cancel(self, job_id: str, *, on_behalf_of: str | None = None) -> Job:
        """Ask a job to stop and clean up."""
        path = f"/jobs/{quote(job_id, safe='')}/cancel"
        return Job.model_validate(await self._call("POST", path, on_behalf_of=on_behalf_of))

    async def take_reports(self) -> list[Report]:
        """The reports that are due; the caller has to post each, and to call `report_posted` for it."""
        found = await self._call("POST", "/reports/take")
        return [Report.model_validate(item) for item in found["reports"]]

    async def report_posted(self, report: str, trouble: str = "") -> None:
        """Note that the report with this id is posted, or, as sentences, why it never can be."""
        await self.call("POST", f"/reports/{quote(report, safe='')}/posted", body={"trouble": trouble})

    async def call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer of any call as JSON; empty for a call that answers nothing. Raises ServiceError."""
        sent: _Sent = {"query": query or {}}
        if body is not None:
            sent["body"] = body
        text = await self._send(method, path, **sent)
        return self._read(text) if text else {}

    async def stream(
        self, path: str, /, *, on_behalf_of: str | None = None, first: int | None = None, **query: str
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer of any length, as they come; raises ServiceError, also when it breaks off.

        `first` asks for so many bytes from its beginning.
        """
        headers = self._headers | ({"X-On-Behalf-Of": on_behalf_of} if on_behalf_of else {})
        headers |= {"Range": f"bytes=0-{first - 1}"} if first else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=STREAM_SECONDS)
        url = f"{self.url}{path}"
        try:
            async with self._session().get(
                url, params=query, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                self._stay(response)
                if response.status >= 400:
                    raise refusal(response.status, await response.text())
                async for piece in response.content.iter_any():
                    yield piece
        except aiohttp.ClientPayloadError:
            broken = "The answer broke off. The log of the service has the reason; a part of the disk may be damaged."
            raise ServiceError(Problem(title="Incomplete", status=502, detail=broken)) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from error

    async def follow(
        self, job_id: str, *, patience: float | None = None, gone: Gone | None = None
    ) -> AsyncIterator[Job]:
        """The job now and at each change, until it ends; waits for a service that goes away.

        `gone` is called each time that the service does not answer. After `patience` seconds without an answer,
        ServiceAway is raised; without `patience`, this waits for as long as it takes.
        """
        attempt, answered_at = 0, time.monotonic()
        while True:
            why = ""
            try:
                async for job in self._events(job_id):
                    attempt, answered_at = 0, time.monotonic()
                    yield job
                    if job.state.final:
                        return
                    answered_at = time.monotonic()
            except ServiceUnavailable as error:
                why = error.problem.detail.rstrip(".") or error.problem.title
            except aiohttp.ClientError as error:
                why = why_no_answer(error)
            except TimeoutError:
                why = f"nothing was heard of it for {SILENCE_SECONDS} seconds"
            if patience is not None and time.monotonic() - answered_at >= patience:
                raise ServiceAway.at(self.url, why or "it closed the connection")
            pause = RECONNECT_SECONDS[min(attempt, len(RECONNECT_SECONDS) - 1)]
            if gone is not None and why:
                gone(why)
            await asyncio.sleep(pause)
            attempt += 1

    async def _events(self, job_id: str) -> AsyncIterator[Job]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        url = f"{self.url}/jobs/{quote(job_id, safe='')}/events"
        async with self._session().get(url, headers=self._headers, timeout=timeout, allow_redirects=False) as response:
            self._stay(response)
            if response.status != 200:
                raise refusal(response.status, await response.text())
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield Job.model_validate_json(line[6:])

    async def _call(self, method: str, path: str, **sent: Unpack[_Sent]) -> dict[str, Any]:
        return self._read(await self._send(method, path, **sent))

    def _read(self, text: str) -> dict[str, Any]:
        """The JSON object of an answer; raises ServiceError for what vmkops does not answer."""
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            detail = f"{self.url} answers, but it is not vmkops. Correct VMKOPS_SERVICE_URL."
            raise ServiceError(Problem(title="Not vmkops", status=502, detail=detail))
        return answer

    async def _send(self, method: str, path: str, **sent: Unpack[_Sent]) -> str:
        query, body, person = sent.get("query"), sent.get("body"), sent.get("on_behalf_of")
        headers = self._headers | sent.get("headers", {}) | ({"X-On-Behalf-Of": person} if person else {})
        url = f"{self.url}{path}"
        try:
            async with self._session().request(
                method, url, params=query, json=body, headers=headers, allow_redirects=False
            ) as response:
                self._stay(response)
                text = await response.text()
                if response.status >= 400:
                    raise refusal(response.status, text)
                return text
        except aiohttp.ClientConnectorCertificateError as error:
            raise ServiceUnavailable(Problem(title="Not trusted", status=503, detail=self._untrusted(error))) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from error

    def _stay(self, response: aiohttp.ClientResponse) -> None:
        """Raise ServiceError for an answer that sends the call to another address: the token is for this one alone."""
        if 300 <= response.status < 400:
            raise moved(self.url, str(response.url), response.status, response.headers.get("Location", ""))

    def _untrusted(self, error: aiohttp.ClientConnectorCertificateError) -> str:
        """Why the certificate of the service is not good, and what to do."""
        reason = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
        wrong = f"The certificate of {self.url} is not trusted ({reason})."
        if self._ca_file is None:
            return f"{wrong} Name its CA in VMKOPS_SERVICE_CA_FILE."
        return f"{wrong} {self._ca_file}, which VMKOPS_SERVICE_CA_FILE names, has another CA. Put the right one there."

    def _away(self, error: aiohttp.ClientError | TimeoutError) -> ServiceAway:
        """The error when the service did not answer: it is away, or its address has the wrong scheme."""
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            words = f"{self.url} answers, but not over https. Write http:// in VMKOPS_SERVICE_URL, or another port."
            return ServiceAway(Problem(title="No answer", status=503, detail=words))
        if isinstance(error, aiohttp.ServerDisconnectedError) and self.url.startswith("http:"):
            words = f"{self.url} answers, but not over http. Write https:// in VMKOPS_SERVICE_URL, or another port."
            return ServiceAway(Problem(title="No answer", status=503, detail=words))
        away = ServiceAway.at(self.url, why_no_answer(error))
        away.nothing_listens = isinstance(getattr(error, "os_error", None), ConnectionRefusedError)
        return away

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
            # The path is sent as quoted here: a name may hold a slash or a percent sign.
            self._http = aiohttp.ClientSession(connector=self._connector(), timeout=timeout, requote_redirect_url=False)
        return self._http

    def _connector(self) -> aiohttp.BaseConnector:
        if self._socket is not None:
            return aiohttp.UnixConnector(str(self._socket))
        if self._ca_file is None:
            return aiohttp.TCPConnector()
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(self._ca_file)
        except ssl.SSLError:
            problem = f"{self._ca_file} has no certificate in PEM. Name the file with the certificate of the CA."
            raise SettingError("VMKOPS_SERVICE_CA_FILE", problem) from None
        return aiohttp.TCPConnector(ssl=context)
