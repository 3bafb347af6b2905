"""The client for programs without an event loop. Threads may share one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, overload

import grpc

from . import answers, calls, models
from .answers import A, Answer
from .calls import CHUNK_ROWS, TIMEOUT, WINDOW, Settings
from .errors import AnswerError, ServerError
from .pb import model_pb2, model_pb2_grpc, predict_pb2, predict_pb2_grpc
from .retry import Retry

if TYPE_CHECKING:
    from types import TracebackType

    from .channel import Address, ApiKey
    from .inputs import Frame, Matrix, Rows
    from .models import Change, Model, Models, Signature, Version

R = TypeVar("R")


class Client:
    """A client of one server, or of several that serve alike.

    It connects at the first call, again by itself whenever the connection was lost, and spreads calls over all
    addresses. Close it, or use it in a `with` statement.

    Args:
        address: `HOST:PORT`, with `https://` before it for TLS; or several of `IP:PORT`.
        key: the API key; `ApiKey.file(path)` reads one.
        timeout: how long a call may take in all, in seconds, its retries included.
        retry: how calls are tried again that the server cannot answer just then; None for not at all.
        root_certificates: PEM, for TLS with an authority of your own.

    Errors:
        `ConfigError` for an address, key or number that cannot be used.

    """

    def __init__(
        self,
        address: Address,
        key: str | ApiKey,
        *,
        timeout: float = TIMEOUT,
        retry: Retry | None = Retry(),  # noqa: B008 - it is immutable
        root_certificates: bytes | None = None,
    ) -> None:
        self._settings = Settings.of(address, key, timeout=timeout, retry=retry, root_certificates=root_certificates)
        self._channel: grpc.Channel = self._settings.channel(grpc.insecure_channel, grpc.secure_channel)
        self._predict = predict_pb2_grpc.PredictServiceStub(self._channel)
        self._models = model_pb2_grpc.ModelServiceStub(self._channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that are under way end with `ServerError`."""
        self._channel.close()

    @overload
    def predict(
        self,
        model: str,
        rows: Rows,
        *,
        version: int | None = ...,
        label: str | None = ...,
        signature: Signature | None = ...,
        timeout: float | None = ...,
    ) -> Answer: ...

    @overload
    def predict(
        self,
        model: str,
        rows: Rows,
        *,
        expect: type[A],
        version: int | None = ...,
        label: str | None = ...,
        signature: Signature | None = ...,
        timeout: float | None = ...,
    ) -> A: ...

    def predict(
        self,
        model: str,
        rows: Rows,
        *,
        expect: type[Answer] = Answer,
        version: int | None = None,
        label: str | None = None,
        signature: Signature | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Predict every row.

        Args:
            model: its name; empty for the only one that is served.
            rows: an array or a list of rows (rows x features, in the model's order), or a frame or a mapping of
                columns (by name, in any order; texts for features that are texts).
            expect: the kind of answer, such as `Classification`; for type checkers, and refused if it is another.
            version: this version instead of the policy's.
            label: the version of this label instead.
            signature: what the model takes, as `get_model` tells it: columns are then compared before anything is
                sent.
            timeout: seconds for this call, instead of the client's.

        Errors:
            `InputError` if the rows cannot be sent, and before anything is; `InvalidInputError` if they do not fit
            the model; another `ServerError` by status; `AnswerError` if the answer is not what was expected.

        """
        request = calls.request(model, version, label)
        calls.checked(rows, signature).put(request)
        response = self._call(self._predict.Predict, request, timeout)
        return answers.read(response, expect)

    @overload
    def predict_stream(
        self,
        model: str,
        rows: Rows | Iterator[Rows],
        *,
        chunk_rows: int = ...,
        progress: bool = ...,
        version: int | None = ...,
        label: str | None = ...,
        signature: Signature | None = ...,
        timeout: float | None = ...,
    ) -> Generator[Answer, None, None]: ...

    @overload
    def predict_stream(
        self,
        model: str,
        rows: Rows | Iterator[Rows],
        *,
        expect: type[A],
        chunk_rows: int = ...,
        progress: bool = ...,
        version: int | None = ...,
        label: str | None = ...,
        signature: Signature | None = ...,
        timeout: float | None = ...,
    ) -> Generator[A, None, None]: ...

    def predict_stream(
        self,
        model: str,
        rows: Rows | Iterator[Rows],
        *,
        expect: type[Answer] = Answer,
        chunk_rows: int = CHUNK_ROWS,
        progress: bool = False,
        version: int | None = None,
        label: str | None = None,
        signature: Signature | None = None,
        timeout: float | None = None,
    ) -> Generator[Answer, None, None]:
        """Predict more rows than fit into one message: an answer per chunk, in order, as they come.

        A few chunks are under way at once, and no more are read or cut before the answers are taken, so that
        memory is bounded however many rows there are. `concatenate` makes one answer of all. Nothing is tried
        again: whoever has taken some answers knows where to go on.

        Args:
            model: its name; empty for the only one that is served.
            rows: as for `predict`, or an iterator of such.
            expect: the kind of answer.
            chunk_rows: the most rows of one message.
            progress: show a bar of the rows that were answered; needs the extra `tqdm`.
            version: this version instead of the policy's.
            label: the version of this label instead.
            signature: what the model takes, as for `predict`.
            timeout: seconds for the whole stream; without, as long as the server lets it last.

        Errors:
            As `predict`. Rows that cannot be sent are refused at once, or, of an iterator, when their turn comes.

        """
        request = calls.request(model, version, label)
        chunks = calls.Chunks.of(rows, chunk_rows, signature)
        return self._stream(request, chunks.parts, calls.progress(progress, chunks.rows), expect, timeout)

    def _stream(
        self,
        request: predict_pb2.PredictRequest,
        parts: Iterator[Matrix | Frame],
        bar: Any,
        expect: type[A],
        timeout: float | None,
    ) -> Generator[A, None, None]:
        room = threading.Semaphore(WINDOW)
        refused: list[Exception] = []
        ended = threading.Event()

        def requests() -> Iterator[predict_pb2.PredictRequest]:
            # In a thread of gRPC's. It stops there when the call has ended.
            try:
                while room.acquire() and not ended.is_set():
                    part = next(parts, None)
                    if part is None:
                        return
                    yield calls.filled(request, part)
            except Exception as error:
                refused.append(error)
                raise

        call = self._predict.PredictStream(requests(), timeout=timeout, metadata=self._settings.key.metadata)
        try:
            for response in call:
                answer = answers.read(response, expect)
                room.release()
                if bar is not None:
                    bar.update(len(answer))
                yield answer
        except grpc.RpcError as failure:
            raise (refused[0] if refused else calls.error(failure)) from None
        finally:
            ended.set()
            room.release()
            call.cancel()
            if bar is not None:
                bar.close()

    def list_models(self, *, timeout: float | None = None) -> Models:
        """List every model, with what serves, what was refused and why.

        Errors:
            `ServerError` by status.
        """
        return models.models(self._call(self._models.ListModels, model_pb2.ListModelsRequest(), timeout))

    def get_model(self, name: str, *, timeout: float | None = None) -> Model:
        """Tell all about one model.

        Errors:
            `NotFoundError` if there is none of that name; another `ServerError` by status.
        """
        response = self._call(self._models.GetModel, model_pb2.GetModelRequest(name=name), timeout)
        return models.model(response.model)

    def watch_models(self) -> Generator[Change, None, None]:
        """Wait for what changes: at first every model, then what is no longer as it was. Close it to end it.

        Errors:
            `UnavailableError` when the server stops, or the watch is as old as a connection may become; then watch
            again. Another `ServerError` by status.
        """
        return self._watch(None)

    def _watch(self, timeout: float | None) -> Generator[Change, None, None]:
        request, metadata = model_pb2.WatchModelsRequest(), self._settings.key.metadata
        call = self._models.WatchModels(request, timeout=timeout, metadata=metadata)
        try:
            for response in call:
                yield models.change(response)
            raise AnswerError("the watch ended without a reason")
        except grpc.RpcError as failure:
            raise calls.error(failure) from None
        finally:
            call.cancel()

    def wait_for(self, model: str, version: int, *, timeout: float = 60.0) -> Version:
        """Wait until that version serves.

        Errors:
            `RefusedError` if a check refuses it; `DeadlineError` after `timeout` seconds; another `ServerError` by
            status.
        """
        attempts = self._settings.attempts(timeout)
        while True:
            try:
                for change in self._watch(attempts.remaining):
                    found = models.serving(change, model, version)
                    if found is not None:
                        return found
            except ServerError as failure:
                error = failure
            time.sleep(attempts.pause(error))

    def _call(self, stub: Callable[..., R], request: Any, timeout: float | None) -> R:
        attempts = self._settings.attempts(timeout)
        while True:
            try:
                return stub(request, timeout=attempts.remaining, metadata=self._settings.key.metadata)
            except grpc.RpcError as failure:
                error = calls.error(failure)
            time.sleep(attempts.pause(error))
