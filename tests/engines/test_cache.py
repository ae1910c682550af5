import asyncio
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gtm.engines.base import Completion, Engine, Request
from gtm.engines.cache import CachedEngine, request_key
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import EngineError
from gtm.types import Json, Message


def ask(text: str = "go", seed: int = 0, schema: dict[str, Json] | None = None) -> Request:
    return Request((Message("user", text),), schema, seed=seed)


class Slow:
    """Numbers its answers, takes a while, can fail."""

    name = "slow"

    def __init__(self, seconds: float = 0.02, failures: int = 0) -> None:
        self.seconds = seconds
        self.failures = failures
        self.asked: list[str] = []
        self.cancelled = 0
        self.closed = False

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        self.asked += [request.messages[0].content for request in requests]
        number = len(self.asked)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failures:
            self.failures -= 1
            raise EngineError("down")
        return [Completion(f"{request.messages[0].content} {number}") for request in requests]

    async def aclose(self) -> None:
        self.closed = True


async def text(engine: Engine, *requests: Request) -> list[str]:
    return [completion.text for completion in await engine.generate(requests)]


async def test_the_same_request_is_generated_once() -> None:
    inner = Slow()
    cache = CachedEngine(inner, None)
    assert await text(cache, ask("a"), ask("b"), ask("a")) == ["a 1", "b 2", "a 1"]
    assert await text(cache, ask("b"), ask("a")) == ["b 2", "a 1"]
    assert inner.asked == ["a", "b"]
    assert (cache.hits, cache.misses) == (2, 2)
    await cache.aclose()
    assert inner.closed


def test_everything_that_decides_what_is_written_is_in_the_key() -> None:
    shape = {"type": "object", "properties": {"a": {}, "b": {}}}
    turned = {"type": "object", "properties": {"b": {}, "a": {}}}
    message = (Message("user", "go"),)
    keys = {
        request_key("x", ask()), request_key("y", ask()), request_key("x", ask(seed=1)),
        request_key("x", ask("\ud800")),
        request_key("x", ask(schema=shape)), request_key("x", ask(schema=turned)),
        request_key("x", Request(message, None, 5)), request_key("x", Request(message, None, stop=("a",))),
        request_key("x", Request((Message("system", "go"),), None)),
    }  # fmt: skip
    assert len(keys) == 9
    assert request_key("x", ask()) in keys


async def test_equal_requests_at_the_same_time_share_one_generation() -> None:
    inner = Slow()
    cache = CachedEngine(inner, None)
    found = await asyncio.gather(*(text(cache, ask("a")) for _ in range(20)))
    assert found == [["a 1"]] * 20
    assert (cache.hits, cache.misses) == (19, 1)


async def test_one_who_leaves_does_not_take_the_others_along() -> None:
    inner = Slow()
    cache = CachedEngine(inner, None)
    first, second = (asyncio.create_task(text(cache, ask("a"))) for _ in range(2))
    await asyncio.sleep(0.005)
    first.cancel()
    assert await second == ["a 1"]
    assert first.cancelled()
    assert inner.cancelled == 0


async def test_a_generation_that_nobody_waits_for_is_cancelled_and_not_kept() -> None:
    inner = Slow()
    cache = CachedEngine(inner, None)
    tasks = [asyncio.create_task(text(cache, ask("a"))) for _ in range(2)]
    await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0.005)
    assert inner.cancelled == 1
    assert await text(cache, ask("a")) == ["a 2"]


async def test_a_failure_is_told_to_all_who_wait_and_never_kept() -> None:
    inner = Slow(failures=1)
    cache = CachedEngine(inner, None)
    found = await asyncio.gather(*(text(cache, ask("a")) for _ in range(3)), return_exceptions=True)
    assert [str(problem) for problem in found] == ["down"] * 3
    assert await text(cache, ask("a")) == ["a 2"]


def test_event_loops_in_threads_share_a_generation() -> None:
    inner = Slow(0.1)
    cache = CachedEngine(inner, None)
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(text(cache, ask("a"))))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["a 1"]] * 4


def test_when_the_loop_that_generates_goes_away_another_takes_over() -> None:
    inner = Slow(0.2)
    cache = CachedEngine(inner, None)
    found: list[list[str]] = []

    async def leave() -> None:
        asyncio.create_task(text(cache, ask("a")))  # noqa: RUF006
        await asyncio.sleep(0.1)

    leaver = threading.Thread(target=lambda: asyncio.run(leave()))
    stayer = threading.Thread(target=lambda: found.append(asyncio.run(text(cache, ask("a")))))
    leaver.start()
    time.sleep(0.05)
    stayer.start()
    leaver.join()
    stayer.join()
    assert found == [["a 2"]]


async def test_memory_is_bounded_by_bytes() -> None:
    inner = Slow(0)
    cache = CachedEngine(inner, None, memory_bytes=5_000)
    await text(cache, *(ask(f"{i}") for i in range(50)))
    await text(cache, ask("49"))
    assert len(inner.asked) == 50
    await text(cache, ask("0"))
    assert len(inner.asked) == 51


async def test_a_file_outlives_the_process_and_shares_between_them(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cache.db"
    first, second = CachedEngine(Slow(), path), CachedEngine(Slow(), path)
    await text(first, ask("other"))
    assert await text(first, ask("a")) == await text(second, ask("a")) == ["a 2"]
    assert await text(second, ask("other")) == ["other 1"]
    await first.aclose()
    await second.aclose()
    third = CachedEngine(ScriptedEngine([], name="slow"), path)
    assert await text(third, ask("a")) == ["a 2"]
    await third.aclose()


def test_two_processes_agree(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys, pathlib\n"
        "from gtm.engines.base import Message, Request\n"
        "from gtm.engines.cache import CachedEngine\n"
        "from gtm.engines.scripted import ScriptedEngine\n"
        "cache = CachedEngine(ScriptedEngine(lambda r: os.getpid()), pathlib.Path(sys.argv[1]))\n"
        "asks = [Request((Message('user', str(i)),), {}) for i in range(200)]\n"
        "async def main():\n"
        "    print(''.join([(await cache.generate([ask]))[0].text + ',' for ask in asks]))\n"
        "    await cache.aclose()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "cache.db")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    (one, problems), (two, more) = (process.communicate(timeout=30) for process in running)
    assert one == two
    assert one.count(",") == 200
    assert problems + more == ""


async def test_text_that_utf8_cannot_hold_is_kept(tmp_path: Path) -> None:
    cache = CachedEngine(ScriptedEngine(["a\ud800b"]), tmp_path / "cache.db")
    assert await text(cache, ask()) == ["a\ud800b"]
    again = CachedEngine(ScriptedEngine([]), tmp_path / "cache.db")
    assert await text(again, ask()) == ["a\ud800b"]
    await cache.aclose()
    await again.aclose()


async def test_a_corrupt_file_is_said_once_and_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(b"not a database" * 1000)
    cache = CachedEngine(Slow(), path)
    assert await text(cache, ask("a"), ask("b"), ask("a")) == ["a 1", "b 2", "a 1"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cache.db' cannot be used (file is not a database)" in caplog.text
    assert path.read_bytes().startswith(b"not a database")


async def test_a_locked_file_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "cache.db"
    cache = CachedEngine(Slow(), path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await text(cache, ask("a")) == ["a 1"]
    assert await text(cache, ask("a"), ask("b")) == ["a 1", "b 2"]
    assert caplog.text.count("database is locked") == 1
    other.close()


async def test_rows_that_make_no_sense_are_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "cache.db"
    cache = CachedEngine(Slow(), path)
    await text(cache, ask("a"))
    await cache.aclose()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE completions SET ending = 'never'")
    connection.close()
    again = CachedEngine(Slow(), path)
    assert await text(again, ask("a")) == ["a 1"]
    assert "'never' is no ending" in caplog.text


async def test_two_that_generate_at_once_answer_what_was_written_first(tmp_path: Path) -> None:
    first, second = (CachedEngine(Slow(seconds), tmp_path / "cache.db") for seconds in (0.05, 0.02))
    await text(second, ask("other"))
    slow, quick = await asyncio.gather(text(first, ask("a")), text(second, ask("a")))
    assert slow == quick == ["a 2"]
    await first.aclose()
    await second.aclose()


async def test_the_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    cache = CachedEngine(ScriptedEngine(lambda request: "x" * 2000), path, file_bytes=400_000)
    for i in range(1200):
        await cache.generate([ask(f"{i}")])
    await cache.aclose()
    # Looked at every 256 writes, so it may pass the bound by that many pages.
    assert path.stat().st_size < 400_000 + 256 * 4200
    last = CachedEngine(ScriptedEngine([]), path)
    assert len((await text(last, ask("1199")))[0]) == 2000
    with pytest.raises(EngineError, match="no answer left"):
        await last.generate([ask("0")])
    await last.aclose()


async def test_a_hit_in_memory_is_quick() -> None:
    cache = CachedEngine(ScriptedEngine(), None)
    request = ask("x" * 4000, schema={"type": "object", "properties": {"a": {"type": "string"}}})
    best = 1.0
    for _ in range(50):
        start = time.perf_counter()
        await cache.generate([request])
        best = min(best, time.perf_counter() - start)
    assert best < 0.0005
