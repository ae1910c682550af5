"""Who does the units of a stage: this process, several processes, or a Ray cluster. The rows are the same.

A runner takes units in order and gives what came of them in the same order. It holds a bounded number at a time.
"""

import logging
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import Any, Literal, Protocol

from gtm.carg.stage import Done, Unit
from gtm.errors import RunError

Work = Callable[[Unit], Done]
"""Does one unit; picklable, so that another process can."""

RunnerName = Literal["local", "ray"]

AHEAD = 24
"""Units a worker may be ahead of the slowest one: families differ by a factor of a thousand."""

BLOCK = 512
"""Units of one Ray data set: the next one starts when it is done, which bounds what is held."""


class Runner(Protocol):
    """Runs work over units."""

    def run(self, work: Work, units: Iterable[Unit]) -> Iterator[tuple[Unit, Done]]:
        """Units and what came of them, in order. What a unit raises, this raises."""

    def close(self) -> None:
        """End the workers."""


class LocalRunner:
    """Processes of this machine; one worker is this process itself."""

    def __init__(self, workers: int = 1) -> None:
        if workers < 1:
            raise RunError(f"a run needs at least 1 worker; got {workers}")
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def run(self, work: Work, units: Iterable[Unit]) -> Iterator[tuple[Unit, Done]]:
        """Units and what came of them, in order."""
        if self._workers == 1:
            for unit in units:
                yield unit, work(unit)
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=get_context("forkserver"), initializer=_end_with_the_parent
            )
        waiting: deque[tuple[Unit, Future[Done]]] = deque()
        rest = iter(units)
        try:
            while True:
                for unit in islice(rest, self._workers * AHEAD - len(waiting)):
                    waiting.append((unit, self._pool.submit(work, unit)))
                if not waiting:
                    return
                unit, future = waiting.popleft()
                yield unit, future.result()
        except BrokenProcessPool:
            raise RunError(
                "a worker died (out of memory?); what is written is safe: run again, with fewer --workers"
            ) from None
        finally:
            for _, future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _end_with_the_parent() -> None:
    """A worker whose run was killed would wait for its next unit for ever."""
    parent = parent_process()
    if parent is not None:
        Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


class RayRunner:
    """Ray Data, on the cluster that RAY_ADDRESS names, else on one of this machine.

    A unit whose worker dies is done again.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers
        self._ray: Any = None

    def run(self, work: Work, units: Iterable[Unit]) -> Iterator[tuple[Unit, Done]]:
        """Units and what came of them, in order."""
        ray = self._start()
        ray.data.DataContext.get_current().execution_options.preserve_order = True
        rest = iter(units)
        while block := list(islice(rest, BLOCK)):
            items = [{"unit": pickle.dumps(unit)} for unit in block]
            workers = int(ray.cluster_resources().get("CPU", 1))
            data = ray.data.from_items(items, override_num_blocks=min(len(items), 4 * workers))
            done = data.map(_Remote(work), num_cpus=1)
            # What crosses from worker to driver was made by this program on both sides.
            for unit, row in zip(block, done.iter_rows(), strict=True):
                yield unit, pickle.loads(row["done"])

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._ray is not None:
            self._ray.shutdown()
            self._ray = None

    def _start(self) -> Any:
        if self._ray is None:
            try:
                import ray
                import ray.data
            except ImportError as error:
                raise RunError("the runner 'ray' needs Ray; run pip install 'gtm-sim[ray]'") from error
            if not ray.is_initialized():
                ray.init(
                    num_cpus=self._workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
                )
            ray.data.DataContext.get_current().enable_progress_bars = False
            self._ray = ray
        return self._ray


class _Remote:
    """Work on a row of a Ray data set."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        return {"done": pickle.dumps(self._work(pickle.loads(row["unit"])))}


def open_runner(name: RunnerName, workers: int) -> Runner:
    """A runner by its name."""
    return LocalRunner(workers) if name == "local" else RayRunner(workers)
