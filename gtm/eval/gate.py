"""A gate for CI: figures of a run against bounds. A figure that the run does not have is an input to mend."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gtm.errors import ConfigError
from gtm.eval.report import Report

SIDE = {"min": "below", "max": "above"}


@dataclass(frozen=True)
class Bound:
    """What a figure may not go below, or above."""

    suite: str
    """Empty: whatever suite has the metric."""
    metric: str
    kind: Literal["min", "max"]
    value: float


def read_bounds(given: Sequence[str], kind: Literal["min", "max"]) -> list[Bound]:
    """Bounds as the command line has them: `METRIC=VALUE` or `SUITE.METRIC=VALUE`. Raises ConfigError."""
    bounds = []
    for text in given:
        name, _, value = text.partition("=")
        suite, _, metric = name.rpartition(".")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not metric or number != number:
            raise ConfigError(f"{text!r} is no bound: write METRIC=NUMBER or SUITE.METRIC=NUMBER")
        bounds.append(Bound(suite, metric, kind, number))
    return bounds


def check(path: Path, bounds: Sequence[Bound], candidate: str | None = None) -> list[str]:
    """One line a bound that is not kept. Raises RunError and ConfigError."""
    report = Report.read(path)
    chosen = candidate or report.config.candidates[0]
    if chosen not in report.config.candidates:
        raise ConfigError(f"{chosen!r} is not in the run {str(path)!r}; it has {', '.join(report.config.candidates)}")
    failed = []
    for bound in bounds:
        found = [
            m
            for m in report.measured
            if (m.candidate, m.metric, m.slice) == (chosen, bound.metric, "") and bound.suite in ("", m.suite)
        ]
        if not found:
            known = sorted({m.metric for m in report.measured if m.candidate == chosen and not m.slice})
            raise ConfigError(
                f"the run {str(path)!r} has no metric {bound.metric!r} of {chosen!r}; it has {', '.join(known)}"
            )
        failed += [
            f"{m.suite}.{m.metric} of {chosen} is {m.value:g}, {SIDE[bound.kind]} {bound.value:g}"
            for m in found
            if (m.value < bound.value if bound.kind == "min" else m.value > bound.value)
        ]
    return failed
