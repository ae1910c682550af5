"""What calls do to the things of a list that a path names by their kind (`PUT /records/{host}/TXT`).

A PUT replaces all that are meant by those it sends, a POST adds, a PATCH changes what is there, a DELETE takes away.
What was written by such a call is known: nothing else of the kind and name is imagined. Which tools these are is in
`gtm.world.kinds`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gtm.types import Json, canonical
from gtm.world import services
from gtm.world.answers import document_in, sent_in
from gtm.world.bound import Bound
from gtm.world.drafts import Draft, answer_with, drafted, echo, merge_patch, succeeded
from gtm.world.fields import matching
from gtm.world.kinds import Selection
from gtm.world.matches import alike, compared
from gtm.world.outcome import Moment, Plan, Refusal
from gtm.world.routes import Path
from gtm.world.state import Change, Delete, Document, Pin, Place, Put, key_text
from gtm.world.tree import UNKNOWN, absorb


def chosen(selection: Selection, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """The fields that say which things are meant."""
    found: dict[str, Json] = {selection.field: selection.value}
    if selection.named is not None and selection.argument is not None:
        found[selection.named] = arguments.get(selection.argument)
    return found


def asked(selection: Selection, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """A reader's arguments, what the path says among them as the list's own filters."""
    return {name: value for name, value in arguments.items() if name != selection.argument} | chosen(
        selection, arguments
    )


def plan_kind(
    bound: Bound, selection: Selection, arguments: Mapping[str, Json], moment: Moment, place: Place
) -> Plan:
    """The plan of a write to the things of a kind."""
    own = chosen(selection, arguments)
    method = Path.of(bound.tool).method
    there = [d for d in moment.state.at(place).ordered if _is_meant(d, own)]
    seed = (moment.seed, bound.tool.name, dict(arguments))
    said = [_fields(bound, selection, part) for part in _parts(bound, arguments)]
    key = said[0].get(bound.resource.key or "") if len(said) == 1 else None
    if key is not None and method == "PATCH":  # of all of the kind the one that is named
        there = [document for document in there if key_text(document.key) == key_text(key)]
    if method == "DELETE":
        rest = {name: value for name, value in said[0].items() if name not in own and value != ""} if said else {}
        gone = [d for d in there if all(compared(n, d.value.get(n)) == compared(n, v) for n, v in rest.items())]
        if not gone and moment.mode == "closed" and not bound.forgiving:
            name = next((str(value) for key, value in own.items() if key != selection.field), selection.value)
            return Plan(refusal=Refusal("not_found", f"{bound.resource.label} {name!r} was not found"))
        changes: list[Change] = [Delete(place, document.key) for document in gone]
    elif method == "PATCH" and there and len(said) == 1:
        changes = [_merged(place, document, said[0]) for document in there]
    else:
        changes = [Delete(place, document.key) for document in there] if method == "PUT" else []
        changes += _made(bound, own, said, arguments, moment, place)
    signature = canonical(alike({name: [value] for name, value in own.items()})).decode("utf-8", "replace")
    pin = Pin(place, signature, ())
    puts = [change for change in changes if isinstance(change, Put)]
    if len(puts) == 1 and bound.document is not None and "*" not in bound.document:
        known, marks = answer_with(bound, arguments, puts[0].value, {}, frozenset(puts[0].value))
    else:
        told = {name: value for name, value in arguments.items() if not isinstance(value, list)}
        known, marks = echo(bound, told)
        succeeded(bound, known, marks)
        puts = []

    def settle(content: Json) -> tuple[Change, ...]:
        shown = document_in(content, bound.document) if puts else {}
        return (*(_shown(change, shown) if isinstance(change, Put) else change for change in changes), pin)

    return Plan(known or UNKNOWN, marks, seed, (), settle)


def _shown(change: Put, shown: Mapping[str, Json]) -> Put:
    """What is stored of a thing that was answered."""
    return replace(change, value=absorb(change.value, dict(shown))) if shown else change


def _is_meant(document: Document, own: Mapping[str, Json]) -> bool:
    return all(compared(name, document.value.get(name)) == compared(name, value) for name, value in own.items())


def _parts(bound: Bound, arguments: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """What a call says of each thing: the objects of an array, else its arguments."""
    arrays = [v for n, v in arguments.items() if n in bound.parameters.properties and isinstance(v, list)]
    things = [[item for item in value if isinstance(item, dict)] for value in arrays]
    return next(([*found] for found, value in zip(things, arrays, strict=True) if found == value), [arguments])


def _fields(bound: Bound, selection: Selection, said: Mapping[str, Json]) -> dict[str, Json]:
    """The fields of one thing among what is said."""
    found: dict[str, Json] = {}
    for name, value in said.items():
        field = matching(name, bound.resource.fields)
        if field is not None and name not in (*bound.parents, selection.argument):
            found[field] = value
    return found


def _merged(place: Place, document: Document, said: Mapping[str, Json]) -> Put:
    value = merge_patch(document.value, dict(said))
    return Put(place, document.key, value if isinstance(value, dict) else {}, document.origin, tuple(said))


def _made(
    bound: Bound,
    own: Mapping[str, Json],
    said: list[dict[str, Json]],
    arguments: Mapping[str, Json],
    moment: Moment,
    place: Place,
) -> Iterator[Put]:
    """New things of the kind, with the keys that they are given or keys of their own."""
    collection = moment.state.at(place)
    key_name = bound.resource.key
    for at, part in enumerate(said):
        fields = {**part, **own}
        given = fields.get(key_name) if key_name is not None else None
        seed = services.seed_of(moment.seed, place.id, canonical(fields).decode("utf-8", "replace"), at)
        key: Json = f"{seed & 0xFFFFFFFFFFFF:012x}"
        if given is not None:
            key = given
        elif key_name is not None and key_name in bound.resource.fields:
            counted = replace(collection, created=collection.created + at)
            key = services.new_key(key_name, bound.key_leaf, bound.last, counted, seed)
        draft = Draft(key, fields, {}, given is not None, "created")
        value, sources, _ = drafted(bound, arguments, moment, place, draft)
        if key_name is not None and key_name in bound.resource.fields:
            value, sources = {**value, key_name: key}, {**sources, key_name: "argument"}
        yield Put(place, key, value, "created", sent_in(sources))
