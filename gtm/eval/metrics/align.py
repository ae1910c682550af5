"""A true response and an answer laid side by side, lists aligned by what their items are, not by position.

Items of two lists pair off in this order: equal ones; those with the same value in a key field (one in which every
true item has a value of its own, an id before a name before others); the likest (most shared values, ties by order);
the rest in order, so that their types and lengths can still be compared. Lists of numbers go by position: they are
coordinates and series. Beyond `MAX_ITEMS` likeness is left out. What of the answer pairs with nothing is extra.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gtm.eval.metrics.values import MISSING, below, json_type, leaves, names_a_thing, plain
from gtm.types import Json, canonical

MAX_ITEMS = 80


At = tuple[str | int, ...]
"""A place in a response, indices kept."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One true leaf and what the answer has in its place, or MISSING."""

    path: str
    at: At
    true: Json
    answer: Json


@dataclass(frozen=True, slots=True)
class Extra:
    """What the answer has where the truth has nothing."""

    path: str
    at: At
    """The place in the truth of the object or array that has no such property or item."""
    value: Json
    is_item: bool
    """An item of an array, not a property of an object."""


@dataclass(slots=True)
class Aligned:
    """All of two responses side by side."""

    pairs: list[Pair] = field(default_factory=list)
    """True leaves, nulls too; an empty object or array is a leaf."""
    extra: list[Extra] = field(default_factory=list)
    lacking: set[At] = field(default_factory=set)
    """Items of true arrays that have no partner, where the answer has an array."""
    lengths: list[tuple[int, int | None]] = field(default_factory=list)
    """Items of every true array, and of the answer's array there; None where it has none."""


def align(true: Json, answer: Json) -> Aligned:
    """Lay a true response and an answer (MISSING where there is none) side by side."""
    aligned = Aligned()
    _walk((true, answer), "", (), aligned)
    return aligned


def _walk(both: tuple[Json, Json], path: str, at: At, into: Aligned) -> None:
    true, answer = both
    if isinstance(true, dict) and true:
        given = answer if isinstance(answer, dict) else {}
        for key, item in true.items():
            _walk((item, given.get(key, MISSING)), below(path, key), (*at, key), into)
        into.extra += [Extra(below(path, key), at, item, False) for key, item in given.items() if key not in true]
    elif isinstance(true, list):
        items = answer if isinstance(answer, list) else []
        into.lengths.append((len(true), len(items) if isinstance(answer, list) else None))
        if not true:
            into.pairs.append(Pair(path, at, true, answer))
        partners, left = match(true, items)
        for index, (item, partner) in enumerate(zip(true, partners, strict=True)):
            other = MISSING if partner is None else items[partner]
            if partner is None and isinstance(answer, list):
                into.lacking.add((*at, index))
            _walk((item, other), f"{path}[]", (*at, index), into)
        into.extra += [Extra(f"{path}[]", at, items[index], True) for index in left]
    else:
        into.pairs.append(Pair(path, at, true, answer))


def match(true: list[Json], answer: list[Json]) -> tuple[list[int | None], list[int]]:
    """For each true item the index of its partner, and the indices that are nobody's."""
    partners: list[int | None] = [None] * len(true)
    left = dict.fromkeys(range(len(answer)))
    if not all(json_type(item) == "number" for item in (*true, *answer)):
        _equal(true, answer, partners, left)
        _keyed(true, answer, partners, left)
        if len(true) <= MAX_ITEMS and len(answer) <= MAX_ITEMS:
            _likest(true, answer, partners, left)
    rest = iter(list(left))
    for index, partner in enumerate(partners):
        if partner is None and (other := next(rest, None)) is not None:
            partners[index] = other
            del left[other]
    return partners, list(left)


def _take(pairs: Iterator[tuple[int, int]], partners: list[int | None], left: dict[int, None]) -> None:
    for index, other in pairs:
        if partners[index] is None and other in left:
            partners[index] = other
            del left[other]


def _equal(true: list[Json], answer: list[Json], partners: list[int | None], left: dict[int, None]) -> None:
    places: dict[bytes, list[int]] = {}
    for other in reversed(left):
        places.setdefault(canonical(answer[other]), []).append(other)
    for index, item in enumerate(true):
        if same := places.get(canonical(item)):
            partners[index] = partner = same.pop()
            del left[partner]


def _keyed(true: list[Json], answer: list[Json], partners: list[int | None], left: dict[int, None]) -> None:
    for name in key_fields(true):
        at: dict[bytes, int] = {}
        for other in left:
            item = answer[other]
            if isinstance(item, dict) and name in item:
                at.setdefault(canonical(item[name]), other)
        found = (
            (index, at[mark])
            for index, item in enumerate(true)
            if partners[index] is None and (mark := canonical(item[name])) in at
        )
        _take(iter(list(found)), partners, left)


def key_fields(items: list[Json]) -> list[str]:
    """Fields that tell the items of a list apart: those that name things, ids first."""
    if not items or not all(isinstance(item, dict) for item in items):
        return []
    names = [name for name in items[0] if names_a_thing(name) and _tells_apart(items, name)]
    return sorted(names, key=lambda name: (not plain(name).endswith(("id", "arn")), not plain(name).endswith("name")))


def _tells_apart(items: list[Json], name: str) -> bool:
    values = [item.get(name) for item in items]
    texts = {str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)}
    return len(texts) == len(values)


def _likest(true: list[Json], answer: list[Json], partners: list[int | None], left: dict[int, None]) -> None:
    theirs = {other: _marks(answer[other]) for other in left}
    scored = []
    for index, item in enumerate(true):
        if partners[index] is None:
            marks = _marks(item)
            for other, others in theirs.items():
                if shared := len(marks & others):
                    scored.append((-2 * shared / (len(marks) + len(others)), index, other))
    _take(((index, other) for _, index, other in sorted(scored)), partners, left)


def _marks(value: Json) -> set[tuple[str, str]]:
    return {(path, str(item)) for path, item in leaves(value) if not isinstance(item, bool)}
