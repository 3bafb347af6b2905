"""What a call costs over the bare generated stub, in one interleaved run. Prints a line per batch size.

    python benches/overhead.py ADDRESS KEY_FILE [ROUNDS]

Asks the model `iris` of the server at ADDRESS. The stub is used as a caller would: it packs the array into a message,
and reads labels and probabilities into arrays. Both take turns, call by call; the median of each counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import grpc
import numpy as np
import numpy.typing as npt

from linfa_serve import ApiKey, Client
from linfa_serve.pb import predict_pb2 as pb
from linfa_serve.pb import predict_pb2_grpc

Floats = npt.NDArray[np.float64]


def main(address: str, key_file: str, rounds: int) -> None:
    """Measure both at each batch size."""
    key = ApiKey.file(key_file)
    with Client(address, key) as client, grpc.insecure_channel(address) as channel:
        stub = predict_pb2_grpc.PredictServiceStub(channel)

        def bare(rows: Floats) -> object:
            matrix = pb.Matrix(columns=rows.shape[1], f64_le=rows.tobytes())
            response = stub.Predict(pb.PredictRequest(model="iris", matrix=matrix), timeout=10, metadata=key.metadata)
            answer = response.classification
            return list(answer.labels), np.array(answer.probabilities)

        def ours(rows: Floats) -> object:
            return client.predict("iris", rows)

        for batch in (1, 1000):
            rows = np.random.default_rng(0).uniform(0, 7, (batch, 4))
            times = interleaved([bare, ours], rows, rounds)
            medians, spreads = np.median(times, axis=1) * 1e6, np.quantile(times, [0.25, 0.75], axis=1).T * 1e6
            print(
                f"batch {batch:4}: stub {medians[0]:6.0f} us ({spreads[0][0]:.0f} to {spreads[0][1]:.0f}), "
                f"client {medians[1]:6.0f} us ({spreads[1][0]:.0f} to {spreads[1][1]:.0f}), "
                f"ratio {medians[1] / medians[0]:.2f}"
            )


def interleaved(ways: list[Callable[[Floats], object]], rows: Floats, rounds: int) -> Floats:
    """Seconds of each call: ways x rounds."""
    times = np.empty((len(ways), rounds))
    for index in range(-rounds // 10, rounds):
        for way, ask in enumerate(ways):
            began = time.perf_counter()
            ask(rows)
            # The first tenth only warms up.
            times[way, max(index, 0)] = time.perf_counter() - began
    return times


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 2000)
