"""The twenty cases of the repository's `tests/contract`, by the public calls of the client alone."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import linfa_serve as ls

KINDS: dict[str, type[ls.Answer]] = {
    "classification": ls.Classification,
    "clustering": ls.Clustering,
    "regression": ls.Regression,
    "transformation": ls.Transformation,
}
ERRORS: dict[str, type[ls.ServerError]] = {
    "DEADLINE_EXCEEDED": ls.DeadlineError,
    "FAILED_PRECONDITION": ls.NotServedError,
    "INVALID_ARGUMENT": ls.InvalidInputError,
    "NOT_FOUND": ls.NotFoundError,
    "OUT_OF_RANGE": ls.OutOfRangeError,
    "PERMISSION_DENIED": ls.ForbiddenError,
    "RESOURCE_EXHAUSTED": ls.OverloadedError,
    "UNAUTHENTICATED": ls.UnauthenticatedError,
    "UNAVAILABLE": ls.UnavailableError,
}
Floats = npt.NDArray[np.float64]
JSON = dict[str, Any]


class Suite:
    """A server, the keys for it, and the one client that serves all cases."""

    def __init__(self) -> None:
        self.contract = json.loads(Path(os.environ["CONTRACT_CASES"]).read_text(encoding="utf-8"))
        self.tolerance = self.contract["tolerance"]
        self.keys = {
            "full": ls.ApiKey.file(os.environ["CONTRACT_KEY_FILE"]),
            "narrow": ls.ApiKey.file(os.environ["CONTRACT_NARROW_KEY_FILE"]),
            "none": ls.ApiKey("lsk_nobody_has_this_one"),
        }
        self.client = self.open()

    def open(self, key: str = "full", retry: ls.Retry | None = ls.Retry()) -> ls.Client:  # noqa: B008
        return ls.Client(os.environ["CONTRACT_SERVER"], self.keys[key], retry=retry)

    def run(self) -> bool:
        """Run every case and print a line for each; whether all hold."""
        all_hold = True
        for case in self.contract["cases"]:
            began = time.monotonic()
            try:
                self.case(case)
                verdict, why = "ok", ""
            except Exception as error:
                verdict, why = "failed", " " + re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")
                all_hold = False
            millis = round((time.monotonic() - began) * 1000)
            print(f"contract {case['name']} {verdict} {millis}{why}", flush=True)
        return all_hold

    def case(self, case: JSON) -> None:
        """Do all that the case has."""
        known = {"calls", "second_watch", "get", "list", "watch", "stream", "retry", "restart"}
        retry = ls.Retry() if case.get("retries", True) else None
        done = 0
        for call in case.get("calls", []):
            self.call(call, retry)
        for step in known & case.keys():
            done += 1
            if step != "calls":
                getattr(self, step)(case[step])
        expect(done > 0, "the case asks for nothing that is known")

    def call(self, call: JSON, retry: ls.Retry | None) -> None:
        rows = given(call["input"])
        choice = {name: call[name] for name in ("version", "label") if name in call}
        timeout = call["deadline_ms"] / 1000 if "deadline_ms" in call else None
        client = self.client
        if retry is None or "key" in call:
            client = self.open(call.get("key", "full"), retry)
        ask: Callable[[], ls.Answer] = lambda: client.predict(call["model"], rows, timeout=timeout, **choice)  # noqa: E731
        try:
            if "error" in call:
                refused(ask, call["error"])
            else:
                self.compare(ask(), call["answer"])
        finally:
            if client is not self.client:
                client.close()

    def compare(self, answer: ls.Answer, expected: JSON) -> None:
        expect(type(answer) is KINDS[expected["task"]], f"a {type(answer).__name__}")
        expect(answer.model.name == expected["model"], f"{answer.model}")
        expect(answer.model.version == expected.get("version", answer.model.version), f"{answer.model}")
        expect(answer.model.digest.startswith("sha256:"), f"{answer.model}")
        for name in ("classes", "targets", "names"):
            if hasattr(answer, name) and "names" in expected:
                expect(list(getattr(answer, name)) == expected["names"], f"{getattr(answer, name)}")
        for name in ("labels", "clusters"):
            if name in expected:
                expect(list(getattr(answer, name)) == expected[name], f"{getattr(answer, name)}")
        if "ramp" in expected:
            self.near(numbers(answer), ramp(expected["ramp"]))
        if "numbers" in expected:
            self.near(numbers(answer), np.array(expected["numbers"], dtype=np.float64))

    def near(self, found: Floats, expected: Floats) -> None:
        expect(found.size == expected.size, f"{found.shape} numbers, expected {expected.shape}")
        off = np.abs(found - expected.reshape(found.shape)) / np.maximum(1, np.abs(expected.reshape(found.shape)))
        expect(bool((off <= self.tolerance).all()), f"numbers are off by {off.max() if off.size else 0}")

    def second_watch(self, error: JSON) -> None:
        first = self.client.watch_models()
        next(first)
        with self.open(retry=None) as other:
            second = other.watch_models()
            refused(lambda: next(second), error)
        first.close()

    def get(self, expected: JSON) -> None:
        model = self.client.get_model(expected["name"])
        expect(model.default_version == expected["default_version"], f"{model}")
        expect(dict(model.labels) == expected["labels"], f"{model.labels}")
        wanted = expected["version"]
        version = next(each for each in model.versions if each.version == wanted["version"])
        expect(version.state.name == wanted["state"], f"{version.state}")
        expect(version.digest.startswith(wanted["digest"]), version.digest)
        signature = version.signature
        expect(signature is not None, "no signature")
        if signature is not None:
            expect(signature.task == wanted["task"], signature.task)
            expect(list(signature.outputs) == wanted["outputs"], f"{signature.outputs}")
            expect(list(signature.steps) == wanted["steps"], f"{signature.steps}")
            for feature, want in zip(signature.inputs, wanted["inputs"], strict=True):
                expect(
                    (feature.name, feature.min, feature.max) == (want["name"], want["min"], want["max"]), f"{feature}"
                )
                expect(abs(feature.mean - want["mean"]) <= self.tolerance, f"{feature}")

    def list(self, expected: list[JSON]) -> None:
        models = self.client.list_models().models
        for want in expected:
            model = models[want["name"]]
            expect(model.default_version == want["default_version"], f"{model}")
            for version, wanted in zip(model.versions, want["versions"], strict=True):
                found = (version.version, version.state.name)
                expect(found == (wanted["version"], wanted["state"]), f"{model.name}: {found}")
                if "check" in wanted:
                    expect(version.refusal is not None and version.refusal.check == wanted["check"], f"{version}")

    def watch(self, asked: JSON) -> None:
        name, end = asked["model"], time.monotonic() + asked["within_ms"] / 1000
        watch = self.client.watch_models()
        expect(len(next(watch).models) > 1, "the first message has not every model")
        dropped = int(do("drop", name))
        for change in watch:
            expect(time.monotonic() < end, f"{name}/{dropped} does not serve in time")
            model = change.models.get(name)
            serving = {each.version for each in model.versions if each.state is ls.State.SERVING} if model else set()
            if model is not None and model.default_version == dropped and dropped in serving:
                break
        watch.close()

    def stream(self, asked: JSON) -> None:
        rule, chunk = asked["ramp"], asked["chunk"]
        want = asked["answer"]

        def part(rule: JSON, start: int) -> Floats:
            return ramp({**rule, "rows": chunk, "from": rule["from"] + start * rule["down"]})

        rows = (part(rule, start) for start in range(0, rule["rows"], chunk))
        before, answered = memory(), 0
        for answer in self.client.predict_stream(asked["model"], rows, chunk_rows=chunk):
            # Chunk by chunk, so that what is compared does not add up either.
            self.compare(answer, {key: value for key, value in want.items() if key != "ramp"})
            self.near(numbers(answer), part(want["ramp"], answered))
            answered += len(answer)
        expect(answered == rule["rows"], f"{answered} rows were answered")
        grown = (memory() - before) / 2**20
        expect(grown <= asked["memory_mib"], f"memory grew by {grown:.0f} MiB")

    def retry(self, asked: JSON) -> None:
        name, rows = asked["model"], given(asked["input"])
        held, end = int(do("hold", name)), time.monotonic() + asked["within_ms"] / 1000
        with self.open(retry=None) as once:
            while True:
                try:
                    refused(lambda: once.predict(name, rows, version=held), asked["error"])
                    break
                except AssertionError:
                    expect(time.monotonic() < end, f"{name}/{held} is not pending in time")
        release = threading.Thread(target=do, args=("release", name))
        release.start()
        answer = self.client.predict(name, rows, version=held, timeout=asked["within_ms"] / 1000)
        release.join()
        self.compare(answer, asked["answer"])

    def restart(self, asked: JSON) -> None:
        for again in (False, True):
            if again:
                do("restart")
            self.compare(self.client.predict(asked["model"], given(asked["input"])), asked["answer"])


def given(asked: JSON) -> Any:
    """The rows of a case as a caller of Python would have them."""
    if "columns" in asked:
        return {column["name"]: column["values"] for column in asked["columns"]}
    array = ramp(asked["ramp"]) if "ramp" in asked else np.array(asked["rows"], dtype=np.float64)
    return {"values": array.tolist, "f32": lambda: array.astype(np.float32), "f64": lambda: array}[asked["as"]]()


def ramp(rule: JSON) -> Floats:
    """Numbers by a rule; see the contract's README."""
    down = np.arange(rule["rows"], dtype=np.float64)[:, None] * rule["down"]
    values: Floats = rule["from"] + down + np.arange(rule["width"], dtype=np.float64) * rule["along"]
    return values


def numbers(answer: ls.Answer) -> Floats:
    """Whatever numbers the answer has, rows x something."""
    match answer:
        case ls.Classification(probabilities=None):
            return np.empty(0)
        case ls.Classification():
            return answer.probabilities if answer.probabilities is not None else np.empty(0)
        case ls.Clustering():
            return answer.distances if answer.distances is not None else np.empty(0)
        case ls.Regression() | ls.Transformation():
            return answer.values
    raise AssertionError(answer)


def refused(ask: Callable[[], Any], error: JSON) -> None:
    """Ask, and compare the refusal with what the contract says of it."""
    try:
        answer = ask()
    except ls.ServerError as refusal:
        details = refusal.details
        expect(type(refusal) is ERRORS[error["code"]], f"{type(refusal).__name__}: {refusal}")
        found: JSON = {
            "code": refusal.code.name,
            "field": details.violations[0].field if details.violations else None,
            "reason": details.violations[0].reason or details.reason if details.violations else None,
            "row": refusal.row,
            "column": refusal.column,
            "expected": details.metadata.get("expected"),
            "got": details.metadata.get("got"),
            "resource": details.resource and {"type": details.resource.kind, "name": details.resource.name},
            "precondition": details.preconditions
            and {"type": details.preconditions[0].check, "subject": details.preconditions[0].subject},
            "retry": refusal.retry_after is not None,
        }
        for name, value in error.items():
            expect(found[name] == value, f"{name}: expected {value}, got {found[name]} ({refusal})")
    else:
        raise AssertionError(f"expected {error['code']}, got {answer}")


def do(*command: str) -> str:
    """Change what the server runs on."""
    program = os.environ["CONTRACT_DO"]
    return subprocess.run([program, *command], check=True, capture_output=True, text=True).stdout.strip()


def memory() -> int:
    """The bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def expect(holds: bool, otherwise: str) -> None:
    """Assert, also where Python is told to leave assertions out."""
    if not holds:
        raise AssertionError(otherwise)


if __name__ == "__main__":
    sys.exit(0 if Suite().run() else 1)
