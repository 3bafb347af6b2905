"""Which classes of scikit-learn can be exported, and how. A new one is one function in its family's file.

A class is found by itself, not by what it inherits from: a subclass may answer in another way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sklearn

from ..errors import ExportError
from .chain import Chain

Exporter = Callable[[Any, Chain], None]
"""Adds the steps that answer as the fitted estimator does.

Errors:
    `ExportError` for a setting that no step knows.
"""

_EXPORTERS: dict[type, Exporter] = {}


def exports(*classes: type) -> Callable[[Exporter], Exporter]:
    """Say that a function exports these classes."""

    def register(exporter: Exporter) -> Exporter:
        _EXPORTERS.update(dict.fromkeys(classes, exporter))
        return exporter

    return register


def add(estimator: Any, chain: Chain) -> None:
    """Add the steps of a fitted estimator.

    Errors:
        `ExportError` if its class or one of its settings is not known.
    """
    exporter = _EXPORTERS.get(type(estimator))
    if exporter is None:
        raise ExportError(
            f"{named(estimator)} cannot be exported; these can: {', '.join(known())}. Replace it, or apply it to the "
            "rows before they are sent"
        )
    try:
        exporter(estimator, chain)
    except AttributeError as error:
        # Some parameters are private in scikit-learn, and may be elsewhere in another release of it.
        raise ExportError(
            f"{named(estimator)} of scikit-learn {sklearn.__version__} is not built as this release knows it: {error}"
        ) from error


def known() -> list[str]:
    """The names of the classes that can be exported."""
    return sorted(each.__name__ for each in _EXPORTERS)


def named(estimator: Any) -> str:
    """The class of an estimator, for a sentence."""
    kind = estimator if isinstance(estimator, type) else type(estimator)
    inherited = next((each.__name__ for each in kind.__mro__[1:] if each in _EXPORTERS), None)
    return f"a {kind.__name__} (a subclass of {inherited} of your own)" if inherited else f"a {kind.__name__}"


def require(holds: bool, estimator: Any, setting: str) -> None:
    """Refuse a setting that no step knows.

    Errors:
        `ExportError` unless it holds.
    """
    if not holds:
        raise ExportError(f"a {type(estimator).__name__} with {setting} cannot be exported")
