"""Both clients against a server that does what a test wants: retries, deadlines, addresses, streams."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from fake import Fake, serving

import linfa_serve as ls
from linfa_serve.channel import target

UNAVAILABLE, EXHAUSTED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED
KEY = "lsk_test"
ROWS = np.arange(20.0).reshape(10, 2)
QUICK = ls.Retry(first=0.001, longest=0.002)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(Fake()) as fake:
        yield fake


def ask(fake: Fake, is_async: bool, **settings: Any) -> ls.Regression:
    """One call by one of the two clients."""

    async def asked() -> ls.Regression:
        async with ls.AsyncClient(fake.address, KEY, **settings) as client:
            return await client.predict("sums", ROWS, expect=ls.Regression)

    if is_async:
        return asyncio.run(asked())
    with ls.Client(fake.address, KEY, **settings) as client:
        return client.predict("sums", ROWS, expect=ls.Regression)


both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@both
def test_a_call_carries_the_key_and_the_deadline_and_is_answered(fake: Fake, is_async: bool) -> None:
    np.testing.assert_array_equal(ask(fake, is_async).values[:, 0], ROWS.sum(axis=1))
    assert fake.metadata["authorization"] == f"Bearer {KEY}"


@both
def test_what_is_refused_for_now_is_tried_again_after_the_delay_that_the_server_asks_for(
    fake: Fake, is_async: bool
) -> None:
    fake.refusals = [(UNAVAILABLE, None), (UNAVAILABLE, 0.05), (EXHAUSTED, 0.05)]
    began = time.monotonic()
    assert ask(fake, is_async, retry=QUICK).model.name == "sums"
    assert fake.calls == 4
    assert time.monotonic() - began >= 0.1


@both
def test_without_retries_the_first_refusal_is_the_answer(fake: Fake, is_async: bool) -> None:
    fake.refusals = [(UNAVAILABLE, 0.25)]
    with pytest.raises(ls.UnavailableError, match="not now") as refused:
        ask(fake, is_async, retry=None)
    assert refused.value.retry_after == 0.25


@both
@pytest.mark.parametrize(
    ("code", "delay"),
    [(EXHAUSTED, None), (grpc.StatusCode.INTERNAL, 0.01), (grpc.StatusCode.INVALID_ARGUMENT, None)],
    ids=["too large", "internal", "invalid"],
)
def test_what_would_be_refused_again_is_not_tried_again(
    fake: Fake, is_async: bool, code: grpc.StatusCode, delay: float | None
) -> None:
    fake.refusals = [(code, delay)]
    with pytest.raises(ls.ServerError) as refused:
        ask(fake, is_async, retry=QUICK)
    assert (refused.value.code, fake.calls) == (code, 1)


@both
def test_a_pause_that_would_outlast_the_deadline_is_not_begun(fake: Fake, is_async: bool) -> None:
    fake.refusals = [(UNAVAILABLE, 30.0)]
    began = time.monotonic()
    with pytest.raises(ls.UnavailableError):
        ask(fake, is_async, timeout=20.0)
    assert time.monotonic() - began < 10


@both
def test_a_server_that_never_answers_is_given_up_at_the_deadline(is_async: bool) -> None:
    # The kernel accepts the connection; nobody ever reads from it.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fake = Fake(address=f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises((ls.DeadlineError, ls.UnavailableError)):
            ask(fake, is_async, timeout=0.2)


def test_a_server_that_is_not_there_yet_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
    began = threading.Event()
    with ls.Client(address, KEY) as client:

        def call() -> None:
            began.set()
            client.predict("sums", ROWS)

        asked = threading.Thread(target=call)
        asked.start()
        began.wait()
        with serving(Fake(), address) as fake:
            asked.join()
            assert fake.calls == 1


def test_calls_are_spread_over_all_addresses() -> None:
    with serving(Fake()) as one, serving(Fake()) as other, ls.Client([one.address, other.address], KEY) as client:
        end = time.monotonic() + 30
        while not (one.calls and other.calls):
            client.predict("sums", ROWS)
            assert time.monotonic() < end
        before = one.calls, other.calls
        for _ in range(20):
            client.predict("sums", ROWS)
        assert (one.calls, other.calls) == (before[0] + 10, before[1] + 10)


@pytest.mark.parametrize(
    ("address", "uri", "tls"),
    [
        ("localhost:50051", "dns:///localhost:50051", False),
        ("http://10.0.0.1:80/", "dns:///10.0.0.1:80", False),
        ("https://models.example:443", "dns:///models.example:443", True),
        ("[::1]:50051", "dns:///[::1]:50051", False),
        (["10.0.0.1:1", "10.0.0.2:2"], "ipv4:10.0.0.1:1,10.0.0.2:2", False),
        (["https://[::1]:1", "https://[::2]:2"], "ipv6:[::1]:1,[::2]:2", True),
    ],
)
def test_an_address_is_read_as_grpc_writes_it(address: Any, uri: str, tls: bool) -> None:
    read = target(address)
    assert (read.uri, read.tls) == (uri, tls)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("localhost", "`localhost` is no address of a server; `127.0.0.1:50051` would be one"),
        ("ftp://localhost:1", "is no address"),
        ("localhost:0", "is no address"),
        ("localhost:65536", "is no address"),
        ("a/b:1", "is no address"),
        ("", "is no address"),
        ([], "no address"),
        (["a.example:1", "b.example:2"], "`a.example` is a name; several addresses are given by number"),
        (["10.0.0.1:1", "[::1]:1"], "over IPv4 or over IPv6"),
        (["https://10.0.0.1:1", "10.0.0.2:1"], "some addresses begin with https://"),
    ],
)
def test_an_address_that_is_none_is_refused(address: Any, message: str) -> None:
    with pytest.raises(ls.ConfigError, match=message):
        ls.Client(address, KEY)


def test_a_key_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    key = ls.ApiKey.file(file)
    assert key.metadata == (("authorization", f"Bearer {KEY}"),)
    assert KEY not in repr(key)
    with pytest.raises(ls.ConfigError, match=r"cannot read the API key: .*nowhere"):
        ls.ApiKey.file(tmp_path / "nowhere")


@pytest.mark.parametrize("key", ["", "two words", "line\n", "clé"])
def test_a_text_that_is_no_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ls.ConfigError, match=r"^the API key is empty or has characters that no key has$"):
        ls.Client("127.0.0.1:1", key)


def test_a_setting_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ls.ConfigError, match="expected a timeout above 0 seconds, got -1"):
        ls.Client("127.0.0.1:1", KEY, timeout=-1)
    with pytest.raises(ls.ConfigError, match="expected 0 < first <= longest"):
        ls.Retry(first=0)
    with pytest.raises(ls.ConfigError, match="root certificates are for addresses that begin with https"):
        ls.Client("127.0.0.1:1", KEY, root_certificates=b"")


def test_an_answer_of_another_kind_than_was_expected_is_refused(fake: Fake) -> None:
    message = "model `sums` answers by regression, expected classification"
    with ls.Client(fake.address, KEY) as client, pytest.raises(ls.AnswerError, match=message):
        client.predict("sums", ROWS, expect=ls.Classification)


def stream(fake: Fake, is_async: bool, rows: Any, **settings: Any) -> list[ls.Regression]:
    """All answers of a stream, by one of the two clients."""

    async def streamed() -> list[ls.Regression]:
        async with ls.AsyncClient(fake.address, KEY) as client:
            return [answer async for answer in client.predict_stream("sums", rows, expect=ls.Regression, **settings)]

    if is_async:
        return asyncio.run(streamed())
    with ls.Client(fake.address, KEY) as client:
        return list(client.predict_stream("sums", rows, expect=ls.Regression, **settings))


@both
def test_a_stream_is_answered_chunk_by_chunk_in_order(fake: Fake, is_async: bool) -> None:
    answers = stream(fake, is_async, ROWS, chunk_rows=3)
    assert [len(answer) for answer in answers] == [3, 3, 3, 1]
    np.testing.assert_array_equal(ls.concatenate(answers).values[:, 0], ROWS.sum(axis=1))


@both
def test_a_stream_shows_its_progress_in_rows(fake: Fake, is_async: bool, capsys: pytest.CaptureFixture[str]) -> None:
    stream(fake, is_async, ROWS, chunk_rows=4, progress=True)
    assert "10.0/10.0" in capsys.readouterr().err


@both
def test_of_a_stream_no_more_chunks_are_made_than_are_under_way(fake: Fake, is_async: bool) -> None:
    made = 0

    def chunks() -> Iterator[Any]:
        nonlocal made
        for _ in range(100):
            made += 1
            yield ROWS

    def look(count: int) -> None:
        # The message that the server has, and those that may be on their way.
        assert made <= count - 1 + 4

    fake.on_message = look
    assert len(stream(fake, is_async, chunks(), chunk_rows=10)) == 100


@both
def test_a_message_that_is_refused_ends_the_stream_after_the_answers_before_it(fake: Fake, is_async: bool) -> None:
    def refuse_third(count: int) -> None:
        if count == 3:
            fake.refusals = [(grpc.StatusCode.INVALID_ARGUMENT, None)]

    fake.on_message = refuse_third
    with pytest.raises(ls.InvalidInputError, match="not now"):
        stream(fake, is_async, ROWS, chunk_rows=1)


@both
def test_rows_of_a_stream_that_cannot_be_sent_end_it_with_what_is_wrong(fake: Fake, is_async: bool) -> None:
    with pytest.raises(ls.InputError, match="row 0, value 0: expected a number, got a str"):
        stream(fake, is_async, iter([ROWS, [["x", 1.0]]]))


def test_a_stream_that_is_left_early_ends_there(fake: Fake) -> None:
    made = 0

    def chunks() -> Iterator[Any]:
        nonlocal made
        while True:
            made += 1
            yield ROWS

    with ls.Client(fake.address, KEY) as client:
        answers = client.predict_stream("sums", chunks())
        next(answers)
        answers.close()
        assert made <= 6


def test_answers_that_do_not_fit_together_are_not_put_together() -> None:
    model = ls.ModelRef("m", 1, "sha256:0")
    one = ls.Regression(model, np.zeros((1, 1)), ("a",))
    other = ls.Regression(model, np.zeros((1, 1)), ("b",))
    near = ls.Clustering(model, np.zeros(1, dtype=np.uint32), np.zeros((1, 2)))
    likely = ls.Clustering(model, np.zeros(1, dtype=np.uint32), None, np.zeros((1, 2)))
    wide = ls.Clustering(model, np.zeros(1, dtype=np.uint32), np.zeros((1, 3)))
    for parts in ([one, other], [near, likely], [likely, near], [near, wide]):
        with pytest.raises(ls.AnswerError, match="do not fit together"):
            ls.concatenate(parts)
    with pytest.raises(ls.AnswerError, match="expected at least one answer"):
        ls.concatenate([])
