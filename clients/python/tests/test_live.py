"""Both clients against the true server, and what the README and the examples say."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY, Up

from linfa_serve import AsyncClient, Classification, Client, NotFoundError, RefusedError, State

PACKAGE = Path(__file__).parents[1]
SPECIES = ("setosa", "versicolor", "virginica")
FLOWER = [[5.1, 3.5, 1.4, 0.2]]


def test_models_are_listed_got_and_watched(client: Client) -> None:
    model = client.list_models().models["iris"]
    assert model.versions[0].state is State.SERVING
    got = client.get_model("iris")
    signature = got.versions[0].signature
    assert signature is not None
    assert signature.outputs == SPECIES
    watch = client.watch_models()
    assert "iris" in next(watch).models
    watch.close()
    with pytest.raises(NotFoundError) as refused:
        client.get_model("nobody")
    assert refused.value.resource is not None
    assert refused.value.resource.name == "nobody"


def test_an_answer_becomes_a_frame(client: Client) -> None:
    frame = client.predict("iris", FLOWER).to_pandas()
    assert list(frame.columns) == [
        "label",
        *(f"probability_{name}" for name in SPECIES),
    ]
    assert frame["label"][0] == "setosa"


def test_all_calls_can_be_awaited(up: Up) -> None:
    async def calls() -> None:
        async with AsyncClient(up.address, up.key) as client:
            assert (await client.wait_for("iris", 1)).state is State.SERVING
            asked = [client.predict("iris", FLOWER, expect=Classification) for _ in range(20)]
            assert {answer.labels[0] for answer in await asyncio.gather(*asked)} == {"setosa"}
            assert "iris" in (await client.list_models()).models
            assert (await client.get_model("iris")).default_version == 1
            rows = np.repeat(FLOWER, 1000, axis=0)
            streamed = [len(answer) async for answer in client.predict_stream("iris", rows, chunk_rows=300)]
            assert streamed == [300, 300, 300, 100]
            watch = client.watch_models()
            assert "iris" in (await anext(watch)).models
            await watch.aclose()

    asyncio.run(calls())


def test_a_version_that_is_refused_is_not_waited_for(up: Up, client: Client) -> None:
    broken = up.models / "broken" / "1"
    shutil.copytree(REPOSITORY / "models" / "iris" / "1", broken)
    (broken / "surplus.txt").touch()
    with pytest.raises(RefusedError, match=r"broken/1 was refused by the check `layout`: .*surplus.txt") as refused:
        client.wait_for("broken", 1)
    assert refused.value.check == "layout"


def test_the_first_example_of_the_readme_runs(up: Up) -> None:
    code = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    for said, true in [
        ("127.0.0.1:50051", up.address),
        ("secrets/client_api_key", str(up.folder / "data" / "client_api_key")),
        ('"models"', repr(str(up.models))),
    ]:
        assert code.count(said) == 1
        code = code.replace(said, true)
    assert "['0' '0' '0'] 1" in run("-c", code)


def test_the_example_runs(up: Up) -> None:
    key = up.folder / "data" / "client_api_key"
    said = run(PACKAGE / "examples" / "passengers.py", up.address, key, up.models)
    assert "same labels: 1.0" in said
    assert "frame.columns[fare]: this column is missing" in said


def run(*arguments: str | Path) -> str:
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
