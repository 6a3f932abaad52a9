"""Every refusal and failure of the service, by whose move is next; the docstring is the default message.

VmkopsError
├── the caller's move: InvalidParams, NotFound, Ambiguous, NotAllowed, NotSignedIn, Conflict
├── later:             VSphereBusy, VSphereUnavailable
└── the operator's:    SettingMissing, VSphereRefused, SnapshotFailed, SnapshotLeft, CopyFailed, DiskFull,
                        BackupDamaged, RestoreFailed, PackageRefused, PackageDamaged, FetchFailed, ImportFailed,
                        JobOutdated
"""

from __future__ import annotations

from typing import ClassVar

from service.models import Problem


class VmkopsError(Exception):
    """Something went wrong that the service has no better name for."""

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
        """This error as RFC 9457 problem details."""
        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(self).__name__)
        return Problem(
            type=f"urn:vmkops:{self.code}",
            title=words.strip().capitalize().replace("V sphere", "vSphere"),
            status=self.status,
            detail=self.detail,
            suggestions=self.suggestions,
        )


class InvalidParams(VmkopsError):
    """The request cannot be read; correct it and send it again."""

    code, status = "invalid-params", 400


class NotSignedIn(VmkopsError):
    """This call needs a token: send `Authorization: Bearer TOKEN` (make one with `vmkops token create`)."""

    code, status = "not-signed-in", 401


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


class TooLarge(VmkopsError):
    """The body is larger than this call takes."""

    code, status = "too-large", 413


class SettingMissing(VmkopsError):
    """A setting that this needs is not set."""

    code, status = "setting-missing", 503


class VSphereUnavailable(VmkopsError):
    """vCenter does not answer; nothing was changed."""

    code, status, retryable = "vsphere-unavailable", 503, True


class VSphereBusy(VmkopsError):
    """The VM or vCenter is busy with something else; try again when that has ended."""

    code, status, retryable = "vsphere-busy", 503, True


class VSphereRefused(VmkopsError):
    """vSphere refused the call."""

    code, status = "vsphere-refused", 502


class CredentialsRefused(VSphereRefused):
    """vCenter does not accept the user name and password."""

    code = "credentials-refused"


class CertificateUntrusted(VSphereRefused):
    """The certificate of vCenter is not trusted."""

    code = "certificate-untrusted"


class SnapshotFailed(VmkopsError):
    """The snapshot could not be taken."""

    code = "snapshot-failed"


class SnapshotLeft(VmkopsError):
    """A snapshot of ours is still on the VM; remove it by hand."""

    code = "snapshot-left"


class CopyFailed(VmkopsError):
    """A disk could not be copied."""

    code, retryable = "copy-failed", True


class DiskFull(VmkopsError):
    """There is no room left where backups are kept."""

    code = "disk-full"


class BackupDamaged(VmkopsError):
    """The backup is not as it was written."""

    code = "backup-damaged"


class RestoreFailed(VmkopsError):
    """The VM could not be made from the backup."""

    code = "restore-failed"


class PackageRefused(VmkopsError):
    """The OVF package cannot be imported as it is."""

    code, status = "package-refused", 409


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


class JobOutdated(VmkopsError):
    """This version of vmkops cannot continue the job. Start the job again."""

    code = "job-outdated"


class JobCancelled(VmkopsError):
    """Somebody cancelled the job."""

    code = "cancelled"
