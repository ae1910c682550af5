"""Free values: what nothing tells. They cannot be known, but they can be of the right kind.

Of every free leaf of the truth (neither grounded nor masked): has the answer the same JSON type there (asked of
masked and empty leaves too); is it of the declared enum and format, where the schema names one; lies a number, or a
text's length, in the range that the field shows in other recordings of the tool, where there are enough; how similar
is it. A leaf that is missing is 0 in all.
The true value itself always counts as allowed and in range: recordings do not always keep to their own schemas.
"""

from collections import Counter

from gtm.eval.metrics.fields import ENOUGH, Declared, in_range
from gtm.eval.metrics.values import json_type, same
from gtm.types import Json

GRAM = 3
MAX_TEXT = 2_000
"""Characters of a text that are compared."""


def free_leaf(true: Json, answer: Json, declared: Declared | None, others: list[Json]) -> dict[str, float]:
    """The measures that apply to one free leaf, 0 to 1 each."""
    right = json_type(answer) == json_type(true)
    equal = same(true, answer)
    found = {"free_type": float(right), "free_similarity": similarity(true, answer) if right else 0.0}
    if declared is not None:
        found["free_valid"] = float(equal or (right and declared.allows(answer)))
    if len(others) >= ENOUGH and isinstance(true, str | int | float) and not isinstance(true, bool):
        found["free_plausible"] = float(equal or (right and in_range(answer, true, others)))
    return found


def similarity(true: Json, answer: Json) -> float:
    """How like two scalars of one type are: texts by shared character trigrams (Dice), numbers by their ratio."""
    if same(true, answer):
        return 1.0
    if isinstance(true, str) and isinstance(answer, str):
        one, other = _grams(true), _grams(answer)
        return 2 * (one & other).total() / max(1, one.total() + other.total())
    if isinstance(true, bool) or not isinstance(true, int | float) or not isinstance(answer, int | float):
        return 0.0
    size = max(abs(true), abs(answer))
    return max(0.0, 1 - abs(true - answer) / size) if size else 1.0


def _grams(text: str) -> Counter[str]:
    text = text[:MAX_TEXT]
    return Counter(text[at : at + GRAM] for at in range(max(1, len(text) - GRAM + 1)))
