"""What both clients share: the settings of a client, and the making of requests. Nothing waits here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from . import inputs
from .channel import OPTIONS, Address, ApiKey, Target, api_key, target
from .errors import ConfigError, InputError, ServerError, of_status
from .models import Signature
from .pb import predict_pb2 as pb
from .retry import Attempts, Retry

if TYPE_CHECKING:
    from .inputs import Frame, Matrix, Rows

TIMEOUT = 10.0
"""How long a call may take, in seconds, unless the client or the call says otherwise."""
CHUNK_ROWS = 10_000
"""Rows of one message of a stream."""
WINDOW = 4
"""Messages of a stream that are under way at once: it bounds the memory of both sides."""


@dataclass(frozen=True)
class Settings:
    """What a client was made with."""

    target: Target
    key: ApiKey
    timeout: float
    retry: Retry | None
    credentials: grpc.ChannelCredentials | None

    @classmethod
    def of(
        cls,
        address: Address,
        key: str | ApiKey,
        *,
        timeout: float,
        retry: Retry | None,
        root_certificates: bytes | None,
    ) -> Settings:
        """Check every setting before anything is connected.

        Errors:
            `ConfigError` for the first that cannot be used.
        """
        leads_to = target(address)
        if root_certificates is not None and not leads_to.tls:
            raise ConfigError("root certificates are for addresses that begin with https://")
        if not timeout > 0:
            raise ConfigError(f"expected a timeout above 0 seconds, got {timeout}")
        credentials = grpc.ssl_channel_credentials(root_certificates) if leads_to.tls else None
        return cls(leads_to, api_key(key), timeout, retry, credentials)

    def channel(self, plain: Any, secure: Any) -> Any:
        """Open a channel by one of gRPC's two functions for it."""
        if self.credentials is None:
            return plain(self.target.uri, options=OPTIONS)
        return secure(self.target.uri, self.credentials, options=OPTIONS)

    def attempts(self, timeout: float | None) -> Attempts:
        """Begin a call."""
        return Attempts(self.retry, self.timeout if timeout is None else timeout)


def request(model: str, version: int | None, label: str | None) -> pb.PredictRequest:
    """Make a request without rows.

    Errors:
        `InputError` if both a version and a label are given.
    """
    if version is not None and label is not None:
        raise InputError("expected a version or a label, got both")
    if version is not None and not 0 < version < 2**63:
        raise InputError(f"expected a version from 1 on, got {version}")
    made = pb.PredictRequest(model=model)
    if version is not None:
        made.version = version
    if label is not None:
        made.label = label
    return made


def filled(base: pb.PredictRequest, rows: Matrix | Frame) -> pb.PredictRequest:
    """Copy a request without rows, and put rows into it."""
    made = pb.PredictRequest()
    made.CopyFrom(base)
    rows.put(made)
    return made


@dataclass(frozen=True)
class Chunks:
    """The rows of a stream, cut into parts."""

    parts: Iterator[Matrix | Frame]
    rows: int | None
    """How many rows there are, where that can be known."""

    @classmethod
    def of(cls, rows: Rows | Iterator[Rows], size: int, signature: Signature | None) -> Chunks:
        """Cut rows, or each of an iterator of rows, into parts of at most `size` rows.

        Errors:
            `InputError` for rows that cannot be sent: at once, or, of an iterator, when their turn comes.
        """
        if size < 1:
            raise InputError(f"expected chunks of at least one row, got {size}")
        if isinstance(rows, Iterator):
            return cls((part for each in rows for part in checked(each, signature).parts(size)), None)
        read = checked(rows, signature)
        return cls(read.parts(size), len(read))


def checked(rows: Rows, signature: Signature | None) -> Matrix | Frame:
    """Read rows, and compare their columns with what a model takes, if that is given.

    Errors:
        `InputError` if they cannot be sent, or columns are missing, too many or unknown.
    """
    read = inputs.read(rows)
    if signature is None:
        return read
    names = [feature.name for feature in signature.inputs]
    if isinstance(read, inputs.Matrix):
        width = read.values.shape[1]
        if width != len(names):
            raise InputError(f"expected {len(names)} features ({', '.join(names[:8])}), got {width}")
        return read
    missing = [name for name in names if name not in read.columns]
    unknown = [name for name in read.columns if name not in set(names)]
    if missing:
        raise InputError(f"column `{missing[0]}` is missing; the model takes {', '.join(names)}", column=missing[0])
    if unknown:
        raise InputError(
            f"column `{unknown[0]}` is none of the model's; drop it, the model takes {', '.join(names)}",
            column=unknown[0],
        )
    for feature in signature.inputs:
        is_text = isinstance(read.columns[feature.name], list)
        if is_text != (feature.kind != "number"):
            wanted, given = ("numbers", "texts") if is_text else ("texts", "numbers")
            raise InputError(f"column `{feature.name}`: expected {wanted}, got {given}", column=feature.name)
    return read


def error(failure: grpc.RpcError | grpc.aio.AioRpcError) -> ServerError:
    """Make our error of gRPC's, which is a call with a status."""
    call: Any = failure
    return of_status(call.code(), call.details(), call.trailing_metadata())


def progress(show: bool, rows: int | None) -> Any:
    """A progress bar over rows, or nothing.

    Errors:
        `ConfigError` if one is wanted and tqdm is not installed.
    """
    if not show:
        return None
    try:
        from tqdm.auto import tqdm  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError("a progress bar needs tqdm: pip install 'linfa-serve-client[tqdm]'") from None
    return tqdm(total=rows, unit="rows", unit_scale=True)
