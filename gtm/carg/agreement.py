"""What the calls of a session owe each other, checked with a plain table and not with the world that made them.

What a write answered is what later reads of that thing answer, field by field, until the next write; what was
deleted is not read again. Only things whose keys all callers name are followed, so it finds less than a replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gtm.carg.records import Called
from gtm.carg.rules import document_of, flat
from gtm.types import Effect, Json

Key = tuple[str, ...]

_NAMES = ("id", "name", "key", "slug", "code", "arn", "number")
"""How fields end that say which thing it is."""


@dataclass(slots=True)
class Agreement:
    """The table of one session."""

    effects: Mapping[str, Effect]
    _shown: dict[Key, dict[str, Json]] = field(default_factory=dict)
    _made: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    """Resource and fields of what was created since the last other write."""
    _deleted: set[Key] = field(default_factory=set)

    def holds(self, call: Called) -> bool:
        """Whether a call's answer fits those before it; it is taken in either way."""
        effect = self.effects.get(call.tool)
        result = call.result
        if effect is None or effect.resource is None or (result.fault is not None and not result.is_error):
            return True
        if result.is_error:
            if result.fault is not None:
                self._forget()
            return True
        key = _key(effect, call.arguments)
        if effect.kind == "read" and key is not None:
            return self._read(key, call)
        if effect.kind == "delete" and key is not None:
            self._forget()
            self._deleted.add(key)
        elif effect.kind in ("create", "update"):
            self._write(effect, key, call)
        elif effect.kind in ("compute", "opaque"):
            self._forget()
        return True

    def _read(self, key: Key, call: Called) -> bool:
        if key in self._deleted:
            return False
        document = _scalars(call.result.content)
        made = next(
            (known for resource, known in self._made if resource == key[0] and _is_named(known, key[-1])), None
        )
        before = self._shown.setdefault(key, document if made is None else made)
        return all(document[name] == value for name, value in before.items() if name in document)

    def _write(self, effect: Effect, key: Key | None, call: Called) -> None:
        """A write may touch more than its thing (a parent's count), so what was shown of others is forgotten."""
        self._forget()
        if effect.kind == "create":
            self._made.append((str(effect.resource), _scalars(call.result.content)))
        if key is not None and effect.kind == "update":
            self._deleted.discard(key)
            self._shown[key] = _scalars(call.result.content)
        else:
            self._deleted.clear()

    def _forget(self) -> None:
        self._shown.clear()
        self._made.clear()


def _key(effect: Effect, arguments: Mapping[str, Json]) -> Key | None:
    """Resource and values of the key; None where one is not given."""
    values = [arguments.get(name) for name in effect.key]
    if not values or any(value is None or isinstance(value, dict | list) for value in values):
        return None
    return (str(effect.resource), *(str(value) for value in values))


def _is_named(document: dict[str, Json], key: str) -> bool:
    """Whether a thing is called so."""
    return any(str(value) == key and flat(name).endswith(_NAMES) for name, value in document.items())


def _scalars(content: Json) -> dict[str, Json]:
    """Fields of the thing that is shown; what is said of the request alone is none."""
    document = document_of(content) or {}
    return {
        name: value
        for name, value in document.items()
        if not isinstance(value, dict | list) and flat(name) not in {"requestid", "etag", "message"}
    }
