"""The table of what `cargo bench --bench kernels` measured last, as Markdown: ours against linfa's own predict.

    python benches/estimates.py [target/criterion]

Reads criterion's estimates; nothing but the standard library is needed.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple


class Estimate(NamedTuple):
    """Nanoseconds per row: the median, and the bounds of its 95 % confidence interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)}-{number(self.high)})"


def main(criterion: Path) -> None:
    """Print a line per family and batch size."""
    families = estimates(criterion)
    if not families:
        sys.exit(f"{criterion}: no estimates; cargo bench -p linfa-serve-artifact --features linfa --bench kernels")
    print("| family | rows | ours, ns per row | linfa, ns per row | linfa / ours |\n|---|---|---|---|---|")
    for (family, rows), by in sorted(families.items()):
        ours, linfa = by["ours"], by["linfa"]
        ratio = f"{linfa.median / ours.median:.2f} ({linfa.low / ours.high:.2f}-{linfa.high / ours.low:.2f})"
        print(f"| {family} | {rows} | {ours} | {linfa} | {ratio} |")


def estimates(criterion: Path) -> dict[tuple[str, int], dict[str, Estimate]]:
    """By family and batch size: the estimates of `ours` and `linfa`."""
    found: dict[tuple[str, int], dict[str, Estimate]] = defaultdict(dict)
    for path in criterion.glob("*/*/*/new/estimates.json"):
        # What a group is called, where its folder's name is made of that.
        called = json.loads(path.with_name("benchmark.json").read_bytes())
        rows = int(called["value_str"])
        median = json.loads(path.read_bytes())["median"]
        interval = median["confidence_interval"]
        nanos = (median["point_estimate"], interval["lower_bound"], interval["upper_bound"])
        found[called["group_id"], rows][called["function_id"]] = Estimate(*(each / rows for each in nanos))
    return {key: by for key, by in found.items() if by.keys() == {"ours", "linfa"}}


def number(value: float) -> str:
    """Three digits, and no more zeros than needed."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "target/criterion"))
