"""A running stack (`linfactl up`) for all tests. Nothing is skipped: a missing program is a failure."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from linfa_serve import ApiKey, Client

REPOSITORY = Path(__file__).parents[3]
LINFACTL = Path(os.environ.get("LINFACTL", REPOSITORY / "target" / "debug" / "linfactl"))
PATIENCE = 60.0


@dataclass
class Up:
    """`linfactl up` on folders of its own."""

    folder: Path
    listen: str = "127.0.0.1:0"
    address: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def key(self) -> ApiKey:
        return ApiKey.file(self.folder / "data" / "client_api_key")

    def start(self) -> None:
        self.process = subprocess.Popen(
            [LINFACTL, "up", "--models", self.models, "--listen", self.listen, "--data", self.folder / "data"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        said: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(said,))
        self.reader.start()
        line = ""
        while not line.startswith("key"):
            line = said.get(timeout=PATIENCE)
            if line.startswith("listening on "):
                self.address = line.split()[2].rstrip(",")
        # The same port again after a restart.
        self.listen = self.address

    def _read(self, said: queue.Queue[str]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                said.put(line)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        self.reader.join()

    def client(self) -> Client:
        return Client(self.address, self.key)


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    assert LINFACTL.exists(), f"{LINFACTL} is missing; cargo build -p linfactl makes it"
    up = Up(tmp_path_factory.mktemp("up"))
    shutil.copytree(REPOSITORY / "models" / "iris" / "1", up.models / "iris" / "1")
    up.start()
    try:
        with up.client() as client:
            client.wait_for("iris", 1)
        yield up
    finally:
        up.stop()


@pytest.fixture(scope="session")
def client(up: Up) -> Iterator[Client]:
    with up.client() as client:
        yield client
