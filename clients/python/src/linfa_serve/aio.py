"""The client for asyncio: the same calls as `Client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, overload

import grpc
import grpc.aio

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


class AsyncClient:
    """A client of one server, or of several that serve alike, for one event loop.

    Arguments and errors are those of `Client`. Use it in an `async with` statement, inside of the loop.
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
        self._channel: grpc.aio.Channel = self._settings.channel(grpc.aio.insecure_channel, grpc.aio.secure_channel)
        self._predict = predict_pb2_grpc.PredictServiceStub(self._channel)
        self._models = model_pb2_grpc.ModelServiceStub(self._channel)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls that are under way end."""
        await self._channel.close()

    @overload
    async def predict(
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
    async def predict(
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

    async def predict(
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
        """Predict every row; see `Client.predict`."""
        request = calls.request(model, version, label)
        calls.checked(rows, signature).put(request)
        response: predict_pb2.PredictResponse = await self._call(self._predict.Predict, request, timeout)
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
    ) -> AsyncGenerator[Answer, None]: ...

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
    ) -> AsyncGenerator[A, None]: ...

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
    ) -> AsyncGenerator[Answer, None]:
        """Predict more rows than fit into one message; see `Client.predict_stream`."""
        request = calls.request(model, version, label)
        chunks = calls.Chunks.of(rows, chunk_rows, signature)
        return self._stream(request, chunks.parts, calls.progress(progress, chunks.rows), expect, timeout)

    async def _stream(
        self,
        request: predict_pb2.PredictRequest,
        parts: Iterator[Matrix | Frame],
        bar: Any,
        expect: type[A],
        timeout: float | None,
    ) -> AsyncGenerator[A, None]:
        room = asyncio.Semaphore(WINDOW)
        refused: list[Exception] = []

        async def requests() -> AsyncIterator[predict_pb2.PredictRequest]:
            while True:
                await room.acquire()
                try:
                    part = next(parts, None)
                except Exception as error:
                    refused.append(error)
                    call.cancel()
                    raise
                if part is None:
                    return
                yield calls.filled(request, part)

        call = self._predict.PredictStream(requests(), timeout=timeout, metadata=self._settings.key.metadata)
        try:
            async for response in call:
                answer = answers.read(response, expect)
                room.release()
                if bar is not None:
                    bar.update(len(answer))
                yield answer
        except grpc.aio.AioRpcError as failure:
            raise (refused[0] if refused else calls.error(failure)) from None
        except asyncio.CancelledError:
            if refused:
                raise refused[0] from None
            raise
        finally:
            call.cancel()
            if bar is not None:
                bar.close()

    async def list_models(self, *, timeout: float | None = None) -> Models:
        """List every model; see `Client.list_models`."""
        return models.models(await self._call(self._models.ListModels, model_pb2.ListModelsRequest(), timeout))

    async def get_model(self, name: str, *, timeout: float | None = None) -> Model:
        """Tell all about one model; see `Client.get_model`."""
        response = await self._call(self._models.GetModel, model_pb2.GetModelRequest(name=name), timeout)
        return models.model(response.model)

    def watch_models(self) -> AsyncGenerator[Change, None]:
        """Wait for what changes; see `Client.watch_models`."""
        return self._watch(None)

    async def _watch(self, timeout: float | None) -> AsyncGenerator[Change, None]:
        request, metadata = model_pb2.WatchModelsRequest(), self._settings.key.metadata
        call = self._models.WatchModels(request, timeout=timeout, metadata=metadata)
        try:
            async for response in call:
                yield models.change(response)
            raise AnswerError("the watch ended without a reason")
        except grpc.aio.AioRpcError as failure:
            raise calls.error(failure) from None
        finally:
            call.cancel()

    async def wait_for(self, model: str, version: int, *, timeout: float = 60.0) -> Version:
        """Wait until that version serves; see `Client.wait_for`."""
        attempts = self._settings.attempts(timeout)
        while True:
            try:
                async for change in self._watch(attempts.remaining):
                    found = models.serving(change, model, version)
                    if found is not None:
                        return found
            except ServerError as failure:
                error = failure
            await asyncio.sleep(attempts.pause(error))

    async def _call(self, stub: Callable[..., Any], request: Any, timeout: float | None) -> Any:
        attempts = self._settings.attempts(timeout)
        while True:
            try:
                return await stub(request, timeout=attempts.remaining, metadata=self._settings.key.metadata)
            except grpc.aio.AioRpcError as failure:
                error = calls.error(failure)
            await asyncio.sleep(attempts.pause(error))
