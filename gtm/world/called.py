"""Which thing a call means: by its key, by another name, by a text that its caller gave, or by what was never told.

Looks at the documents of one place; changes nothing.
"""

from collections.abc import Mapping
from urllib.parse import unquote

from gtm.types import Json
from gtm.world.bound import Bound
from gtm.world.fields import WRAPPERS, bare, is_identifying
from gtm.world.lineage import find
from gtm.world.outcome import Moment
from gtm.world.resource import Resource
from gtm.world.state import Collection, Document, Place, State, key_text
from gtm.world.words import flat, words

SHORTEST_CALL = 3
"""Letters of a text that can tell one thing from the others, at least."""
MOST_CALLED = 200
"""Things that are looked through for such a text."""


def lookup(bound: Bound, state: State, place: Place, key: Json) -> Document | None:
    """A thing by its key, else by another of its fields (`get_user(email)` beside `get_user(id)`)."""
    collection = state.at(place)
    found = collection.documents.get(key_text(key))
    if found is not None or not collection.documents:
        return found
    found = next((document for name in bound.lookups if (document := collection.having(name, key)) is not None), None)
    found = found or find(bound.resource, state, place, key)
    reads = bound.effect.kind == "read" and bound.tool.http is not None
    if reads and found is None and isinstance(key, str) and unquote(key) != key:
        return lookup(bound, state, place, unquote(key))
    if found is None and not state.is_deleted(place, key):
        found = _told_inside(bound, collection, key)
    return found if found is not None or state.is_deleted(place, key) else _called(bound, collection, key)


def _told_inside(bound: Bound, collection: Collection, key: Json) -> Document | None:
    """The one thing whose caller gave this by the argument's own name, in an object (`attributes.user_id`)."""
    own = flat(bound.own_key or "")
    if not isinstance(key, str) or own in {"", "id", "name", "key"}:
        return None
    made = [d for d in collection.ordered if d.origin == "created"][:MOST_CALLED]
    told = [
        document
        for document in made
        for holder, part in document.said.items()
        if flat(holder) in WRAPPERS
        and isinstance(part, dict)
        and any(flat(name) == own and value == key for name, value in part.items())
    ]
    return told[0] if len(told) == 1 else None


def _called(bound: Bound, collection: Collection, key: Json) -> Document | None:
    """The thing whose caller called it so (`family` of a task definition) in a field that no tool asks by.

    Of several the last one: each is the next of its family.
    """
    if not isinstance(key, str) or len(key) < SHORTEST_CALL:
        return None
    if bound.key_field is not None and words(bound.own_key or "")[-1:] == ("id",):
        return None  # an id names the thing that shows it
    made = [d for d in collection.ordered if d.origin == "created"][:MOST_CALLED]
    named = [d for d in made if key in _own_names(d, bound.resource)]
    name, _, number = key.rpartition(":")
    said = [d for d in made if name in _own_names(d, bound.resource) and number == key_text(_revision_in(d))]
    return next(reversed(named or said), None)


def revisions(fields: Mapping[str, Json], collection: Collection, bound: Bound) -> dict[str, int]:
    """The number of a new thing among those that are called as it, where its tools show revisions."""
    shown = [name for name in _revising(bound.resource) if name not in fields]
    named = {_hashed(value) for name, value in fields.items() if words(name)[-1:] and words(name)[-1] in _NAMING}
    alike = [d for d in collection.ordered if shown and named & {*map(_hashed, _own_names(d, bound.resource))}]
    last = max((number for d in alike if isinstance(number := _revision_in(d), int)), default=0)
    return dict.fromkeys(shown, last + 1)


_REVISES = frozenset({"register", "publish"})
"""Verbs of creates that make the next revision of what is there."""


def _revising(thing: Resource) -> list[str]:
    """The fields of a thing that count its revisions."""
    return [name for name, place in thing.fields.items() if flat(name) == "revision" and place.type == "integer"]


def _revision_in(document: Document) -> Json:
    return next((value for name, value in document.value.items() if flat(name) == "revision"), None)


def _hashed(name: Json) -> str:
    return name if isinstance(name, str) else key_text(name)


def _own_names(document: Document, thing: Resource) -> list[Json]:
    """What a caller called a thing; of one without a name of its own what its parts are called."""
    sent = {name: document.value[name] for name in document.sent if name in document.value}
    own = [value for name, value in sent.items() if words(name)[-1:] and words(name)[-1] in _NAMING]
    keys = {*thing.keys, flat(thing.key or "")}
    if own or any(is_identifying(name) and flat(name) not in keys for name in document.value):
        return own
    parts = (part for part in sent.values() if isinstance(part, dict))
    return [value for part in parts for name, value in part.items() if is_identifying(name)]


_NAMING = frozenset("name title family label slug alias handle".split())
"""Last words of fields that say what a thing is called."""


def untold(bound: Bound, moment: Moment, place: Place) -> Document | None:
    """The one thing that was made without anybody being told what it is called."""
    thing = bound.resource
    if moment.mode != "auto" or not thing.receipts or len(bound.own_keys) != 1 or thing.key is None:
        return None
    known = {thing.key, *(name for name in thing.fields if flat(name) in bound.lookups)}
    collection = moment.state.at(place)
    made = [d for d in collection.ordered if d.origin == "created" and not known & d.sent]
    return made[0] if len(made) == 1 and not collection.windows else None


def imagined_as(fields: Mapping[str, Json], collection: Collection, bound: Bound) -> Document | None:
    """What was imagined when it was asked for by the name that the caller gives to a new thing: it is that thing."""
    names = [value for name, value in fields.items() if bare(name, bound.last) == "name" and isinstance(value, str)]
    if all(key.endswith("id") for key in bound.resource.keys):
        return None  # tools call things by their ids only
    found = (collection.documents.get(key_text(name)) for name in names)
    return next((document for document in found if document is not None and document.origin == "imagined"), None)


def is_taken(bound: Bound, fields: Mapping[str, Json], collection: Collection, given: Json) -> bool:
    """Whether a thing is there already that tools call as the caller calls the new one."""
    if _revising(bound.resource) and {*words(bound.tool.name)} & _REVISES:
        return False  # the next of its family
    if given is not None:
        return key_text(given) in collection.documents
    named = [collection.having(flat(name), fields[name]) for name in naming_fields(bound, fields)]
    return any(found is not None and not _is_another(bound, fields, found.value) for found in named)


def _is_another(bound: Bound, fields: Mapping[str, Json], known: Mapping[str, Json]) -> bool:
    """Whether a new thing has the name of a known one only (DNS records): a text that it must have is another.

    Where tools call things by their names, names are enough.
    """
    thing, required = bound.resource, bound.tool.parameters.get("required") or ()
    if any(flat(name) in thing.keys & thing.named_by for name in fields):
        return False
    return any(_differs(fields.get(name), known.get(name)) for name in required)


def _differs(given: Json, known: Json) -> bool:
    """Whether texts are not the same, or some that two objects both have."""
    if isinstance(given, dict) and isinstance(known, dict):
        return any(_differs(part, known.get(name)) for name, part in given.items())
    return isinstance(given, str) and isinstance(known, str) and given != known


def naming_fields(bound: Bound, fields: Mapping[str, Json]) -> list[str]:
    """The fields by which the caller names a new thing, where tools can call it so."""
    thing = bound.resource
    given = [name for name, value in fields.items() if isinstance(value, str)]
    keys = [name for name in given if flat(name) in thing.keys & thing.named_by]
    required = bound.tool.parameters.get("required") or ()
    named = [name for name in given if name in required and bare(name, bound.last) == "name"]
    return keys or [name for name in named if flat(name) in thing.called or bound.names_once]
