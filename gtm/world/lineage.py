"""Things inside of things: where a call's collection lies, whether what holds it exists, what goes with it.

A child lives in the collection of its parents' keys. It is not found where a parent is gone, or, where nothing is
imagined, was never made.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gtm.types import Json, canonical
from gtm.world.answers import given_in
from gtm.world.bound import Bound
from gtm.world.fields import IDS, bare, is_identifying, last_noun
from gtm.world.outcome import Moment, Refusal
from gtm.world.resource import Resource
from gtm.world.state import SINGLE, Change, Delete, Document, Place, State, key_text
from gtm.world.words import flat, words


@dataclass(frozen=True, slots=True)
class Entry:
    """The collection that a call touches."""

    place: Place
    refusal: Refusal | None = None
    """Why nothing in it can be found."""
    fresh: bool = False
    """Whether what holds it was created in this session: then nobody but the caller filled it."""


def enter(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Entry:
    """The collection of a call, and whether it is there."""
    refusal = _gone(bound, arguments, moment)
    if not bound.parents:
        return Entry(Place(bound.resource.name), refusal)
    parents: list[str] = []
    fresh = False
    for at, name in enumerate(bound.parents):
        given = arguments.get(name)
        ancestors = bound.resource.ancestors
        ancestor = ancestors[at] if at < len(ancestors) else None
        if ancestor is None:
            parents.append(key_text(given))
            continue
        place = Place(ancestor.name, tuple(parents))
        holder = find(ancestor, moment.state, place, given)
        if holder is None and refusal is None and _is_missing(ancestor, moment, place, name, given):
            refusal = Refusal("not_found", f"{ancestor.label} {given!r} was not found")
        parents.append(key_text(holder.key if holder else given))
        made = bound.resource.made or ancestor.caller_keys
        fresh = fresh or (made and holder is not None and holder.origin == "created")
    return Entry(Place(bound.resource.name, tuple(parents)), refusal, fresh)


def _gone(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Refusal | None:
    """Why nothing can be found where the thing without a key that holds it all was deleted."""
    given = tuple(key_text(arguments.get(name)) for name in bound.parents)
    for outer in bound.resource.around:
        place = Place(outer.name, given[: len(outer.ancestors)])
        if outer.on_delete != "orphan" and moment.state.is_deleted(place, SINGLE):
            return Refusal("not_found", f"{outer.label} was not found")
    return None


def buried(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Refusal | None:
    """Why a call about no thing finds nothing where what its path is under, or what holds that, was deleted."""
    outer = bound.under
    if outer is None:
        return None
    entry = enter(outer, arguments, replace(moment, mode="open"))
    key = given_in(outer, arguments)
    if entry.refusal is None and outer.resource.on_delete != "orphan" and moment.state.is_deleted(entry.place, key):
        return Refusal("not_found", f"{outer.resource.label} {key!r} was not found")
    return entry.refusal


def place_of(bound: Bound, arguments: Mapping[str, Json], state: State) -> Place:
    """The collection of a call that really happened."""
    return enter(bound, arguments, Moment.of(state)).place


def find(resource: Resource, state: State, place: Place, key: Json) -> Document | None:
    """A thing by its key, else by another of its fields that can tell it from the others."""
    collection = state.at(place)
    found = collection.documents.get(key_text(key))
    if found is not None or not collection.documents or key_text(key) in collection.deleted:
        return found
    others = {reference.path[0] for reference in resource.references if len(reference.path) == 1}
    fields = [name for name in resource.fields if name not in others and not _is_others(name, resource)]
    names = [flat(name) for name in (*fields, *resource.named_by) if is_identifying(name)]
    for value in (key, last_part(key)):
        if value is not None:
            found = collection.documents.get(key_text(value)) or next(
                (document for name in names if (document := collection.having(name, value)) is not None), None
            )
        if found is not None:
            return found
    return None


def _is_others(name: str, resource: Resource) -> bool:
    """Whether a field holds the id of some other thing (`company_id` of a deal)."""
    return bool(IDS & {*words(name)[-1:]}) and bare(name, last_noun(resource.name)) not in IDS


def last_part(key: Json) -> str | None:
    """The name at the end of an address: `web` of `arn:aws:s3:::web`, `projects/p/instances/web`."""
    if not isinstance(key, str) or not ("/" in key or key.count(":") > 1):
        return None
    return re.split(r"[/:]", key.rstrip("/"))[-1] or None


def inside(resource: Resource, state: State, place: Place, key: Json) -> Iterator[tuple[Place, Document]]:
    """All things inside of one, at any depth."""
    for name in resource.descendants:
        above = place.parents if key == SINGLE else (*place.parents, key_text(key))
        prefix = canonical([name, *above]).decode()[:-1]
        for collection_id, collection in state.collections.items():
            if collection_id.startswith(prefix) and collection_id[len(prefix)] in ",]":
                inner = Place(name, tuple(json.loads(collection_id)[1:]))
                for document in collection.ordered:
                    yield inner, document


def removal(bound: Bound, state: State, place: Place, key: Json) -> tuple[Change, ...] | Refusal:
    """What deleting one thing changes, or why it may not be deleted."""
    rule = bound.effect.on_delete
    held = [] if rule == "orphan" else list(inside(bound.resource, state, place, key))
    if held and rule == "restrict":
        message = f"{bound.resource.label} {key!r} cannot be deleted: it still holds {len(held)} others"
        return Refusal("conflict", message)
    return (Delete(place, key), *(Delete(inner, document.key) for inner, document in held))


def _is_missing(ancestor: Resource, moment: Moment, place: Place, argument: str, key: Json) -> bool:
    if moment.state.is_deleted(place, key):
        return ancestor.on_delete != "orphan"
    unknown = moment.mode == "closed" or (moment.mode == "auto" and ancestor.caller_keys)
    known = moment.mode == "closed" and any(d.origin == "observed" for d in moment.state.at(place).ordered)
    return unknown and (known or ancestor.tells(argument))
