"""Runs side by side: the first candidate of the first run against every other, in every metric that both have.

Paired: only steps that both were scored on count, so the runs must have measured the same items; runs of other data,
another seed or another limit are refused. One run compares its own candidates.
"""

from collections.abc import Sequence
from pathlib import Path

from gtm.errors import RunError
from gtm.eval.folder import check_scores, read_run
from gtm.eval.records import Score
from gtm.eval.statistics import Difference, differences

SAME = ("data", "splits", "seed", "limit")
"""What runs must have in common to be of the same items."""


def compare(paths: Sequence[Path]) -> list[Difference]:
    """Differences from the first candidate, over all steps and by slice. Raises RunError."""
    scores: list[Score] = []
    names: list[str] = []
    first = None
    for path in paths:
        config, found, _ = read_run(path)
        check_scores(found, path)
        first = first or config
        apart = [name for name in SAME if getattr(config, name) != getattr(first, name)]
        if apart:
            raise RunError(
                f"the runs {str(paths[0])!r} and {str(path)!r} differ in {', '.join(apart)}, so they are not of the "
                "same items; compare runs of the same data, seed and limit"
            )
        shown = {name: name if len(paths) == 1 else f"{path.name}:{name}" for name in config.candidates}
        names += shown.values()
        scores += [score.model_copy(update={"candidate": shown[score.candidate]}) for score in found]
    seed = first.seed if first else 0
    if len(set(names)) < 2:
        raise RunError(f"{str(paths[0])!r} has one candidate, {names[0]!r}; name a second run to compare it with")
    return [one for name in names[1:] for one in differences(scores, name, names[0], seed=seed)]


def compared_rows(found: Sequence[Difference]) -> list[tuple[str, ...]]:
    """The differences over all steps, as rows of a table."""
    return [
        (
            one.suite,
            one.metric,
            f"{one.value:+.4f}",
            f"[{one.low:+.4f}, {one.high:+.4f}]",
            f"{one.p:.3f}",
            str(one.n),
            f"{one.one} minus {one.other}",
        )
        for one in found
        if not one.slice
    ]
