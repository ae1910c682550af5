"""Fields that an earlier call of the session set, found in a recorded answer, looked up in the simulated one.

A thing is what a writing call made or named: the identifiers its arguments or its answer brought first. A leaf of
a later recorded success counts where it belongs to that thing, the last writing call that gave the field of this path
gave this value, and the recording shows it: so what the server changes or hides is no leaf. A path is the same where
one ends with the other, list positions and plurals aside (`DistributionConfig.Comment` given, `Distribution.
DistributionConfig.Comment` shown); a field given at the top may be at most `MAX_AROUND` names deep in the answer.
It is equal where the simulator shows the same value, identifiers replaced, at the same place; a place that is missing
is unequal.

A leaf is *declared* where the definitions know it: the call that gave it passes its definition, which has that
argument, and the answer's schema has the place. Nobody can show the others: no simulator knows of them.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from gtm.tools.view import View
from gtm.types import Json
from replay.identity import MISSING, Substitution, child, is_identifier, is_opaque, plain, scalars
from replay.labels import action
from replay.records import Turn

_MAKING = re.compile(r"create|insert|(add|start|run|copy|clone|restore)(?![a-z])", re.IGNORECASE)
_ITS_OWN = re.compile(r"(id|arn|name)\Z")

MAX_AROUND = 3
"""Names around a field in an answer that a caller gave at the top: `data`, `attributes`, and the thing's own."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place of a recorded answer that was set earlier."""

    path: str
    wanted: Json
    """The recorded value, identifiers replaced."""
    shown: Json
    """The simulated value, or MISSING."""
    declared: bool

    @property
    def equal(self) -> bool:
        """Whether the simulator showed the value."""
        return self.shown is not MISSING and bool(self.wanted == self.shown)


@dataclass(frozen=True, slots=True)
class _Given:
    """What the last call that gave a field gave."""

    values: frozenset[str]
    declared: bool


_Path = tuple[str, ...]


@dataclass
class SetFields:
    """Which fields of which things the calls of one session have set so far."""

    _thing_of: dict[str, int | None] = field(default_factory=dict)
    """Identifier -> the thing it was first seen with; None where that was no writing call."""
    _given: list[dict[_Path, _Given]] = field(default_factory=list)
    """A thing -> path of a field -> values that the last call that gave it gave."""

    def add(self, turn: Turn, declared: Collection[str]) -> None:
        """Note a recorded success: what it made or set; `declared` are the arguments that its definition takes."""
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
            new: dict[_Path, set[str]] = {}
            for path, value in _leaves(turn.arguments):
                new.setdefault(path, set()).add(_text(value))
            known = {_flat(name) for name in declared}
            given = {p: _Given(frozenset(v), p[0] in known) for p, v in new.items()}
            if turn.cut:  # of what was sent only a part is on record
                given = dict.fromkeys(given, _Given(frozenset(), False))
            self._given[thing].update(given)

    def shown(self, turn: Turn, simulated: Json, ids: Substitution, schema: Json) -> Iterator[Leaf]:
        """The leaves of a recorded success that were set earlier; `schema` is its definition's of answers."""
        if self._given and not makes(turn):
            view = View(schema, schema) if isinstance(schema, dict) else None
            yield from self._walk((turn.response, simulated), ids, self._latest(turn.arguments), ("", view))

    def _walk(
        self,
        pair: tuple[Json, Json],
        ids: Substitution,
        thing: int | None,
        at: tuple[str, View | None],
        *,
        shared: frozenset[tuple[str, str]] | None = None,
    ) -> Iterator[Leaf]:
        """`shared` is what several items of the list have that this is one of: it tells none of them."""
        (recorded, simulated), (path, view) = pair, at
        listed = shared is not None
        if isinstance(recorded, dict):
            here = {key: item for key, item in recorded.items() if not isinstance(item, dict | list)}
            own = self._latest({key: item for key, item in here.items() if (key, str(item)) not in (shared or ())})
            # What has an identifier of its own that no call set is another thing.
            if any(name in here and str(here[name]) not in self._thing_of for name in ("id", "Id", "arn", "Arn")):
                thing = None
            elif own is not None or (listed and self._is_other(here)):
                thing = own
            for key, item in recorded.items():
                inside = (f"{path}/{key}", _inside(view, key))
                yield from self._walk((item, child(simulated, key)), ids, thing, inside)
        elif isinstance(recorded, list):
            items = view.items if view is not None and view.type == "array" else None
            objects = [item for item in recorded if isinstance(item, dict)]
            counted = Counter((key, str(value)) for item in objects for key, value in item.items())
            several = frozenset(mark for mark, count in counted.items() if count > 1)
            for index, other in enumerate(ids.matched(recorded, simulated)):
                yield from self._walk(
                    (recorded[index], other), ids, thing, (f"{path}/{index}", items), shared=several
                )
        elif recorded is not None and thing is not None and not _is_hidden(recorded):
            names = [part for part in path.split("/")[1:] if not part.isdecimal()]
            given = self._last_given(thing, tuple(map(_flat, names)))
            if given is not None and _text(recorded) in given.values:
                wanted = ids.apply(recorded, names[-1] if names else "")
                yield Leaf(path, wanted, simulated, given.declared and view is not None)

    def _is_other(self, here: dict[str, Json]) -> bool:
        """Whether an item of a list, in which nothing names a thing, is one that no call set."""
        marks = (str(value) for name, value in here.items() if is_identifier(name, value) and is_opaque(value))
        return any(map(_ITS_OWN.search, map(plain, here))) or any(mark not in self._thing_of for mark in marks)

    def _last_given(self, thing: int, path: _Path) -> _Given | None:
        """What was given for a field: that of the longest path, for it says most."""
        fields = self._given[thing]
        for start in range(len(path)):
            given = fields.get(path[start:])
            if given is not None and (start <= MAX_AROUND or start < len(path) - 1):
                return given
        within = [given for other, given in fields.items() if len(path) < len(other) and other[-len(path) :] == path]
        return within[-1] if within and path else None

    def _fresh(self, value: Json) -> set[str]:
        leaves = {str(item) for name, item in scalars(value) if is_identifier(name, item)}
        return leaves - self._thing_of.keys()

    def _latest(self, value: Json) -> int | None:
        """The thing that was made last among those a value names."""
        things = (self._thing_of.get(str(item)) for _, item in scalars(value))
        return max((thing for thing in things if thing is not None), default=None)


def _is_hidden(value: Json) -> bool:
    """Whether the recording itself hides a value: nobody can show it."""
    return isinstance(value, str) and value.startswith("<redacted-")


def makes(turn: Turn) -> bool:
    """Whether a call makes a new thing, whose fields nothing earlier can have set."""
    return bool(_MAKING.search(turn.tool.rpartition(":")[2]))


def _text(value: Json) -> str:
    return f"{type(value).__name__}:{value}"


def _leaves(value: Json, path: _Path = ()) -> Iterator[tuple[_Path, Json]]:
    """(path without list positions, scalar) for every leaf."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, _flat(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    elif value is not None:
        yield path, value


def _flat(name: str) -> str:
    """A name without case, punctuation and plural."""
    flat = plain(name)
    return flat[:-1] if len(flat) > 3 and flat.endswith("s") and not flat.endswith("ss") else flat


def _inside(view: View | None, key: str) -> View | None:
    """The place of a property in a schema; None where the schema does not have it."""
    if view is None:
        return None
    if key in view.properties:
        return view.child(key)
    node = view.node if isinstance(view.node, dict) else {}
    extra = node.get("additionalProperties")
    is_open = isinstance(extra, dict) or extra is True or (not view.properties and view.type in {"object", ""})
    return View(view.root, extra if isinstance(extra, dict) else {}) if is_open else None
