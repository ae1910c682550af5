import asyncio
import gc
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest

from gtm.engines.base import Completion, Request
from gtm.engines.batching import BatchLoop
from gtm.errors import EngineError
from gtm.types import Message


def ask(text: str, max_tokens: int = 3) -> Request:
    return Request((Message("user", text),), None, max_tokens)


@dataclass
class Echo:
    """One request in `Counting`: it takes as many steps as it may write tokens."""

    request: Request
    owner: "Counting"
    steps: int = 0
    cancelled: bool = False

    def poll(self) -> Completion | None:
        if self.steps < self.request.max_tokens:
            return None
        self.owner.live.remove(self)
        if self.request.messages[0].content == "lost":
            raise EngineError("gave up")
        return Completion(self.request.messages[0].content, "stop", 1, self.steps)

    def cancel(self) -> None:
        self.cancelled = True
        self.owner.live.remove(self)
        self.owner.cancelled += 1


@dataclass
class Counting:
    """A backend that counts steps, and fails a step when told to."""

    live: list[Echo] = field(default_factory=list)
    widest: int = 0
    steps: int = 0
    cancelled: int = 0
    broken: bool = False

    def add(self, request: Request) -> Echo:
        if request.messages[0].content == "bad":
            raise EngineError("this request cannot be generated")
        self.live.append(Echo(request, self))
        return self.live[-1]

    def step(self) -> None:
        time.sleep(0.001)
        self.steps += 1
        self.widest = max(self.widest, len(self.live))
        if self.broken:
            raise RuntimeError("Exception from deep inside\nout of registers")
        for echo in self.live:
            echo.steps += 1


@dataclass
class Loader:
    built: list[Counting] = field(default_factory=list)
    failures: int = 0

    def __call__(self) -> Counting:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("no such file")
        self.built.append(Counting())
        return self.built[-1]


def texts(completions: list[Completion]) -> list[str]:
    return [completion.text for completion in completions]


async def test_callers_share_one_batch_and_get_their_answers_in_order() -> None:
    loader = Loader()
    loop = BatchLoop("test", loader, max_in_flight=8)
    answers = await asyncio.gather(*(loop.generate([ask(f"{i}a"), ask(f"{i}b")]) for i in range(8)))
    assert [texts(answer) for answer in answers] == [[f"{i}a", f"{i}b"] for i in range(8)]
    assert loader.built[0].widest == 8
    assert loader.built[0].steps < 16 * 3
    loop.close()


async def test_a_request_that_cannot_be_added_or_is_given_up_fails_alone() -> None:
    loader = Loader()
    loop = BatchLoop("test", loader, max_in_flight=8)
    results = await asyncio.gather(
        *(loop.generate([ask(text)]) for text in ("good", "bad", "lost", "fine")), return_exceptions=True
    )
    said = [texts(result)[0] if isinstance(result, list) else str(result) for result in results]
    assert said == ["good", "this request cannot be generated", "gave up", "fine"]
    assert len(loader.built) == 1
    loop.close()


async def test_a_failed_step_fails_what_runs_and_the_next_request_works() -> None:
    loader = Loader()
    loop = BatchLoop("test", loader, max_in_flight=8)
    assert texts(await loop.generate([ask("one")])) == ["one"]
    loader.built[0].broken = True
    results = await asyncio.gather(*(loop.generate([ask("x")]) for _ in range(3)), return_exceptions=True)
    assert {type(result) for result in results} == {EngineError}
    assert "'test' failed: out of registers; it restarts" in str(results[0])
    assert texts(await loop.generate([ask("two")])) == ["two"]
    assert len(loader.built) == 2
    loop.close()


async def test_a_failed_load_is_told_and_tried_again() -> None:
    loader = Loader(failures=1)
    loop = BatchLoop("test", loader, max_in_flight=8)
    with pytest.raises(EngineError, match="no such file"):
        await loop.generate([ask("one")])
    assert texts(await loop.generate([ask("two")])) == ["two"]
    loop.close()


async def test_start_loads_ahead_of_the_first_request() -> None:
    loader = Loader()
    loop = BatchLoop("test", loader, max_in_flight=8)
    loop.start()
    async with asyncio.timeout(2):
        while not loader.built:
            await asyncio.sleep(0.001)
    loop.close()


async def test_cancelling_a_caller_frees_its_place_and_no_other() -> None:
    loader = Loader()
    loop = BatchLoop("test", loader, max_in_flight=8)
    long = asyncio.create_task(loop.generate([ask("long", 100_000), ask("longer", 100_000)]))
    short = asyncio.create_task(loop.generate([ask("short", 50)]))
    await asyncio.sleep(0.02)
    long.cancel()
    assert texts(await short) == ["short"]
    with pytest.raises(asyncio.CancelledError):
        await long
    assert texts(await loop.generate([ask("next", 5)])) == ["next"]
    assert loader.built[0].cancelled == 2
    assert loader.built[0].live == []
    loop.close()


async def test_no_step_is_taken_while_nothing_is_asked() -> None:
    loader = Loader()
    loop = BatchLoop("test", loader, max_in_flight=8)
    await loop.generate([ask("one")])
    steps = loader.built[0].steps
    await asyncio.sleep(0.05)
    assert loader.built[0].steps == steps
    loop.close()


async def test_closing_fails_what_runs_and_what_comes_after() -> None:
    loop = BatchLoop("test", Loader(), max_in_flight=1)
    running = asyncio.create_task(loop.generate([ask("long", 100_000)]))
    waiting = asyncio.create_task(loop.generate([ask("waits")]))
    await asyncio.sleep(0.02)
    await asyncio.to_thread(loop.close)
    for task in (running, waiting):
        with pytest.raises(EngineError, match="closed while it was writing"):
            await task
    with pytest.raises(EngineError, match="'test' is closed"):
        await loop.generate([ask("late")])
    loop.close()


def test_many_event_loops_share_one_batch() -> None:
    loader = Loader()
    loop = BatchLoop("test", loader, max_in_flight=8)
    found: list[list[str]] = [[] for _ in range(4)]

    def run(index: int) -> None:
        found[index] = texts(asyncio.run(loop.generate([ask(f"{index}", 30)])))

    threads = [threading.Thread(target=run, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["0"], ["1"], ["2"], ["3"]]
    assert len(loader.built) == 1
    loop.close()


async def test_a_dropped_engine_ends_its_thread() -> None:
    loop = BatchLoop("dropped", Loader(), max_in_flight=8)
    await loop.generate([ask("one")])
    del loop
    gc.collect()
    assert not [thread for thread in threading.enumerate() if thread.name == "gtm dropped"]


def test_leaving_the_program_without_closing_neither_hangs_nor_fails() -> None:
    program = (
        "import asyncio\n"
        "from tests.engines.test_batching import BatchLoop, Loader, ask\n"
        "loop = BatchLoop('test', Loader(), max_in_flight=8)\n"
        "async def main():\n"
        "    asyncio.create_task(loop.generate([ask('long', 100_000)]))\n"
        "    await asyncio.sleep(0.05)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
