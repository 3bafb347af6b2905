"""A server that answers as a test wants it to: for what the true one does not do on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from linfa_serve.pb import predict_pb2 as pb
from linfa_serve.pb import predict_pb2_grpc


@dataclass
class Fake(predict_pb2_grpc.PredictServiceServicer):
    """Answers the sum of each row, after as many refusals as are left."""

    refusals: list[tuple[grpc.StatusCode, float | None]] = field(default_factory=list)
    """Codes and delays (RetryInfo, in seconds) with which the next calls are refused."""
    on_message: Callable[[int], None] = lambda count: None
    """Called with the number of each message of a stream."""
    calls: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    address: str = ""

    def Predict(self, request: pb.PredictRequest, context: Any) -> pb.PredictResponse:  # noqa: N802
        self.calls += 1
        self.metadata = dict(context.invocation_metadata())
        if self.refusals:
            refuse(context, *self.refusals.pop(0))
        return answer(request)

    def PredictStream(self, requests: Any, context: Any) -> Iterator[pb.PredictResponse]:  # noqa: N802
        for count, request in enumerate(requests, start=1):
            self.on_message(count)
            if not self.refusals:
                yield answer(request)
                continue
            refuse(context, *self.refusals.pop(0))


def answer(request: pb.PredictRequest) -> pb.PredictResponse:
    matrix = request.matrix
    values = np.frombuffer(matrix.f64_le) if matrix.f64_le else np.array(matrix.values)
    sums = values.reshape(-1, matrix.columns).sum(axis=1)
    regression = pb.Regression(values=sums.tolist(), targets=["sum"])
    return pb.PredictResponse(model=pb.ModelRef(name="sums", version=1), regression=regression)


def duration(seconds: float) -> Duration:
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def refuse(context: Any, code: grpc.StatusCode, delay: float | None) -> None:
    """End the call with a status, as the true server packs its details."""
    details = []
    if delay is not None:
        info = error_details_pb2.RetryInfo(retry_delay=duration(delay))
        details.append(AnyMessage())
        details[0].Pack(info)
    status = status_pb2.Status(code=code.value[0], message="not now", details=details)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, "not now")


@contextmanager
def serving(fake: Fake, address: str = "127.0.0.1:0") -> Iterator[Fake]:
    """Serve the fake at a port that is free."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    predict_pb2_grpc.add_PredictServiceServicer_to_server(fake, server)  # type: ignore[no-untyped-call, unused-ignore]
    host = address.rpartition(":")[0]
    fake.address = f"{host}:{server.add_insecure_port(address)}"
    server.start()
    try:
        yield fake
    finally:
        server.stop(None).wait()
