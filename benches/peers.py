"""What a row costs by ours, scikit-learn and onnxruntime: the same parameters, one thread, in interleaved rounds.

    python benches/peers.py [--rounds 9] [FAMILY...]

Run by the Python of `benches/kernels`, which installs peers.txt and the package in clients/python, and builds the
example `time`. Prints a Markdown table: ns per row, the median of the rounds and in brackets their middle half.

Every model is fitted by scikit-learn and exported twice, by linfa_serve and by skl2onnx. Before anything is timed,
ours repeats scikit-learn's answers to its golden rows, and onnxruntime's are compared with scikit-learn's. All give
the same numbers: probabilities, decisions, distances; ours and onnxruntime give the class or cluster as well.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from estimates import number
from skl2onnx import to_onnx
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from linfa_serve import export

Floats = npt.NDArray[Any]
Turn = Callable[[int], float]
"""Nanoseconds per row, in batches of so many rows."""

PEERS = ("scikit-learn", "onnxruntime f32", "onnxruntime f64")
BATCHES = (1, 100, 10_000)
ASKED = 1000
"""Different rows that are asked."""
REPEATS, REPEAT_NANOS = 5, 20_000_000
"""A turn is the median of so many measurements, each of at least so long; so it is in the example `time`."""
TOLERANCE, EXACT = 1e-5, 1e-9
"""How far a number may be off, as a share of the larger of 1 and itself; and how far it is in 64 bits all the way."""


@dataclass(frozen=True)
class Family:
    """A model to fit, and what scikit-learn is asked for."""

    estimator: Any
    columns: int
    answer: str
    classes: int = 0
    """None where it learns a number, or nothing."""
    rows: int = 2000


FAMILIES = {
    "linear regression, 30 features": Family(LinearRegression(), 30, "predict"),
    "logistic regression, 30 features": Family(LogisticRegression(), 30, "predict_proba", 2),
    "multinomial logistic regression, 30 x 4": Family(LogisticRegression(), 30, "predict_proba", 4),
    "decision tree, depth 10": Family(
        DecisionTreeClassifier(max_depth=10, random_state=1), 20, "predict_proba", 4, 10_000
    ),
    "random forest, 100 of depth 10": Family(
        RandomForestClassifier(100, max_depth=10, random_state=1), 20, "predict_proba", 4, 10_000
    ),
    "RBF SVC, 1640 vectors x 20": Family(SVC(), 20, "decision_function", 2, 2900),
    "k-means, 100 x 64": Family(KMeans(100, n_init=1, random_state=1), 64, "transform"),
    "Gaussian naive Bayes, 20 x 3": Family(GaussianNB(), 20, "predict_proba", 3),
    "PCA, 20 to 8": Family(PCA(8, random_state=1), 20, "transform"),
    "standard scaler, 20": Family(StandardScaler(), 20, "transform"),
}


def main() -> None:
    """Measure each family, or those whose names begin with one of the arguments."""
    parser = argparse.ArgumentParser(description="ns per row by ours, scikit-learn and onnxruntime")
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="the beginning of a name; all without")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--time", type=Path, default=Path("target/release/examples/time"), help="the example, built")
    args = parser.parse_args()
    # For this process and those that it starts.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    notes = []
    print(f"| family | rows | ours, ns per row | {' | / ours | '.join(PEERS)} | / ours |\n{'|---' * 9}|")
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        for name, family in FAMILIES.items():
            if name.startswith(tuple(args.families) or ""):
                turns, said = ways(family, args.time, Path(folder, name))
                notes += [f"{name}: {note}" for note in said]
                for batch in BATCHES:
                    print(f"| {name} | {batch} | {line(measure(turns, batch, args.rounds))} |", flush=True)
    print("\n" + "\n".join(f"- {note}" for note in notes))


def ways(family: Family, program: Path, folder: Path) -> tuple[list[Turn | None], list[str]]:
    """Ours, scikit-learn's, onnxruntime's in f32 and f64, none where it has none; and what is to be noted."""
    random = np.random.default_rng(7)
    # 32 bits hold them exactly, so that all see the same rows.
    train, asked = (random.normal(size=(rows, family.columns)).astype(np.float32) for rows in (family.rows, ASKED))
    train, asked = train.astype(np.float64), asked.astype(np.float64)
    model = family.estimator.fit(train, target(train, family.classes, random))
    version = export(model, train, folder, "bench", 1)
    asked.tofile(folder / "rows")

    def ours(batch: int) -> float:
        command = [str(program), str(version), str(folder / "rows"), str(batch)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1])  # noqa: S603

    turns: list[Turn | None] = [ours, turn(getattr(model, family.answer), asked)]
    notes = []
    for kind in ("f32", "f64"):
        rows = asked.astype(kind.replace("f", "float"))
        try:
            ask, error = onnx(model, family.answer, rows)
            turns.append(turn(ask, rows))
            if kind == "f64" and error > EXACT:
                notes.append(f"onnxruntime f64 is off by {error:.0e}: it takes 64 bits, but does not compute in them")
        except Exception as error:  # whatever it is, it is why there is no figure
            turns.append(None)
            notes.append(f"onnxruntime {kind}: {str(error).strip().splitlines()[0]}")
    return turns, notes


def target(rows: Floats, classes: int, random: np.random.Generator) -> Floats:
    """What hangs together with the rows, more or less: a number, or one of several classes of the same size."""
    score: Floats = rows[:, :8].sum(axis=1) + rows[:, 0] * rows[:, 1] + 2 * random.normal(size=len(rows))
    if not classes:
        return score
    return np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)


def onnx(model: Any, answer: str, rows: Floats) -> tuple[Callable[[Floats], Any], float]:
    """The model in onnxruntime, and how far its answers to all rows are from scikit-learn's."""
    # Without these: a map per row, which costs more than the model, and scores whose sign is turned.
    options = {"predict_proba": {"zipmap": False}, "decision_function": {"zipmap": False, "raw_scores": True}}
    converted = to_onnx(model, rows[:1], options={id(model): options[answer]} if answer in options else None)
    threads = ort.SessionOptions()
    threads.intra_op_num_threads = threads.inter_op_num_threads = 1
    session = ort.InferenceSession(converted.SerializeToString(), threads, ["CPUExecutionProvider"])
    (name,) = (given.name for given in session.get_inputs())

    def ask(batch: Floats) -> Any:
        return session.run(None, {name: batch})

    return ask, compare(model, answer, rows.astype(np.float64), ask(rows))


def compare(model: Any, answer: str, rows: Floats, found: list[Floats]) -> float:
    """How far the numbers are from scikit-learn's; an error if they are too far, or a choice is another."""
    if len(found) == 2 and (found[0] != model.predict(rows)).any():
        raise ValueError("chooses another class or cluster than scikit-learn")
    expected = getattr(model, answer)(rows)
    # Of two classes, one decision is the other's with the sign turned.
    numbers = found[-1][:, -1] if answer == "decision_function" else found[-1].reshape(expected.shape)
    error = float((np.abs(numbers - expected) / np.maximum(1, np.abs(expected))).max())
    if not error <= TOLERANCE:
        raise ValueError(f"off by {error:.0e}")
    return error


def turn(ask: Callable[[Floats], Any], rows: Floats) -> Turn:
    """Asks all rows in batches, one after the other and over and over, and counts the time of the processor."""

    def run(batch: int) -> float:
        count = -(-len(rows) // batch)
        batches = cycle(np.split(np.resize(rows, (count * batch, rows.shape[1])), count))
        times = []
        for _ in range(REPEATS):
            calls, began, since = 0, time.perf_counter_ns(), time.process_time_ns()
            while time.perf_counter_ns() - began < REPEAT_NANOS:
                ask(next(batches))
                calls += 1
            times.append((time.process_time_ns() - since) / (calls * batch))
        return float(np.median(times))

    return run


def measure(turns: list[Turn | None], batch: int, rounds: int) -> Floats:
    """Nanoseconds per row: ways x rounds. All take turns in each round; NaN where there is no way."""
    return np.array([[way(batch) if way else np.nan for way in turns] for _ in range(rounds)]).T


def line(times: Floats) -> str:
    """The time of ours; of each other, its time and how many times ours it is."""
    cells = [spread(times[0])]
    for theirs in times[1:]:
        cells += ["-", ""] if np.isnan(theirs).all() else [spread(theirs), spread(theirs / times[0])]
    return " | ".join(cells)


def spread(values: Floats) -> str:
    """The median, and the middle half in brackets."""
    low, median, high = (number(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))
    return f"{median} ({low}-{high})"


if __name__ == "__main__":
    main()
