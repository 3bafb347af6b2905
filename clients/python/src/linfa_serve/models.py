"""What is served, what was refused, and why: the answers of the model service as dataclasses."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .errors import RefusedError
from .pb import model_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp


class State(enum.Enum):
    """The states of a version, from the drop to the end."""

    UNSPECIFIED = 0
    """One that this client does not know."""
    PENDING = 1
    """Still being copied, or waiting for its turn."""
    INCOMPLETE = 2
    """Files are missing or short, and nothing has changed for a minute."""
    REJECTED = 3
    """A check failed."""
    ADMITTED = 4
    """Proven, but the policy does not serve it."""
    SERVING = 5
    """Answers requests."""
    FAILED = 6
    """Proven, but this server could not load it."""
    WITHDRAWN = 7
    """Its folder was removed, or the model was retired."""


@dataclass(frozen=True)
class Feature:
    """One feature, with what it looked like in training: its numbers, or how many characters its free texts had."""

    name: str
    min: float
    max: float
    mean: float
    std: float
    kind: str = "number"
    """`number`, `category` or `text`; the latter two are texts in a frame."""
    missing: bool = False
    """Whether a row may lack it: NaN for a number, an empty text for a category."""
    categories: tuple[str, ...] = ()
    """The texts that a category may be."""
    unknown: bool = False
    """Whether a text that is none of the categories is answered, too; else it is refused."""


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives."""

    inputs: tuple[Feature, ...]
    """In the order in which a matrix holds them."""
    task: str
    """`classification`, `regression`, `clustering` or `transformation`."""
    outputs: tuple[str, ...]
    """Classes, targets or column names, in the order of the answer."""
    steps: tuple[str, ...]
    """The kind of each step, in order."""


@dataclass(frozen=True)
class Refusal:
    """Why bytes under a version's number were refused."""

    check: str
    reason: str
    """One sentence that a person can act on."""


@dataclass(frozen=True)
class Check:
    """One check that ran."""

    name: str
    passed: bool
    detail: str
    """What was measured, or why it failed."""


@dataclass(frozen=True)
class Version:
    """One version of a model."""

    version: int
    digest: str
    """Empty while no manifest could be read."""
    state: State
    refusal: Refusal | None
    checks: tuple[Check, ...]
    signature: Signature | None
    """None unless the version is loaded."""
    signer: str
    """The publisher's key, by its SHA-256; empty if nobody signed it whose key the sidecar has."""


@dataclass(frozen=True)
class Model:
    """One model, with every version that the catalog remembers."""

    name: str
    default_version: int
    """The version that answers when a request names none; 0 if none serves."""
    labels: Mapping[str, int]
    """Labels of the policy, and the versions that they name."""
    versions: tuple[Version, ...]
    """By number."""
    policy_error: str
    """Why the model's policy.toml is not the one in force; empty if it is."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The signed file that tells the server what may be served."""

    sequence: int
    epoch: int
    issued_at: datetime | None
    expires_at: datetime | None
    notes: tuple[str, ...]
    error: str
    """Why the newest catalog file is not the one in force; empty if it is."""
    stale: bool
    """It has expired and no newer one came."""


@dataclass(frozen=True)
class Models:
    """Every model, by name."""

    models: Mapping[str, Model]
    catalog: Catalog | None
    """None before the first one."""


@dataclass(frozen=True)
class Change:
    """What a watch has to tell: at first every model, then what has changed."""

    models: Mapping[str, Model]
    """The models that are new or not as they were, by name."""
    removed: tuple[str, ...]
    """The names of models that are no more."""
    catalog: Catalog | None


def models(response: pb.ListModelsResponse) -> Models:
    """Read what ListModels answers."""
    return Models(
        {each.name: model(each) for each in response.models},
        catalog(response.catalog) if response.HasField("catalog") else None,
    )


def change(response: pb.WatchModelsResponse) -> Change:
    """Read one message of a watch."""
    return Change(
        {each.name: model(each) for each in response.models},
        tuple(response.removed),
        catalog(response.catalog) if response.HasField("catalog") else None,
    )


def serving(change: Change, name: str, version: int) -> Version | None:
    """Find that version in a message of a watch, if it serves.

    Errors:
        `RefusedError` if it never will.
    """
    found = change.models.get(name)
    for each in found.versions if found else ():
        if each.version == version and each.state in {State.REJECTED, State.FAILED} and each.refusal:
            reason = f"{name}/{version} was refused by the check `{each.refusal.check}`: {each.refusal.reason}"
            raise RefusedError(reason, check=each.refusal.check)
        if each.version == version and each.state is State.SERVING:
            return each
    return None


def model(message: pb.Model) -> Model:
    """Read one model."""
    return Model(
        name=message.name,
        default_version=message.default_version,
        labels=dict(message.labels),
        versions=tuple(_version(each) for each in message.versions),
        policy_error=message.policy_error,
        notes=tuple(message.notes),
    )


def catalog(message: pb.Catalog) -> Catalog:
    """Read the catalog's own part."""
    return Catalog(
        sequence=message.sequence,
        epoch=message.epoch,
        issued_at=_moment(message.issued_at) if message.HasField("issued_at") else None,
        expires_at=_moment(message.expires_at) if message.HasField("expires_at") else None,
        notes=tuple(message.notes),
        error=message.error,
        stale=message.stale,
    )


def _version(message: pb.ModelVersion) -> Version:
    known = {state.value for state in State}
    return Version(
        version=message.version,
        digest=message.digest,
        state=State(message.state) if message.state in known else State.UNSPECIFIED,
        refusal=Refusal(message.refusal.check, message.refusal.reason) if message.HasField("refusal") else None,
        checks=tuple(Check(each.name, each.passed, each.detail) for each in message.checks),
        signature=_signature(message.signature) if message.HasField("signature") else None,
        signer=message.signer,
    )


def _signature(message: pb.Signature) -> Signature:
    return Signature(
        tuple(_feature(each) for each in message.inputs), message.task, tuple(message.outputs), tuple(message.steps)
    )


def _feature(message: pb.Feature) -> Feature:
    return Feature(
        name=message.name,
        min=message.min,
        max=message.max,
        mean=message.mean,
        std=message.std,
        kind=_KINDS.get(message.kind, "number"),
        missing=message.missing,
        categories=tuple(message.categories),
        unknown=message.unknown,
    )


_KINDS = {pb.Feature.KIND_CATEGORY: "category", pb.Feature.KIND_TEXT: "text"}


def _moment(message: Timestamp) -> datetime:
    return message.ToDatetime(tzinfo=UTC)
