"""The worst cases: where the first candidate of a run is furthest from the real tool, so that a person can look.

Only the first: the floors are worst everywhere by design. The main metric of the first suite that has one decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gtm.eval.records import Score
from gtm.eval.statistics import worst

MAIN = {"fidelity": "structure_f1", "format": "result_valid"}
"""Suite -> the metric that its worst cases are worst in."""


@dataclass(frozen=True)
class Worst:
    """The lowest scores in a metric."""

    metric: str
    every: Sequence[Score]
    by_slice: dict[str, list[Score]]


def worst_cases(scores: Sequence[Score], candidate: str, count: int) -> Worst:
    """The worst of all and of each slice; nobody where no suite has a main metric."""
    for suite, metric in MAIN.items():
        found = [s for s in scores if (s.suite, s.candidate) == (suite, candidate) and metric in s.values]
        if found:
            parts = worst(found, metric, count)
            return Worst(metric, parts.pop(""), parts)
    return Worst("", (), {})
