"""What is known of a thing from another thing that it shares its key with.

A `cluster` that is asked for by the key which the server gave a `job_flow` is that job flow. An `order_invoice` that
is asked for by an order's id belongs to the order, and a part without a key of its own (`/users/{id}/profile`)
to what holds it: these have some fields of it, no name or status. What is asked for at an address that is called as
the maker's own (`/files/{kind}/{id}` with `exports` beside `/files/exports/requests`) is the thing. Keys that callers
choose tell nothing.
"""

import json
from collections.abc import Mapping

from gtm.types import Json
from gtm.world.bound import Bound
from gtm.world.fields import bare, matching, nested_place
from gtm.world.repeats import is_shared
from gtm.world.state import SINGLE, Document, Place, State, key_text
from gtm.world.words import flat, singular

SHORTEST = 6
"""Letters of a key that two things do not have by chance, at least; a number counts things."""


def shared(bound: Bound, state: State, place: Place, key: Json) -> dict[str, Json]:
    """The fields that a thing has from the one it shares its key with; none where there is no such thing."""
    if state.is_deleted(place, key):
        return {}
    if key == SINGLE:
        return _of_whole(bound, state, place)
    own = key[-1] if isinstance(key, list) and key else key
    found, maker = _made_as(own, state, bound.resource.name) if isinstance(own, str) else (None, "")
    if found is None:
        return {}
    is_other = bare(bound.own_key or "", bound.last) not in {"id", "arn", "key", "identifier"}
    beside = place.parents and singular(flat(place.parents[-1])) in map(flat, maker.split("/"))
    return _some(found.said) if is_other and not beside else _held(bound, found.said)


def _held(bound: Bound, said: Mapping[str, Json]) -> dict[str, Json]:
    """Fields as the thing shows them: what it has in one of its objects only stands there."""
    fields: dict[str, Json] = {}
    for name, value in said.items():
        holder = None if matching(name, bound.resource.fields, bound.last) else nested_place(name, bound.view)
        inner = fields.get(holder) if holder is not None else None
        if holder is None or not (inner is None or isinstance(inner, dict)):
            fields.setdefault(name, value)
        else:
            fields[holder] = {**(inner or {}), name: value}
    return fields


def _of_whole(bound: Bound, state: State, place: Place) -> dict[str, Json]:
    ancestors = bound.resource.ancestors
    outer = ancestors[-1] if ancestors and len(place.parents) == len(ancestors) else None
    if outer is None:
        return {}
    whole = state.at(Place(outer.name, place.parents[:-1])).documents.get(place.parents[-1])
    return {} if whole is None else {n: v for n, v in _some(whole.said).items() if n in bound.resource.fields}


def _some(said: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in said.items() if is_shared(name, value)}


def _made_as(key: str, state: State, resource: str) -> tuple[Document | None, str]:
    """The one thing of another resource whose key, made by the server, is this, and what it was made as."""
    if len(key) < SHORTEST or key.isdecimal():
        return None, ""
    found = []
    for identity, collection in state:
        document = collection.documents.get(key_text(key))
        other = json.loads(identity)[0] if document is not None and document.origin == "created" else resource
        if document is not None and other != resource:
            if key in document.said.values():
                return None, ""
            found.append((document, other))
    return found[0] if len(found) == 1 else (None, "")
