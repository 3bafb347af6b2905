"""Why there is no answer: what is refused here before anything is sent, and what the server says.

Every error is a `LinfaServeError`. Those that are also a `ValueError` concern what the caller gave; the others are a
`ServerError`, one class per gRPC status, with the decoded `google.rpc` details.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.any_pb2 import Any


class LinfaServeError(Exception):
    """What every error of this package is."""


class ConfigError(LinfaServeError, ValueError):
    """An address, key or setting that cannot be used. The message never repeats a key."""


class InputError(LinfaServeError, ValueError):
    """Rows that cannot be sent or exported. Nothing was sent and nothing was written."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        """The first row that is at fault, from 0, where one is."""
        self.column = column
        """The column that is at fault, where one is."""


class ExportError(LinfaServeError, ValueError):
    """An estimator that cannot be exported, and why. Nothing was written."""


class RefusedError(LinfaServeError):
    """A version that was waited for, and that a check refused."""

    def __init__(self, message: str, *, check: str) -> None:
        super().__init__(message)
        self.check = check
        """The check that refused it."""


class AnswerError(LinfaServeError):
    """An answer without its parts, as from a server of another release, or of another task than was expected."""


@dataclass(frozen=True)
class Violation:
    """One way in which an input does not fit, of `google.rpc.BadRequest`."""

    field: str
    """The path of the field in the request, such as `matrix.f64_le[3]`."""
    description: str
    """What was expected and what came, as a sentence."""
    reason: str
    """The rule, for programs, such as `WIDTH_MISMATCH`."""


@dataclass(frozen=True)
class Resource:
    """What does not exist, of `google.rpc.ResourceInfo`."""

    kind: str
    """`model`, `version` or `label`."""
    name: str
    """Its name; `MODEL/VERSION` or `MODEL/LABEL` for the latter two."""


@dataclass(frozen=True)
class Precondition:
    """Why a version does not serve, of `google.rpc.PreconditionFailure`."""

    check: str
    """The check that refused it, or `policy`."""
    subject: str
    """`MODEL/VERSION`, or the model alone."""
    reason: str
    """A sentence that a person can act on."""


@dataclass(frozen=True)
class Details:
    """The decoded `google.rpc` details of a status; what it does not carry is empty."""

    violations: tuple[Violation, ...] = ()
    resource: Resource | None = None
    preconditions: tuple[Precondition, ...] = ()
    retry_after: float | None = None
    """When another attempt makes sense, in seconds."""
    reason: str | None = None
    """The reason of `google.rpc.ErrorInfo`, such as `WIDTH_MISMATCH` or `RESULT_NOT_FINITE`."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What `google.rpc.ErrorInfo` tells besides: `row`, `column`, `expected`, `got`, `step`, as far as they apply."""


class ServerError(LinfaServeError):
    """A status that is not OK. Its message is the server's sentence."""

    def __init__(self, code: grpc.StatusCode, message: str, details: Details) -> None:
        super().__init__(message or code.name)
        self.code = code
        """The gRPC status."""
        self.details = details
        """Everything that the status carries."""

    @property
    def retry_after(self) -> float | None:
        """When another attempt makes sense, in seconds, where the server says so."""
        return self.details.retry_after

    @property
    def row(self) -> int | None:
        """The first row at fault, from 0, where the server names one."""
        return _number(self.details.metadata.get("row"))

    @property
    def column(self) -> str | None:
        """The column at fault, by name, where the server names one."""
        return self.details.metadata.get("column")


class InvalidInputError(ServerError, ValueError):
    """INVALID_ARGUMENT: the rows do not fit the model."""

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything that is wrong; row, column, expected and got are those of the first."""
        return self.details.violations

    @property
    def expected(self) -> str | None:
        """What was expected, where the server says so."""
        return self.details.metadata.get("expected")

    @property
    def got(self) -> str | None:
        """What came instead, where the server says so."""
        return self.details.metadata.get("got")


class NotFoundError(ServerError):
    """NOT_FOUND: there is no such model, version or label."""

    @property
    def resource(self) -> Resource | None:
        """What there is not."""
        return self.details.resource


class NotServedError(ServerError):
    """FAILED_PRECONDITION: the version was refused, or the policy does not serve it."""

    @property
    def preconditions(self) -> tuple[Precondition, ...]:
        """Which check refused it and why, or what serves instead."""
        return self.details.preconditions


class UnavailableError(ServerError):
    """UNAVAILABLE: no server answers, or it has nothing to answer with yet. Retried within the deadline."""


class OverloadedError(ServerError):
    """RESOURCE_EXHAUSTED: the server is full, or the message too large. Retried if the server says when."""


class OutOfRangeError(ServerError, ArithmeticError):
    """OUT_OF_RANGE: the input is finite, the result is not; or the message is too large for the server."""

    @property
    def step(self) -> int | None:
        """The model's step that overflowed, from 0."""
        return _number(self.details.metadata.get("step"))


class DeadlineError(ServerError, TimeoutError):
    """DEADLINE_EXCEEDED: no answer came in time."""


class UnauthenticatedError(ServerError):
    """UNAUTHENTICATED: no key, or one that is unknown or expired."""


class ForbiddenError(ServerError):
    """PERMISSION_DENIED: the key lacks the scope that the message names."""


class InternalError(ServerError):
    """INTERNAL: a bug of the server; the message has the id under which its log tells more."""


_CLASSES: dict[grpc.StatusCode, type[ServerError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInputError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: NotServedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRangeError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: ForbiddenError,
    grpc.StatusCode.INTERNAL: InternalError,
}


def of_status(
    code: grpc.StatusCode, message: str | None, trailers: Iterable[tuple[str, str | bytes]] | None
) -> ServerError:
    """Make the error of a status and its trailing metadata. Details that cannot be decoded are left out."""
    packed = next((value for key, value in trailers or () if key == "grpc-status-details-bin"), b"")
    status = status_pb2.Status()
    try:
        status.ParseFromString(packed if isinstance(packed, bytes) else packed.encode())
    except ValueError:
        status = status_pb2.Status()
    return _CLASSES.get(code, ServerError)(code, message or "", _details(status.details))


def _details(packed: Iterable[Any]) -> Details:
    known = (
        error_details_pb2.BadRequest,
        error_details_pb2.ErrorInfo,
        error_details_pb2.PreconditionFailure,
        error_details_pb2.ResourceInfo,
        error_details_pb2.RetryInfo,
    )
    found = {}
    for item in packed:
        for kind in known:
            message = kind()
            if item.Unpack(message):
                found[kind.__name__] = message
    bad = found.get("BadRequest", error_details_pb2.BadRequest())
    failure = found.get("PreconditionFailure", error_details_pb2.PreconditionFailure())
    info = found.get("ErrorInfo", error_details_pb2.ErrorInfo())
    resource = found.get("ResourceInfo")
    retry = found.get("RetryInfo")
    return Details(
        violations=tuple(Violation(each.field, each.description, each.reason) for each in bad.field_violations),
        resource=resource and Resource(resource.resource_type, resource.resource_name),
        preconditions=tuple(Precondition(each.type, each.subject, each.description) for each in failure.violations),
        retry_after=retry and retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9,
        reason=info.reason or None,
        metadata=dict(info.metadata),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
