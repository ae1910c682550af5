"""A real server on a free port, in a thread, for the time of a test."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gtm.engines.base import Engine
from gtm.serve.app import build_app
from gtm.serve.options import ServeOptions
from gtm.simulator.config import Config
from gtm.simulator.simulator import Simulator
from gtm.tools.load import load_toolset
from gtm.types import Toolset


def _simulator(
    source: Toolset | Path | dict[str, Any], engine: str | Engine = "scripted", **config: Any
) -> Simulator:
    """A simulator without a cache on disk."""
    toolset = source if isinstance(source, Toolset) else load_toolset(source)
    return Simulator(toolset, model=engine, config=Config.parse(config), cache=False)


class _Thread:
    """A server that runs until `close`."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        self._thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + 10
        while not server.started and time.monotonic() < until:
            time.sleep(0.005)
        assert server.started

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()


@pytest.fixture
def serving() -> Iterator[Callable[..., str]]:
    """`serving(simulators, **options)` -> the server's URL."""
    running: list[_Thread] = []

    def start(*simulators: Simulator, **options: Any) -> str:
        app = build_app(simulators, options=ServeOptions(**options))
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        running.append(_Thread(uvicorn.Server(config), listener))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for thread in running:
        thread.close()


@pytest.fixture
def simulator() -> Callable[..., Simulator]:
    """`simulator(source, engine="scripted", **config)` -> a simulator without a cache on disk."""
    return _simulator
