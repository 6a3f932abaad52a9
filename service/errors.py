"""Every refusal and failure of the service, by whose move is next; the docstring is the default message.

VmkopsError
├── the caller's move: InvalidParams, NotFound, Ambiguous, NotAllowed, NotSignedIn, Conflict, KeyReused, TooLarge,
│                       LimitReached, ForeignOrigin, UnknownHost, RequestTimeout, ChangedMeanwhile
├── later:             WorkersBusy, DisksComing, VSphereBusy, VSphereUnavailable, TooManyRequests
├── the operator's:    NotConfigured, VSphereRefused, HookFailed, SnapshotFailed, SnapshotLeft, ConsolidationFailed,
│                       CopyFailed, SaveFailed, TargetFailed, TargetSlow, DiskRefused, DiskFull, DatastoreLow,
│                       BackupDamaged, RestoreFailed, PackageRefused, PackageDamaged, DiskUnreadable, FetchFailed,
│                       ImportFailed, StateRefused, JobOutdated, RecordUnreadable
└── StartError:        SettingError, AddressUnavailable, DatabaseUnavailable, DataDirectoryInUse

A StartError stops a command or the service with exit status 2 and its message.
The job engine stores errors by the name of their class: do not rename a class without an alias.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # pydantic takes a tenth of a second to import, and the offline lookups read SettingError only
    from service.api.models import Problem


class VmkopsError(Exception):
    """The service failed for a reason that has no name of its own."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", suggestions: list[str] | None = None) -> None:
        super().__init__(detail or (self.__doc__ or "").strip())
        self.suggestions = suggestions or []

    @property
    def detail(self) -> str:
        """What happened and what to do, in one or two sentences."""
        return str(self)

    def problem(self) -> Problem:
        """This error as RFC 9457 problem details, without the secret parts of URLs."""
        from service.api.models import Problem
        from service.api.redaction import redact

        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(self).__name__)
        return Problem(
            type=f"urn:vmkops:{self.code}",
            title=words.strip().capitalize().replace("V sphere", "vSphere"),
            status=self.status,
            detail=redact(self.detail),
            suggestions=[redact(each) for each in self.suggestions],
        )


class InvalidParams(VmkopsError):
    """The request cannot be read; correct it and send it again."""

    code, status = "invalid-params", 400


class NotSignedIn(VmkopsError):
    """This needs a token. `vmkops token create NAME --scope read`, or `operate` to act, makes one on its computer."""

    code, status = "not-signed-in", 401
    token_digits = ""
    """The first digits of the hash of a token that was refused; empty when the call had none."""
    token_name = ""
    """The name of that token, when it is known: it is revoked or expired."""

    @classmethod
    def of_token(cls, detail: str, digits: str, name: str = "") -> NotSignedIn:
        """The error for a token whose hash begins with these digits."""
        error = cls(detail)
        error.token_digits, error.token_name = digits, name
        return error


class NotAllowed(VmkopsError):
    """You may not do this."""

    code, status = "not-allowed", 403


class NotFound(VmkopsError):
    """There is no such thing here."""

    code, status = "not-found", 404


class Ambiguous(VmkopsError):
    """The words fit more than one; choose one of the candidates."""

    code, status = "ambiguous", 409


class Conflict(VmkopsError):
    """This does not fit the state that the thing is in."""

    code, status = "conflict", 409


class ChangedMeanwhile(VmkopsError):
    """Somebody else changed it since you read it; read it again, and make your change there."""

    code, status = "changed-meanwhile", 412


class KeyReused(VmkopsError):
    """The Idempotency-Key belongs to another request. Use a new key for each request, and repeat it unchanged."""

    code, status = "idempotency-key-reused", 422


class TooLarge(VmkopsError):
    """The body is larger than this call takes."""

    code, status = "too-large", 413


class ForeignOrigin(VmkopsError):
    """A page of another site sent this request. Only pages of this service may change something or send files."""

    code, status = "foreign-origin", 403


class UnknownHost(VmkopsError):
    """The service does not answer under this name. Its administrator can add the name to VMKOPS_ALLOWED_HOSTS."""

    code, status = "unknown-host", 421


class RequestTimeout(VmkopsError):
    """The body of the request did not arrive in time. Send it again over a faster connection, or make it smaller."""

    code, status = "request-timeout", 408


class TooManyRequests(VmkopsError):
    """You ask too much at a time; try again later. `retry_after` is in seconds."""

    code, status = "too-many-requests", 429

    def __init__(self, detail: str = "", suggestions: list[str] | None = None, *, retry_after: int = 10) -> None:
        super().__init__(detail, suggestions)
        self.retry_after = retry_after


class LimitReached(VmkopsError):
    """What was sent needs more time or memory to read than one request may have."""

    code, status = "limit-reached", 422


class WorkersBusy(VmkopsError):
    """All parser processes are busy with other files. Try again in a few seconds."""

    code, status, retryable = "busy", 503, True


class DisksComing(VmkopsError):
    """The disks of the backup are being read from their store. Try again in a minute."""

    code, status, retryable = "disks-coming", 503, True
    first = False
    """Whether this request began the reading."""


class NotConfigured(VmkopsError):
    """A setting that this needs is not set, or is not usable."""

    code, status = "setting-missing", 503


SettingMissing = NotConfigured
"""The class's former name. Jobs recorded under it are still read; new code uses NotConfigured or a StartError."""


class StartError(VmkopsError):
    """Something outside of vmkops keeps it from starting."""


class SettingError(StartError):
    """A setting is missing, wrong or contradictory.

    `setting` is its name. `explanation` says what is wrong and how to fix it, and never repeats the value of a secret.
    `place` is where in a file it is written, such as `vmkops.toml, line 3`. `problems` has the whole text of each
    wrong setting; `all_of` makes one error of several.
    """

    def __init__(self, setting: str, explanation: str, place: str = "") -> None:
        super().__init__(f"{place}: {setting}: {explanation}" if place else f"{setting}: {explanation}")
        self.setting = setting
        self.explanation = explanation
        self.problems: tuple[str, ...] = (str(self),)

    @classmethod
    def all_of(cls, errors: Iterable[SettingError]) -> SettingError:
        """One error that names all of these, each on a line of its own and once; `errors` is not empty."""
        first, *others = errors
        several = tuple(dict.fromkeys(each for error in (first, *others) for each in error.problems))
        if len(several) == 1:
            return first
        made = cls(first.setting, first.explanation)
        made.args = ("\n  ".join([f"{len(several)} settings are wrong:", *several]),)
        made.problems = several
        return made


class AddressUnavailable(StartError):
    """The address or the port cannot be listened on."""

    @classmethod
    def explain(cls, host: str, port: int, error: OSError) -> AddressUnavailable:
        """The error for a listening socket on this host and TCP port that failed with `error`."""
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            other = "or choose another port: --port, or make serve PORT=... if make started this."
            return cls(f"{where} is in use by another program. Stop that program, {other}")
        if error.errno == errno.EACCES:
            return cls(f"{where} is not allowed for this user. Choose a --port of 1024 or higher (make: PORT=...).")
        # A host that cannot be resolved has a negative number; newer asyncio gives no number for a foreign address.
        if error.errno is None or error.errno < 0 or error.errno == errno.EADDRNOTAVAIL:
            every = "127.0.0.1 for this machine alone, or 0.0.0.0 for all of its addresses"
            return cls(f"{host} is not an address of this machine. Choose another --host (make: HOST=...): {every}.")
        return cls(f"{where} cannot be listened on: {error.strerror}. Choose another --host or --port.")


class DatabaseUnavailable(StartError):
    """The database does not answer."""


class DataDirectoryInUse(StartError):
    """Another vmkops runs on the data directory."""


class VSphereUnavailable(VmkopsError):
    """vCenter does not answer; nothing was changed."""

    code, status, retryable = "vsphere-unavailable", 503, True


class VSphereBusy(VmkopsError):
    """The VM or vCenter is busy with something else; try again when that has ended."""

    code, status, retryable = "vsphere-busy", 503, True


class ConfigurationChanged(VSphereBusy):
    """Somebody else changed the configuration of the VM at the same time."""


class VSphereRefused(VmkopsError):
    """vSphere refused the call."""

    code, status = "vsphere-refused", 502


class CredentialsRefused(VSphereRefused):
    """vCenter does not accept the user name and password."""

    code = "credentials-refused"


class CertificateUntrusted(VSphereRefused):
    """The certificate of vCenter is not trusted."""

    code = "certificate-untrusted"


class HookFailed(VmkopsError):
    """A hook around the snapshot failed, so nothing was backed up."""

    code = "hook-failed"


class SnapshotFailed(VmkopsError):
    """The snapshot could not be taken."""

    code = "snapshot-failed"


class SnapshotLeft(VmkopsError):
    """A snapshot of ours is still on the VM; remove it by hand."""

    code = "snapshot-left"


class ConsolidationFailed(VmkopsError):
    """vSphere could not merge the disks that a removed snapshot left."""

    code = "consolidation-failed"


class CopyFailed(VmkopsError):
    """A disk could not be copied."""

    code, retryable = "copy-failed", True


class SaveFailed(VmkopsError):
    """A save command failed, or what it saved cannot be read back."""

    code = "save-failed"


class TargetFailed(VmkopsError):
    """A copy target does not take, give or remove the copy of a backup."""

    code, status = "target-failed", 502


class TargetSlow(TargetFailed):
    """A copy target takes too long to answer. Check it, then try again."""

    code, status, retryable = "target-slow", 504, True


class DiskRefused(VmkopsError):
    """What the host sent for a disk is not a VMDK."""

    code = "disk-refused"


class DiskFull(VmkopsError):
    """No disk space is left where the package is written."""

    code = "disk-full"


class DatastoreLow(VmkopsError):
    """A datastore has too little room for the growing delta disk of a snapshot."""

    code = "datastore-low"


class BackupDamaged(VmkopsError):
    """The backup is not as it was written."""

    code = "backup-damaged"


class RestoreFailed(VmkopsError):
    """The VM could not be made from the backup."""

    code = "restore-failed"


class PackageRefused(VmkopsError):
    """The OVF package cannot be imported as it is."""

    code, status = "package-refused", 409


class DiskUnreadable(VmkopsError):
    """A disk of the backup cannot be read: it is damaged, or its form is not known."""

    code, status = "disk-unreadable", 409


class PackageDamaged(VmkopsError):
    """The OVF package is not as its manifest says."""

    code = "package-damaged"


class FetchFailed(VmkopsError):
    """The package could not be fetched from its URL."""

    code, status = "fetch-failed", 502


class FetchAbsent(FetchFailed):
    """The server says that it has no such file, or not for us."""


class FetchBrokeOff(FetchFailed):
    """The connection to the package's URL broke; fetching it again may help."""

    retryable = True


class ImportFailed(VmkopsError):
    """The VM could not be made from the package."""

    code = "import-failed"


class StateRefused(VmkopsError):
    """The state file cannot be used."""

    code, status = "state-refused", 409


class JobOutdated(VmkopsError):
    """This version of vmkops cannot continue the job. Start the job again."""

    code = "job-outdated"


class RecordUnreadable(VmkopsError):
    """vmkops cannot read its record of this job and does not continue it. Check its target, then start it again."""

    code = "record-unreadable"


class JobCancelled(VmkopsError):
    """Somebody cancelled the job."""

    code = "cancelled"
