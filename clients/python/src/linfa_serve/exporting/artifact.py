"""The files of a version: manifest.json, model.safetensors and golden.jsonl."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from ..errors import ExportError
from .chain import Step

FORMAT = "linfa-serve/1"
LARGEST_VERSION = 10**18 - 1


def folder(root: Path, name: str, version: int) -> Path:
    """Where a version belongs.

    Errors:
        `ExportError` if the name or number is none, or the folder is there: a version never changes.
    """
    if re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name) is None:
        raise ExportError(f"`{name}` is no name: a lower-case letter and up to 62 of a-z, 0-9, _ and -")
    if isinstance(version, bool) or not isinstance(version, int) or not 0 < version <= LARGEST_VERSION:
        raise ExportError(f"{version!r} is no version: a number of 1 to 18 digits")
    if root.exists() and not root.is_dir():
        raise ExportError(f"{root} is no folder of models")
    path = root / name / str(version)
    if path.exists():
        raise ExportError(f"{path} exists, and a version never changes; choose another number")
    return path


def write(
    path: Path,
    *,
    steps: Sequence[Step],
    inputs: Sequence[Mapping[str, Any]],
    output: Mapping[str, Any],
    golden: Sequence[Mapping[str, Any]],
    training: Mapping[str, Any],
) -> None:
    """Write the version's files. The manifest comes last, so that no reader sees one whose files are missing.

    Errors:
        `ExportError` for a parameter that is not finite; `OSError` if the folder cannot be written.
    """
    files = {
        "model.safetensors": _tensors(steps),
        "golden.jsonl": b"".join(_json(row) + b"\n" for row in golden),
    }
    manifest = {
        "format": FORMAT,
        "name": path.parent.name,
        "steps": [{"kind": step.kind, **step.spec} for step in steps],
        "inputs": list(inputs),
        "output": output,
        "files": [{"name": name, "size": len(data), "digest": digest(data)} for name, data in files.items()],
        "training": {**training, "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
    }
    files["manifest.json"] = _json(manifest, indent=2) + b"\n"
    path.mkdir(parents=True)
    for name, data in files.items():
        (path / name).write_bytes(data)


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, as manifests write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(value: Any, indent: int | None = None) -> bytes:
    return json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False).encode()


def _tensors(steps: Sequence[Step]) -> bytes:
    """All tensors as safetensors; a name has its step's number before it."""
    tensors = {}
    for index, step in enumerate(steps):
        for name, values in step.tensors.items():
            dtype = values.dtype if values.dtype in (np.float32, np.uint32) else np.float64
            tensor = np.ascontiguousarray(values, dtype=dtype)
            if not np.isfinite(tensor).all():
                raise ExportError(f"step {index} ({step.kind}): its {name} are not all finite; fit it anew")
            tensors[f"{index}.{name}"] = tensor
    return save(tensors)
