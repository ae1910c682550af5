"""What the world learns from a turn that really happened elsewhere.

The documents of the answer are stored as they are; nothing is imagined, nothing refused.
"""

from collections.abc import Mapping

from gtm.types import Json
from gtm.world import lists
from gtm.world.model import Bound
from gtm.world.plan import SINGLE, place_of
from gtm.world.state import Change, Delete, Place, Put, State


def learn(bound: Bound, arguments: Mapping[str, Json], content: Json, state: State) -> tuple[Change, ...]:
    """The changes that a successful call and its answer tell of."""
    if not bound.stored:
        return ()
    place = place_of(bound, arguments)
    if bound.effect.kind == "list":
        documents = lists.documents_in(content, bound.document)
        keyed = [
            (d.get(bound.key_field), d) for d in documents if bound.key_field and d.get(bound.key_field) is not None
        ]
        return tuple(Put(place, key, _merged(state, place, key, d), "observed") for key, d in keyed)
    document = lists.document_in(content, bound.document)
    key = document.get(bound.key_field) if bound.key_field else None
    if key is None:
        key = arguments.get(bound.own_key) if bound.own_key else SINGLE
    if key is None:
        return ()
    if bound.effect.kind == "delete":
        return (Delete(place, key),)
    fields = bound.argument_fields(arguments) if bound.effect.kind in {"create", "update"} else {}
    named = {lists.stored_name(bound, {}, name): value for name, value in fields.items() if name != bound.own_key}
    return (Put(place, key, {**_merged(state, place, key, named), **document}, "observed"),)


def _merged(state: State, place: Place, key: Json, value: dict[str, Json]) -> dict[str, Json]:
    known = state.get(place, key)
    return {**known.value, **value} if known else value
