"""Fields that an earlier call of the session set, found in a recorded answer, looked up in the simulated one.

A thing is what a writing call made or named: the identifiers its arguments or its answer brought first. A leaf of
a later recorded success counts where it belongs to that thing, has the same name as an argument of the last writing
call that gave this name, and the same value. It is equal where the simulator shows the same value, identifiers
replaced, at the same place; a place that is missing is unequal.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gtm.types import Json
from replay.identity import MISSING, Substitution, child, is_identifier, plain, scalars
from replay.labels import action
from replay.records import Turn

_MAKING = re.compile(r"create|insert|(add|start|run|copy|clone|restore)(?![a-z])", re.IGNORECASE)
_ITS_OWN = re.compile(r"(id|arn|name)\Z")

Leaf = tuple[str, Json, Json]
"""Path, recorded value with identifiers replaced, simulated value or MISSING."""


@dataclass
class SetFields:
    """Which fields of which things the calls of one session have set so far."""

    _thing_of: dict[str, int | None] = field(default_factory=dict)
    """Identifier -> the thing it was first seen with; None where that was no writing call."""
    _given: list[dict[str, set[str]]] = field(default_factory=list)
    """A thing -> name of a field -> values that the last call that gave it gave."""

    def add(self, turn: Turn) -> None:
        """Note a recorded success: what it made or set."""
        writes = action(turn).verb == "write"
        fresh = self._fresh(turn.arguments) | self._fresh(turn.response)
        thing = self._latest(turn.arguments)
        if writes and (thing is None or (fresh and makes(turn))):
            thing = len(self._given)
            self._given.append({})
            if not makes(turn):  # a change of what was there before the session
                fresh |= {value for _, value in action(turn).named[-1:]}
        self._thing_of.update(dict.fromkeys(fresh, thing if writes else None))
        if thing is not None and writes:
            new: dict[str, set[str]] = {}
            for name, value in scalars(turn.arguments):
                new.setdefault(plain(name), set()).add(_text(value))
            self._given[thing].update(new)

    def shown(self, turn: Turn, simulated: Json, ids: Substitution) -> Iterator[Leaf]:
        """The leaves of a recorded success that were set earlier."""
        if self._given and not makes(turn):
            yield from self._walk((turn.response, simulated), ids, self._latest(turn.arguments))

    def _walk(
        self, pair: tuple[Json, Json], ids: Substitution, thing: int | None, path: str = "", *, listed: bool = False
    ) -> Iterator[Leaf]:
        recorded, simulated = pair
        if isinstance(recorded, dict):
            here = {key: item for key, item in recorded.items() if not isinstance(item, dict | list)}
            own = self._latest(here)
            # What has an identifier of its own that no call set is another thing.
            if any(name in here and str(here[name]) not in self._thing_of for name in ("id", "Id", "arn", "Arn")):
                thing = None
            elif own is not None or (listed and any(map(_ITS_OWN.search, map(plain, here)))):
                thing = own
            for key, item in recorded.items():
                yield from self._walk((item, child(simulated, key)), ids, thing, f"{path}/{key}")
        elif isinstance(recorded, list):
            for index, other in enumerate(ids.matched(recorded, simulated)):
                yield from self._walk((recorded[index], other), ids, thing, f"{path}/{index}", listed=True)
        elif recorded is not None and thing is not None:
            name = next((part for part in reversed(path.split("/")) if not part.isdecimal()), "")
            if _text(recorded) in self._given[thing].get(plain(name), ()):
                yield path, ids.apply(recorded, name), simulated

    def _fresh(self, value: Json) -> set[str]:
        leaves = {str(item) for name, item in scalars(value) if is_identifier(name, item)}
        return leaves - self._thing_of.keys()

    def _latest(self, value: Json) -> int | None:
        """The thing that was made last among those a value names."""
        things = (self._thing_of.get(str(item)) for _, item in scalars(value))
        return max((thing for thing in things if thing is not None), default=None)


def makes(turn: Turn) -> bool:
    """Whether a call makes a new thing, whose fields nothing earlier can have set."""
    return bool(_MAKING.search(turn.tool.rpartition(":")[2]))


def _text(value: Json) -> str:
    return f"{type(value).__name__}:{value}"


def equal(wanted: Json, simulated: Json) -> bool:
    """Whether the simulator showed the value."""
    return simulated is not MISSING and bool(wanted == simulated)
