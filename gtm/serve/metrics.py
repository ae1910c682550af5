"""Counts of a server's calls, in Prometheus' text format. One process, no labels from callers."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from gtm.serve.sessions import Registry
from gtm.types import Result

Door = Literal["mcp", "http", "control"]


class Outcome:
    """What became of one call; `failed` until told otherwise."""

    kind = "failed"

    def result(self, result: Result) -> None:
        """The call was answered."""
        self.kind = "error" if result.is_error else "ok"


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._seconds: Counter[str] = Counter()

    @contextmanager
    def call(self, door: Door) -> Iterator[Outcome]:
        """Count and time a call."""
        outcome, began = Outcome(), time.perf_counter()
        try:
            yield outcome
        finally:
            self._calls[door, outcome.kind] += 1
            self._seconds[door] += time.perf_counter() - began  # type: ignore[assignment]

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
        return "\n".join(lines) + "\n"
