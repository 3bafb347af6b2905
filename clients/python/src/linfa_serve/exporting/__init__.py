"""From a fitted scikit-learn estimator to a version that linfa-serve can serve. Needs the extra `sklearn`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..inputs import Rows


def export(
    estimator: Any,
    X: Rows,  # noqa: N803 - as scikit-learn calls it
    path: str | os.PathLike[str],
    name: str,
    version: int,
    *,
    targets: Sequence[str] | None = None,
) -> Path:
    """Write a fitted estimator as `path/name/version`: manifest.json, model.safetensors and golden.jsonl.

    Some rows of X, and some drawn around them, become golden rows with scikit-learn's own answers. The sidecar lets
    the model in only if the server's arithmetic repeats these within 1e-9; `linfactl verify path/name/version` asks
    beforehand.

    Args:
        estimator: a fitted estimator, or a Pipeline of such.
        X: the rows that it was fitted on, or as many like them (rows x features; an array, or a frame by names). The
            manifest describes each feature by their ranges, and the sidecar probes the model around these.
        path: the folder of models, such as `models`.
        name: the model's name: a lower-case letter and up to 62 of a-z, 0-9, _ and -.
        version: its number, from 1 on.
        targets: the names of a regression's targets; `target`, or `target_0` and so on, without.

    Returns:
        The version's folder.

    Errors:
        `ExportError` if the estimator cannot be exported, with the step and the reason, or the folder exists;
        `InputError` for an X that does not fit it. Nothing is written then.

    """
    try:
        from .exporter import export as run  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            f"export needs scikit-learn and safetensors: pip install 'linfa-serve-client[sklearn]' ({error})"
        ) from None
    return run(estimator, X, Path(path), name, version, list(targets) if targets is not None else None)
