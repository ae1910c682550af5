"""Counts of a server's calls, in Prometheus' text format. One process, no labels from callers."""

import time
from collections import Counter
from types import TracebackType
from typing import Literal, Self

from gtm.serve.registry import Registry
from gtm.types import Result

Door = Literal["mcp", "http", "control"]


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, float] = {}

    def call(self, door: Door) -> "Outcome":
        """Count and time a call: `with metrics.call(...) as outcome`."""
        return Outcome(self, door)

    def add(self, door: Door, kind: str, seconds: float) -> None:
        """Count a call that is over."""
        self._calls[door, kind] += 1
        self._seconds[door] = self._seconds.get(door, 0.0) + seconds

    def text(self, registry: Registry) -> str:
        """Everything, as Prometheus reads it."""
        engines = {id(s.engine): s.engine for s in registry.directory.simulators}.values()
        lines = ["# HELP gtm_calls_total Calls by door and outcome (error: a simulated one).",
                 "# TYPE gtm_calls_total counter"]  # fmt: skip
        lines += [f'gtm_calls_total{{door="{d}",outcome="{o}"}} {n}' for (d, o), n in sorted(self._calls.items())]
        lines += ["# HELP gtm_call_seconds_total Seconds spent on calls.", "# TYPE gtm_call_seconds_total counter"]
        lines += [f'gtm_call_seconds_total{{door="{d}"}} {s:.6f}' for d, s in sorted(self._seconds.items())]
        lines += ["# HELP gtm_sessions Open sessions.", "# TYPE gtm_sessions gauge", f"gtm_sessions {len(registry)}"]
        lines += ["# HELP gtm_generations_total Answers asked of the engine, by the response cache's word.",
                  "# TYPE gtm_generations_total counter"]  # fmt: skip
        lines.append(f'gtm_generations_total{{cached="true"}} {sum(engine.hits for engine in engines)}')
        lines.append(f'gtm_generations_total{{cached="false"}} {sum(engine.misses for engine in engines)}')
        if registry.store is not None:
            writer = registry.store.writer
            lines += ["# HELP gtm_store_turns_total Turns written to the store, by whether somebody was first.",
                      "# TYPE gtm_store_turns_total counter",
                      f'gtm_store_turns_total{{outcome="written"}} {writer.appended}',
                      f'gtm_store_turns_total{{outcome="conflict"}} {writer.conflicts}',
                      "# HELP gtm_store_commits_total Transactions that held these turns.",
                      "# TYPE gtm_store_commits_total counter",
                      f"gtm_store_commits_total {writer.commits}"]  # fmt: skip
        return "\n".join(lines) + "\n"


class Outcome:
    """What becomes of one call; `failed` until told otherwise."""

    __slots__ = ("_began", "_door", "_kind", "_metrics")

    def __init__(self, metrics: Metrics, door: Door) -> None:
        self._metrics, self._door, self._kind = metrics, door, "failed"
        self._began = time.perf_counter()

    def result(self, result: Result) -> None:
        """The call was answered."""
        self._kind = "error" if result.is_error else "ok"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._metrics.add(self._door, self._kind, time.perf_counter() - self._began)
