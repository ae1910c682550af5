"""How far a session got in a cassette, kept in its state as marks; and when a recording no longer fits its world.

Equal calls play their recordings in order. A write leaves a mark on each thing it touched: what was recorded of that
thing before the write is out of date once the write was played, and wholly so once a write was simulated.
"""

from collections.abc import Iterable
from enum import Enum

from gtm.simulator.cassette import Group
from gtm.simulator.definitions import Definition
from gtm.types import Json
from gtm.world.state import Change, Delete, Mark, Put, State, key_text

WRITES = ("create", "update", "delete")

END = 1_000_000_000
"""The place of a write that is not in the cassette: after all that is."""


class Standing(Enum):
    """What a recording is worth at a moment."""

    NEXT = "next"
    AGAIN = "again"
    """All were played; this is the last one."""
    OUTDATED = "outdated"
    """What it tells of was written since."""


def upcoming(state: State, group: Group, definition: Definition, arguments: dict[str, Json]) -> tuple[int, Standing]:
    """The number of the recording to play, and what it is worth."""
    count, total = number_of(state, group.mark), len(group.turns)
    since = _written(state, definition, arguments)
    for index in range(count, total):
        if group.places[index] >= since:
            return index, Standing.NEXT
    index = min(count, total - 1)
    return index, Standing.OUTDATED if group.places[index] < since else Standing.AGAIN


def played(group: Group, index: int, definition: Definition, changes: Iterable[Change]) -> tuple[Mark, ...]:
    """What to remember of a recording that was played."""
    return (Mark(group.mark, index + 1), *touched(definition, changes, group.places[index] + 1))


def touched(definition: Definition, changes: Iterable[Change], place: int = END) -> tuple[Mark, ...]:
    """What to remember of a write: the things it changed, and from which place on recordings know of that."""
    if definition.bound.effect.kind not in WRITES:
        return ()
    keys = dict.fromkeys(key_text(change.key) for change in changes if isinstance(change, Put | Delete))
    return tuple(Mark(_mark(definition, key), place) for key in ("", *keys)) if keys else ()


def number_of(state: State, mark: str) -> int:
    """A mark's number, 0 where there is none."""
    number = state.marks.get(mark)
    return number if isinstance(number, int) else 0


def _written(state: State, definition: Definition, arguments: dict[str, Json]) -> int:
    """From which place on recordings of a call know of all writes so far."""
    kind = definition.bound.effect.kind
    if kind == "create" or not definition.bound.stored:
        return 0
    values = [key_text(value) for value in arguments.values() if isinstance(value, str | int | float)]
    keys = values if values and kind != "list" else [""]
    return max(number_of(state, _mark(definition, key)) for key in keys)


def _mark(definition: Definition, key: str) -> str:
    return f"cassette:at:{definition.bound.effect.resource}:{key}"
