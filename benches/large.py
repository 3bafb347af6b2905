#!/usr/bin/env python3
"""Writes what "Large tables and forests" in README.md measures into a folder; always the same bytes.

million.csv: 1 000 000 rows of six normal features, a colour and a size, with a `price` that depends on all of them
and `dear`, which says whether the price is above its mean.

models/forest/1: 500 trees, which split boxes of twenty features at random places down to depth 20, 5 000 500 nodes
in all. Half of the leaves say which class the middle of their box has, the others any of the four. A library takes
hours to grow so many.

rows.csv: 2000 rows for it.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
import sys
from array import array
from pathlib import Path
from typing import Any

COLOURS = {"red": 1.0, "green": -0.5, "blue": 0.25}
SIZES = {"s": -1.0, "m": 0.0, "l": 1.5}
WEIGHTS = [1.5, -2.0, 0.5, 1.0, -0.25, 3.0]
TREES, LEAVES, DEPTH, FEATURES, CLASSES = 500, 5001, 20, 20, "abcd"


def seeded(seed: int) -> random.Random:
    """Random numbers that are the same each time."""
    return random.Random(seed)  # noqa: S311 - no secret


def million(path: Path) -> None:
    """Writes the table."""
    draw = seeded(1)
    with open(path, "w", encoding="utf-8") as file:
        print("a,b,c,d,e,f,colour,size,price,dear", file=file)
        for _ in range(1_000_000):
            numbers = [draw.gauss(0.0, 1.0) for _ in WEIGHTS]
            colour, size = draw.choice(list(COLOURS)), draw.choice(list(SIZES))
            price = sum(weight * number for weight, number in zip(WEIGHTS, numbers, strict=True))
            price += COLOURS[colour] + SIZES[size] + draw.gauss(0.0, 0.5)
            dear = "yes" if price > 5 / 12 else "no"
            print(*(f"{number:.4f}" for number in numbers), colour, size, f"{price:.4f}", dear, sep=",", file=file)


def grow(draw: random.Random, nodes: array[int], limits: list[float], rights: list[int]) -> None:
    """Appends a tree.

    Of each split the whole left side comes first; where its right side begins stands in `rights`.
    """
    box = [0.0] * FEATURES, [1.0] * FEATURES
    open_: list[tuple[int | None, int, int, list[float], list[float]]] = [(None, LEAVES, 0, *box)]
    while open_:
        split, leaves, depth, low, high = open_.pop()
        here = len(nodes)
        if split is not None:
            rights[split] = here
        rights.append(0)
        if leaves == 1:
            middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
            by_row = 2 * (middle[0] + middle[1] > 1.0) + (middle[2] > middle[3])
            nodes.append(2 * (draw.randrange(4) if draw.random() < 0.5 else by_row) + 1)
            limits.append(0.0)
            continue
        feature = draw.randrange(FEATURES)
        limit = draw.uniform(low[feature], high[feature])
        most = 1 << (DEPTH - depth - 1)
        left = min(max(round(leaves * draw.uniform(0.2, 0.8)), 1, leaves - most), leaves - 1, most)
        nodes.append(2 * feature)
        limits.append(limit)
        above, below = low.copy(), high.copy()
        above[feature], below[feature] = limit, limit
        open_.append((here, leaves - left, depth + 1, above, high))
        open_.append((None, left, depth + 1, low, below))


def votes(
    row: list[float], roots: list[int], nodes: array[int], limits: list[float], rights: list[int]
) -> list[float]:
    """The share of the trees that vote for each class."""
    counts = [0] * len(CLASSES)
    for root in roots:
        node = root
        while nodes[node] % 2 == 0:
            node = node + 1 if row[nodes[node] // 2] < limits[node] else rights[node]
        counts[nodes[node] // 2] += 1
    return [count / TREES for count in counts]


def digest(data: bytes) -> str:
    """The hash of a file, as manifests have it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def forest(folder: Path) -> None:
    """Writes the version of the forest."""
    draw = seeded(2)
    nodes: array[int] = array("I")
    roots: list[int] = []
    limits: list[float] = []
    rights: list[int] = []
    for _ in range(TREES):
        roots.append(len(nodes))
        grow(draw, nodes, limits, rights)
    thresholds = array("d", (limit for node, limit in zip(nodes, limits, strict=True) if node % 2 == 0))
    tensors: dict[str, array[Any]] = {
        "0.thresholds": thresholds,
        "0.weights": array("d", [1.0] * TREES),
        "0.nodes": nodes,
    }
    entries, parts = {}, b""
    for name, values in tensors.items():
        data = values.tobytes()
        kind = "U32" if values.typecode == "I" else "F64"
        entries[name] = {"dtype": kind, "shape": [len(values)], "data_offsets": [len(parts), len(parts) + len(data)]}
        parts += data
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    golden: list[str] = []
    seen: set[int] = set()
    while len(seen) < len(CLASSES) or len(golden) < 12:
        row = [round(draw.random(), 4) for _ in range(FEATURES)]
        shares = votes(row, roots, nodes, limits, rights)
        if shares.count(max(shares)) == 1:
            choice = shares.index(max(shares))
            seen.add(choice)
            golden.append(json.dumps({"input": row, "choice": choice, "scores": shares, "tolerance": 1e-9}) + "\n")
    files = {
        "model.safetensors": struct.pack("<Q", len(header)) + header + parts,
        "golden.jsonl": "".join(golden).encode(),
    }
    uniform = {
        "min": 0.0,
        "max": 1.0,
        "mean": 0.5,
        "std": 12**-0.5,
        "deciles": [decile / 10 for decile in range(1, 10)],
    }
    manifest = {
        "format": "linfa-serve/1",
        "name": "forest",
        "steps": [{"kind": "voting_forest"}],
        "inputs": [{"name": f"x{feature}", **uniform} for feature in range(FEATURES)],
        "output": {"task": "classification", "classes": list(CLASSES)},
        "files": [{"name": name, "size": len(data), "digest": digest(data)} for name, data in files.items()],
        "training": {
            "library": "benches/large.py",
            "data": digest(b""),
            "rows": 1,
            "metrics": {},
            "created_at": "2026-01-01T00:00:00Z",
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def rows(path: Path) -> None:
    """Writes the rows for the forest."""
    draw = seeded(3)
    lines = (",".join(f"{draw.random():.4f}" for _ in range(FEATURES)) for _ in range(2000))
    names = ",".join(f"x{feature}" for feature in range(FEATURES))
    path.write_text("\n".join([names, *lines, ""]), encoding="utf-8")


def main() -> None:
    """Writes all of it."""
    folder = Path(sys.argv[1])
    forest(folder / "models" / "forest" / "1")
    rows(folder / "rows.csv")
    million(folder / "million.csv")


if __name__ == "__main__":
    main()
