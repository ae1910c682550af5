"""What a session's log is made of, and its JSON: changes of the world, turns, branches.

Text goes in and comes out as it was; what is read is checked, because a file may be damaged. Knows nothing of
databases.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from gtm.errors import SessionError
from gtm.types import Json, Turn
from gtm.world.state import Change, Delete, Mark, Pin, Place, Put, State, Wrap

KINDS: dict[str, type[Change]] = {"put": Put, "delete": Delete, "pin": Pin, "wrap": Wrap, "mark": Mark}

_TAGS: dict[type, str] = {kind: tag for tag, kind in KINDS.items()}
_FIELDS: dict[type, tuple[str, ...]] = {kind: tuple(f.name for f in fields(kind)) for kind in KINDS.values()}

FOREVER = 2**31 - 1
"""Above the number of any turn."""


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a session: a branch, and how many turns lead there from the very first."""

    branch: str
    count: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What is fixed for all turns of a branch."""

    toolset: str
    """Digest of the definitions."""
    seed: int
    mode: str
    faults: Json


@dataclass(frozen=True, slots=True)
class Base:
    """What a branch begins with beside its parent's turns: a whole world and history, or changes."""

    state: State | None = None
    before: State | None = None
    turns: tuple[Turn, ...] = ()
    """Kept as turns without changes, so never read back here."""
    changes: tuple[Change, ...] = ()

    def dump(self) -> str:
        """As JSON, without the turns."""
        value: dict[str, Json] = {"changes": json.loads(dump_changes(self.changes))}
        if self.state is not None:
            value["state"] = self.state.dump()
            if self.before is not None and self.before is not self.state:
                value["before"] = self.before.dump()
        return json.dumps(value)

    @classmethod
    def load(cls, text: str) -> "Base":
        """From `dump()`. Raises SessionError."""
        value = _loads(text)
        if not isinstance(value, dict):
            raise _damaged("a branch")
        state = State.load(value["state"]) if "state" in value else None
        before = State.load(value["before"]) if "before" in value else state
        return cls(state, before, (), changes_of(value.get("changes")))


Entry = tuple[Turn, tuple[Change, ...]]
"""A turn and what it changed."""


@dataclass(frozen=True, slots=True)
class Log:
    """All that leads to a point of a branch, oldest first."""

    branch: str
    terms: Terms
    steps: list[Base | Entry]


@dataclass(frozen=True, slots=True)
class Known:
    """A session as the store lists it."""

    name: str
    start: Json
    counts: dict[str, int]
    """Turns of each world."""
    seeds: dict[str, int]
    """Of each world."""
    snapshots: tuple[str, ...]


def dump_turn(turn: Turn) -> str:
    """A turn as JSON."""
    try:
        return turn.model_dump_json()
    except PydanticSerializationError:
        # Half a surrogate pair, which UTF-8 cannot carry but JSON's escapes can.
        return json.dumps(turn.model_dump())


def load_turn(text: str) -> Turn:
    """A turn from `dump_turn`. Raises SessionError on anything else."""
    try:
        return Turn.model_validate_json(text)
    except ValidationError:
        try:
            return Turn.model_validate(_loads(text))
        except ValidationError:
            raise _damaged("a turn") from None


def dump_changes(changes: Iterable[Change]) -> str:
    """Changes as a JSON array of arrays: the kind, then its fields in order."""
    plain = [[_TAGS[type(change)], *[getattr(change, name) for name in _FIELDS[type(change)]]] for change in changes]
    if not plain:
        return "[]"
    try:
        return _ENCODER.encode(plain)
    except (ValueError, TypeError, RecursionError) as error:
        raise SessionError(f"what the call would keep is no JSON value ({error}); leave such values out") from None


def load_changes(text: str) -> tuple[Change, ...]:
    """Changes from `dump_changes`. Raises SessionError on anything else."""
    return () if text == "[]" else changes_of(_loads(text))


def changes_of(value: Json) -> tuple[Change, ...]:
    """Changes from parsed JSON. Raises SessionError on anything else."""
    if not isinstance(value, list):
        raise _damaged("a change")
    return tuple(_change(item) for item in value)


def _change(item: Json) -> Change:
    tag = item[0] if isinstance(item, list) and item else None
    kind = KINDS.get(tag) if isinstance(tag, str) else None
    if kind is None or len(item) != len(_FIELDS[kind]) + 1:
        raise _damaged("a change")
    values = {name: _READ[name](raw) for name, raw in zip(_FIELDS[kind], item[1:], strict=True)}
    if kind in (Put, Wrap) and not isinstance(values["value"], dict):
        raise _damaged("a change")
    return kind(**values)


def _place(raw: Json) -> Place:
    resource, *parents = _texts(raw) or ("",)
    return Place(resource, tuple(parents))


def _texts(raw: Json) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        raise _damaged("a change")
    return tuple(raw)


def _text(raw: Json) -> str:
    if not isinstance(raw, str):
        raise _damaged("a change")
    return raw


def _origin(raw: Json) -> str:
    if raw not in ("created", "imagined", "observed"):
        raise _damaged("a change")
    return str(raw)


def _any(raw: Json) -> Json:
    return raw


_READ: dict[str, Callable[[Json], Any]] = {
    "place": _place,
    "key": _any,
    "value": _any,
    "origin": _origin,
    "sent": _texts,
    "signature": _text,
    "keys": _texts,
    "name": _text,
}


def _list_of_place(place: Place) -> list[str]:
    return [place.resource, *place.parents]


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_list_of_place)


def _loads(text: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged("its JSON") from None


def _damaged(what: str) -> SessionError:
    return SessionError(f"the stored session is damaged: {what} cannot be read; restore a copy of the store")
