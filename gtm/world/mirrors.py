"""A part of a thing that has a path of its own and is a field of the thing, too, is one and the same.

`PUT /distribution/{Id}/config` changes what `GET /distribution/{Id}` shows as its `DistributionConfig`. Each write of
one is a write of the other: nothing else needs to know. Definitions tell the pairs; documents are compared by them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gtm.tools.view import View
from gtm.types import Effect, Json
from gtm.world.bound import STORED
from gtm.world.fields import last_noun
from gtm.world.mentions import KEYED
from gtm.world.resource import Resource
from gtm.world.state import SINGLE, Change, Place, Put, State, key_text
from gtm.world.words import flat, singular


@dataclass(frozen=True, slots=True)
class Mirror:
    """A part and the field of the whole that shows it."""

    part: str
    whole: str
    field: str
    inner: str | None
    """The property of the part's document that is the field; None: all of it is."""
    key: str | None
    """The whole's key property, where it is a text."""


class Mirrors:
    """Which parts and wholes of a toolset show the same; found out when one of them is written."""

    def __init__(self, effects: Iterable[Effect], resource: Callable[[str], Resource]) -> None:
        self._resource = resource
        self._kinds: dict[str, set[str]] = {}
        """Those of the tools of each resource."""
        for effect in effects:
            if effect.resource and effect.kind in STORED:
                self._kinds.setdefault(effect.resource, set()).add(effect.kind)
        self._found: dict[str, tuple[Mirror, ...]] = {}

    def changes(self, changes: tuple[Change, ...], state: State) -> tuple[Change, ...]:
        """Changes together with those that follow from them on the other side."""
        puts = (change for change in changes if isinstance(change, Put) and change.place.resource in self._kinds)
        return (*changes, *(other for put in puts for other in self._other_side(put, state)))

    def _other_side(self, put: Put, state: State) -> Iterator[Change]:
        name = put.place.resource
        if name not in self._found:
            inner = (other for other in self._kinds if other.rpartition("/")[0] == name)
            pairs = [(name, name.rpartition("/")[0]), *((part, name) for part in inner)]
            pairs = [(part, whole) for part, whole in pairs if whole in self._kinds and self._is_one(part)]
            mirrors = (mirror_of(self._resource(part), self._resource(whole)) for part, whole in pairs)
            self._found[name] = tuple(mirror for mirror in mirrors if mirror is not None)
        for mirror in self._found[name]:
            yield from (_part_written if mirror.part == name else _whole_written)(mirror, put, state)

    def _is_one(self, name: str) -> bool:
        """Whether there is but one thing of a resource in each whole: no tool makes or lists any."""
        return self._kinds[name] <= KEYED


def mirror_of(part: Resource, whole: Resource) -> Mirror | None:
    """How a part without a key of its own is a field of what it is inside of; None where it is none."""
    if part.keys or not part.ancestors or part.ancestors[-1] is not whole:
        return None
    last = flat(last_noun(part.name))
    forms = {last, flat(last_noun(whole.name)) + last}
    name = next((n for n in whole.fields if {flat(n), singular(flat(n))} & forms), None)
    if name is None:
        return None
    place = whole.fields[name]
    inner = next((n for n, view in part.fields.items() if flat(n) == flat(name) and view.type == place.type), None)
    key = whole.key if whole.key_leaf.get("type") == "string" else None
    if inner is None and not _are_alike(place, part):
        return None
    return Mirror(part.name, whole.name, name, inner, key)


def _are_alike(place: View, part: Resource) -> bool:
    """Whether a field has what the part has."""
    names = {flat(name) for name in place.properties}
    return place.type == "object" and bool(names) and 2 * len(names & part.shown) >= min(len(names), len(part.shown))


def _part_written(mirror: Mirror, change: Put, state: State) -> Iterator[Change]:
    value: Json = change.value if mirror.inner is None else change.value.get(mirror.inner)
    if value is None or not change.place.parents:
        return
    *outer, key = change.place.parents
    place = Place(mirror.whole, tuple(outer))
    document = state.get(place, key)
    if document is None and (mirror.key is None or not change.sent or state.is_deleted(place, key)):
        return  # a part that is only read makes no thing that lists would show
    known: dict[str, Json] = document.value if document is not None else {mirror.key or "": key}
    # What a read adds to what was known already stays with the side that shows it.
    if known.get(mirror.field) != value and (change.sent or mirror.field not in known):
        sent = (mirror.field,) if change.sent else ()
        yield Put(place, document.key if document else key, {**known, mirror.field: value}, "imagined", sent)


def _whole_written(mirror: Mirror, change: Put, state: State) -> Iterator[Change]:
    value = change.value.get(mirror.field)
    if value is None or (mirror.inner is None and not isinstance(value, dict)):
        return
    place = Place(mirror.part, (*change.place.parents, key_text(change.key)))
    document = state.get(place, SINGLE)
    known = document.value if document is not None else {}
    new = {**known, mirror.inner: value} if mirror.inner is not None else value
    told = any(name == mirror.field or name.startswith(f"/{mirror.field}/") for name in change.sent)
    if known != new and (told or (document is None and not state.is_deleted(place, SINGLE))):
        yield Put(place, SINGLE, new, "imagined", tuple(new) if told else ())
