"""What is known of a thing from another thing that it shares its key with.

A `cluster` that is asked for by the key which the server gave a `job_flow` is that job flow. An `order_invoice` that
is asked for by an order's id belongs to the order, and a part without a key of its own (`/users/{id}/profile`)
to what holds it: these have some fields of it, no name or status. Keys that callers choose tell nothing.
"""

import json
from collections.abc import Mapping

from gtm.types import Json
from gtm.world.bound import Bound
from gtm.world.fields import bare
from gtm.world.repeats import is_shared
from gtm.world.state import SINGLE, Document, Place, State, key_text

SHORTEST = 6
"""Letters of a key that two things do not have by chance, at least; a number counts things."""


def shared(bound: Bound, state: State, place: Place, key: Json) -> dict[str, Json]:
    """The fields that a thing has from the one it shares its key with; none where there is no such thing."""
    if state.is_deleted(place, key):
        return {}
    if key == SINGLE:
        return _of_whole(bound, state, place)
    own = key[-1] if isinstance(key, list) and key else key
    found = _made_as(own, state, bound.resource.name) if isinstance(own, str) else None
    if found is None:
        return {}
    is_other = bare(bound.own_key or "", bound.last) not in {"id", "arn", "key", "identifier"}
    return _some(found.said) if is_other else found.said


def _of_whole(bound: Bound, state: State, place: Place) -> dict[str, Json]:
    ancestors = bound.resource.ancestors
    outer = ancestors[-1] if ancestors and len(place.parents) == len(ancestors) else None
    if outer is None:
        return {}
    whole = state.at(Place(outer.name, place.parents[:-1])).documents.get(place.parents[-1])
    return {} if whole is None else {n: v for n, v in _some(whole.said).items() if n in bound.resource.fields}


def _some(said: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in said.items() if is_shared(name, value)}


def _made_as(key: str, state: State, resource: str) -> Document | None:
    """The one thing of another resource whose key, made by the server, is this."""
    if len(key) < SHORTEST or key.isdecimal():
        return None
    found = []
    for identity, collection in state:
        document = collection.documents.get(key_text(key))
        if document is not None and document.origin == "created" and json.loads(identity)[0] != resource:
            if key in document.said.values():
                return None
            found.append(document)
    return found[0] if len(found) == 1 else None
