"""From scores to figures: every API family counts the same, an interval says how much the choice of families did.

A metric's value is the mean over families of the family's own mean, and a ratio within a step (recall of its leaves)
enters as one number, so that neither one large API nor one long list outvotes the rest.
Intervals are percentiles of a bootstrap over families; candidates are compared on the steps that both were scored on,
family by family. Where there is one family only, its items take the place of families, and the steps of one item. All
from one seed: the same scores give the same figures, in whatever order they come.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gtm.eval.records import Measured, Score

RESAMPLES = 1_000
LOW, HIGH = 0.025, 0.975

Unit = tuple[str, int, str]
"""Item, step, and which call of it (`valid`, `invalid`) where a suite makes several of one step."""
Values = dict[str, dict[Unit, float]]
"""Family -> unit -> value."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher `one` is than `other`, on the same steps."""

    one: str
    other: str
    suite: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    families: int
    p: float
    """Two-sided: the share of resamples on the other side of 0, doubled; never below 1 / resamples."""
    slice: str = ""


def measure(scores: Iterable[Score], *, seed: int = 0, resamples: int = RESAMPLES) -> list[Measured]:
    """Every metric of every candidate, over all steps and by slice, in a fixed order."""
    return [
        Measured(
            candidate=candidate,
            suite=suite,
            metric=metric,
            slice=part,
            value=_mean(means),
            **_interval(means, seed, resamples),
            n=sum(map(len, values.values())),
            families=len(values),
        )
        for (candidate, suite, metric, part), values in sorted(_cells(scores).items())
        for means in [_means(values)]
    ]


def differences(
    scores: Iterable[Score], one: str, other: str, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Difference]:
    """Paired differences of two candidates in every metric and slice that both have."""
    cells = _cells(scores)
    found = []
    for candidate, suite, metric, part in sorted(cells):
        theirs = cells.get((other, suite, metric, part))
        if candidate != one or theirs is None:
            continue
        paired = _paired(cells[one, suite, metric, part], theirs)
        if paired:
            means = _means(paired)
            bounds = _interval(means, seed, resamples)
            found.append(
                Difference(
                    one,
                    other,
                    suite,
                    metric,
                    _mean(means),
                    bounds["low"],
                    bounds["high"],
                    sum(map(len, paired.values())),
                    len(paired),
                    _p(means, seed, resamples),
                    part,
                )
            )
    return found


def worst(scores: Iterable[Score], metric: str, count: int = 20) -> dict[str, list[Score]]:
    """The lowest steps in a metric, for all (`""`) and for each slice (`effect=create`); ties by name."""
    parts: dict[str, list[Score]] = {}
    for score in scores:
        if metric in score.values:
            for part in _parts(score.slices):
                parts.setdefault(part, []).append(score)
    return {
        part: sorted(parts[part], key=lambda score: (score.values[metric], score.item, score.step))[:count]
        for part in sorted(parts)
    }


def _cells(scores: Iterable[Score]) -> dict[tuple[str, str, str, str], Values]:
    cells: dict[tuple[str, str, str, str], Values] = {}
    for score in scores:
        unit = (score.item, score.step, score.slices.get("call", ""))
        for metric, value in score.values.items():
            for part in _parts(score.slices):
                cell = cells.setdefault((score.candidate, score.suite, metric, part), {})
                cell.setdefault(score.family, {})[unit] = value
    return cells


def _parts(slices: Mapping[str, str]) -> list[str]:
    return ["", *(f"{name}={value}" for name, value in slices.items())]


def _paired(ours: Values, theirs: Values) -> Values:
    both = {
        family: {unit: values[unit] - theirs[family][unit] for unit in values if unit in theirs[family]}
        for family, values in ours.items()
        if family in theirs
    }
    return {family: values for family, values in both.items() if values}


def _means(values: Values) -> list[float]:
    """One mean a family, families in order of their names; of one family alone, one an item."""
    if len(values) > 1:
        return [_mean([values[family][unit] for unit in sorted(values[family])]) for family in sorted(values)]
    [only] = values.values()
    items: dict[str, list[float]] = {}
    for unit in sorted(only):
        items.setdefault(unit[0], []).append(only[unit])
    if len(items) > 1:
        return [_mean(found) for found in items.values()]
    return [only[unit] for unit in sorted(only)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _interval(means: Sequence[float], seed: int, resamples: int) -> dict[str, float]:
    resampled = sorted(_resampled(means, seed, resamples))
    return {"low": resampled[int(LOW * resamples)], "high": resampled[min(resamples - 1, int(HIGH * resamples))]}


def _p(means: Sequence[float], seed: int, resamples: int) -> float:
    if len(means) == 1:
        return 1.0  # one number says nothing of chance
    resampled = _resampled(means, seed, resamples)
    below = sum(value <= 0 for value in resampled)
    above = sum(value >= 0 for value in resampled)
    return min(1.0, max(1, 2 * min(below, above)) / resamples)


def _resampled(means: Sequence[float], seed: int, resamples: int) -> list[float]:
    pick = means.__getitem__
    return [sum(map(pick, draw)) / len(means) for draw in _draws(len(means), seed, resamples)]


@lru_cache(maxsize=256)
def _draws(families: int, seed: int, resamples: int) -> tuple[tuple[int, ...], ...]:
    """Which families each resample is made of."""
    rng = random.Random(f"{seed}/{families}")
    return tuple(tuple(rng.choices(range(families), k=families)) for _ in range(resamples))
