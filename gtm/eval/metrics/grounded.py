"""Grounded values: leaves of the true response that can be derived from what is known have to be equal.

Booleans, enum values, constants of the field and values under three characters are no grounded leaves: they are equal
by chance. Recall is over the grounded leaves of the truth. Precision is over what the answer says where grounded
leaves are: a value that differs, and the field of an item that does not exist, are invented.

How many items a list has is often nothing that can be known (rows of a search that all echo the city asked for): an
item without a partner is missed, or invented, only by what tells it from the others (a name, an id), or by a value
that the truth shows nowhere at that place. `list_length` counts items.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gtm.eval.metrics.align import Aligned, At, Pair
from gtm.eval.metrics.values import MISSING, field_of, leaves, names_a_thing, same, scalar_text
from gtm.types import Json


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
    pairs = [pair for pair in aligned.pairs if is_grounded(pair)]
    shown: dict[str, list[Json]] = {}
    for pair in pairs:
        shown.setdefault(pair.path, []).append(pair.true)
    telling = {path for path, values in shown.items() if names_a_thing(field_of(path)) and _differ(values)}
    known = {_item(pair) for pair in pairs if pair.path in telling}
    wanted = [
        pair for pair in pairs if pair.answer is not MISSING or not _lacks(pair, aligned) or _item(pair) in known
    ]
    wanted = wanted or pairs  # an answer without a row says nothing, which is no reason to leave it out
    equal = sum(same(pair.true, pair.answer) for pair in wanted)
    given = sum(pair.answer is not MISSING and pair.answer is not None for pair in wanted)
    extra = 0
    for one in aligned.extra:
        for path, value in leaves(one.value, one.path):
            if path in shown:
                extra += path in telling or not one.is_item or value not in shown[path]
    return Grounded(equal, given - equal + extra, len(wanted) - equal)


def _item(pair: Pair) -> At:
    """The place of the innermost list item that a leaf is in; empty where it is in none."""
    last = max((index for index, part in enumerate(pair.at) if isinstance(part, int)), default=-1)
    return pair.at[: last + 1]


def _lacks(pair: Pair, aligned: Aligned) -> bool:
    """Whether the answer lacks the whole item that a leaf is in, or one around it, not just the leaf."""
    return any(pair.at[:length] in aligned.lacking for length in range(1, len(pair.at) + 1))


def _differ(values: list[Json]) -> bool:
    return len({scalar_text(value) for value in values}) == len(values)
