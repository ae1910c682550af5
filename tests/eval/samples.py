"""Items of the recorded sample, and damage that a checker has to see."""

import copy
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from gtm.eval.items import Items, read_items
from gtm.eval.metrics.response import Truth
from gtm.types import Json

SAMPLE = Path(__file__).parent.parent / "data" / "eval_sample.jsonl.gz"


@lru_cache(maxsize=1)
def sample() -> Items:
    """Read once; items are frozen."""
    return read_items(SAMPLE)


def truths() -> Iterator[Truth]:
    """Every recorded success."""
    found = sample()
    for item in found:
        for step in item.scored:
            if not item.turns[step].is_error:
                yield found.families.truth(item, step)


Change = Callable[[list[str | int], Json], Json]


def changed(value: Json, change: Change, at: list[str | int] | None = None) -> Json:
    """A copy with every scalar leaf replaced by what `change` says of it."""
    here = at or []
    if isinstance(value, dict):
        return {key: changed(item, change, [*here, key]) for key, item in value.items()}
    if isinstance(value, list):
        return [changed(item, change, [*here, index]) for index, item in enumerate(value)]
    return change(here, value)


def without_a_field(value: Json) -> Iterator[Json]:
    """The value with one property less, each in turn."""
    for path in objects(value):
        for key in list(at(value, path)):
            copied = copy.deepcopy(value)
            del at(copied, path)[key]
            yield copied


def with_an_item_more(value: Json) -> Iterator[Json]:
    """The value with one more item in one array, each in turn: like the last, but its texts and numbers."""
    for path in arrays(value):
        copied = copy.deepcopy(value)
        items = at(copied, path)
        like = items[-1] if items else {"id": "invented-entity"}
        items.append(changed(like, lambda _, leaf: f"{leaf} again" if isinstance(leaf, str) else leaf))
        yield copied


def at(value: Json, path: list[str | int]) -> Json:
    for part in path:
        value = value[part]
    return value


def objects(value: Json, path: list[str | int] | None = None) -> Iterator[list[str | int]]:
    here = path or []
    if isinstance(value, dict):
        yield here
    for key, item in _inside(value):
        yield from objects(item, [*here, key])


def arrays(value: Json, path: list[str | int] | None = None) -> Iterator[list[str | int]]:
    here = path or []
    if isinstance(value, list):
        yield here
    for key, item in _inside(value):
        yield from arrays(item, [*here, key])


def _inside(value: Json) -> Iterator[tuple[str | int, Json]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
