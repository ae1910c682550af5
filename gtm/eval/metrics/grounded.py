"""Grounded values: leaves of the true response that can be derived from what is known have to be equal.

Booleans, enum values, constants of the field and values under three characters are no grounded leaves: they are equal
by chance. Recall is over the grounded leaves of the truth. Precision is over what the answer says where grounded
leaves are: a value that differs and the field of an item that does not exist are invented.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gtm.eval.metrics.align import Aligned, Pair
from gtm.eval.metrics.values import MISSING, leaves, same


@dataclass(frozen=True, slots=True)
class Grounded:
    """Grounded leaves: shown with the true value, invented, missed."""

    equal: int
    invented: int
    missed: int

    @property
    def values(self) -> dict[str, float]:
        """Recall, precision and F1; those that apply."""
        wanted, given = self.equal + self.missed, self.equal + self.invented
        if not wanted:
            return {}
        found = {"grounded_recall": self.equal / wanted, "grounded_f1": 2 * self.equal / (wanted + given)}
        return found | ({"grounded_precision": self.equal / given} if given else {})


def grounded(aligned: Aligned, is_grounded: Callable[[Pair], bool]) -> Grounded:
    """Count the grounded leaves of two responses side by side."""
    wanted = [pair for pair in aligned.pairs if is_grounded(pair)]
    places = {pair.path for pair in wanted}
    equal = sum(same(pair.true, pair.answer) for pair in wanted)
    given = sum(pair.answer is not MISSING and pair.answer is not None for pair in wanted)
    extra = sum(path in places for one in aligned.extra for path, _ in leaves(one.value, one.path))
    return Grounded(equal, given - equal + extra, len(wanted) - equal)
