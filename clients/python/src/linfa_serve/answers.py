"""What the server answered: typed, with numpy arrays, and as frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from .errors import AnswerError
from .pb import predict_pb2 as pb

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ModelRef:
    """The one version of one model that answered every row."""

    name: str
    version: int
    digest: str
    """Its identity: `sha256:` and 64 hexadecimal digits."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to every row of a call; which of the four kinds it is depends on the model's task."""

    model: ModelRef
    """Who answered."""

    def __len__(self) -> int:
        """How many rows were answered."""
        raise NotImplementedError

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The answer as named columns of one value per row."""
        raise NotImplementedError

    def to_pandas(self) -> pd.DataFrame:
        """Make a pandas frame of one line per row; needs the extra `pandas`."""
        import pandas as pd  # noqa: PLC0415 - an extra

        return pd.DataFrame(self.columns())


@dataclass(frozen=True, eq=False)
class Classification(Answer):
    """A class per row."""

    labels: npt.NDArray[np.object_]
    """rows: the class of each row, by name."""
    classes: tuple[str, ...]
    """All classes of the model, in the order of the probabilities."""
    probabilities: Floats | None
    """rows x classes; None where the model gives none."""

    def __len__(self) -> int:
        return len(self.labels)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """`label`, then `probability_CLASS` for each class where there are any."""
        named: dict[str, npt.NDArray[Any]] = {"label": self.labels}
        if self.probabilities is not None:
            named |= _named((f"probability_{name}" for name in self.classes), self.probabilities)
        return named


@dataclass(frozen=True, eq=False)
class Regression(Answer):
    """Numbers."""

    values: Floats
    """rows x targets."""
    targets: tuple[str, ...]
    """The targets' names."""

    def __len__(self) -> int:
        return len(self.values)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """One column per target."""
        return _named(self.targets, self.values)


@dataclass(frozen=True, eq=False)
class Clustering(Answer):
    """A cluster per row."""

    clusters: npt.NDArray[np.uint32]
    """rows: the cluster of each row, from 0."""
    distances: Floats | None
    """rows x clusters: how far each row is from each of them; None of a mixture."""
    probabilities: Floats | None = None
    """rows x clusters: how probable each of them is; None unless the model is a mixture."""

    def __len__(self) -> int:
        return len(self.clusters)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """`cluster`, then `distance_N` or `probability_N` for each of them."""
        named: dict[str, npt.NDArray[Any]] = {"cluster": self.clusters}
        for what, values in (("distance", self.distances), ("probability", self.probabilities)):
            if values is not None:
                named |= _named((f"{what}_{cluster}" for cluster in range(values.shape[1])), values)
        return named


@dataclass(frozen=True, eq=False)
class Transformation(Answer):
    """Another row per row."""

    values: Floats
    """rows x names."""
    names: tuple[str, ...]
    """The new columns' names."""

    def __len__(self) -> int:
        return len(self.values)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """One column per name."""
        return _named(self.names, self.values)


A = TypeVar("A", bound=Answer)


def read(response: pb.PredictResponse, expect: type[A]) -> A:
    """Read a response of that kind.

    Errors:
        `AnswerError` if it is of another kind, or lacks a part.
    """
    kind = response.WhichOneof("prediction")
    if kind is None or not response.HasField("model"):
        raise AnswerError("the answer has no prediction or no model")
    model = ModelRef(response.model.name, response.model.version, response.model.digest)
    answer = _READERS[kind](model, getattr(response, kind))
    if not isinstance(answer, expect):
        raise AnswerError(f"model `{model.name}` answers by {kind}, expected {expect.__name__.lower()}")
    return answer


def concatenate(answers: Iterable[A]) -> A:
    """Put the answers to the parts of one input together, in order. `model` is the one that answered the last part.

    Errors:
        `AnswerError` if there are none, or they are of models with other tasks or outputs.
    """
    parts = list(answers)
    if not parts:
        raise AnswerError("expected at least one answer, got none")
    last = parts[-1]
    for part in parts:
        if type(part) is not type(last) or _form(part) != _form(last):
            raise AnswerError(f"the answers of {part.model} and {last.model} do not fit together")
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name, value in vars(last).items()
        if isinstance(value, np.ndarray)
    }
    return replace(last, **arrays)


def _form(answer: Answer) -> dict[str, Any]:
    """What all parts have alike: names, and how wide the arrays are."""
    fields = vars(answer).items()
    return {
        name: value.shape[1:] if isinstance(value, np.ndarray) else value for name, value in fields if name != "model"
    }


def _named(names: Iterable[str], values: Floats) -> dict[str, npt.NDArray[Any]]:
    return dict(zip(names, values.T, strict=True))


def _matrix(values: Any, rows: int | None, width: int) -> Floats:
    array = np.array(values, dtype=np.float64)
    if width == 0 or array.size % width or (rows is not None and array.size != rows * width):
        raise AnswerError(f"the answer has {array.size} numbers, which are no rows of {width}")
    return array.reshape(-1, width)


def _classification(model: ModelRef, message: pb.Classification) -> Classification:
    labels = np.array(message.labels[:], dtype=np.object_)
    classes = tuple(message.classes)
    probabilities = None
    if message.probabilities:
        probabilities = _matrix(message.probabilities, len(labels), len(classes))
    return Classification(model, labels, classes, probabilities)


def _regression(model: ModelRef, message: pb.Regression) -> Regression:
    targets = tuple(message.targets)
    return Regression(model, _matrix(message.values, None, len(targets)), targets)


def _clustering(model: ModelRef, message: pb.Clustering) -> Clustering:
    clusters = np.array(message.cluster, dtype=np.uint32)
    if message.probabilities:
        return Clustering(model, clusters, None, _of_clusters(message.probabilities, len(clusters)))
    return Clustering(model, clusters, _of_clusters(message.distances, len(clusters)))


def _of_clusters(values: Any, rows: int) -> Floats:
    return _matrix(values, rows, len(values) // max(rows, 1))


def _transformation(model: ModelRef, message: pb.Transformation) -> Transformation:
    names = tuple(message.names)
    return Transformation(model, _matrix(message.values, None, len(names)), names)


_READERS: dict[str, Any] = {
    "classification": _classification,
    "clustering": _clustering,
    "regression": _regression,
    "transformation": _transformation,
}
