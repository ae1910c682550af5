"""Several things created by one call: `createUsersWithArrayInput`, `{"items": [...]}`. All of them, or none.

Every item becomes a document of its own, with the key it gives or one made for it. What is called a create refuses
keys that are taken, anything else (`put_vectors`) writes over them. A delete of several things takes away those that
are there; in what nobody has seen the others are gone from then on, too.
"""

from collections.abc import Mapping
from dataclasses import replace

from gtm.tools.shape import escape
from gtm.types import Json, Source
from gtm.world import answers, services
from gtm.world.bound import Bound
from gtm.world.drafts import Draft, drafted, echo, succeeded
from gtm.world.fields import matching
from gtm.world.lineage import find, removal
from gtm.world.outcome import Moment, Plan, Refusal
from gtm.world.references import Stub
from gtm.world.state import Change, Document, Place, Put, State, key_text
from gtm.world.tree import UNKNOWN
from gtm.world.words import words

MAX_BATCH = 1000
"""Things that one call may create; services allow fewer."""


def plan_batch(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """The plan of a create of several things."""
    items = [item for item in arguments[bound.batch or ""] if isinstance(item, dict)]
    if len(items) > MAX_BATCH:
        return Plan(refusal=Refusal("conflict", f"at most {MAX_BATCH} things can be created by one call"))
    shared = {n: v for n, v in bound.argument_fields(arguments).items() if n != bound.batch}
    collection = moment.state.at(place)
    seed = (moment.seed, bound.tool.name, dict(arguments), collection.created)
    made: list[tuple[Json, dict[str, Json], dict[str, Source]]] = []
    stubs: list[tuple[int, Stub]] = []
    taken: set[str] = set()
    for at, item in enumerate(items):
        fields = {**shared, **item}
        given = answers.given_in(bound, fields)
        known = collection.documents.get(key_text(given)) if given is not None else None
        if given is not None and (known or key_text(given) in taken) and "create" in words(bound.tool.name):
            return Plan(refusal=Refusal("conflict", f"{bound.resource.label} {given!r} already exists"))
        key = given
        if given is None:
            counted = replace(collection, created=collection.created + at)
            name = bound.key_field or bound.resource_key or "id"
            key = services.new_key(name, bound.key_leaf, bound.last, counted, services.seed_of(*seed, at))
        taken.add(key_text(key))
        draft = Draft(key, fields, {}, given is not None, "created")
        value, sources, named = drafted(bound, arguments, moment, place, draft)
        made.append((key, value, sources))
        stubs += [(at, stub) for stub in named]
    known, marks = _answer(bound, arguments, made)

    def settle(content: Json) -> tuple[Change, ...]:
        shown = answers.documents_in(content, bound.document) if _shows_all(bound) else []
        parts = shown if len(shown) == len(made) else [{}] * len(made)
        puts = [
            Put(place, key, {**value, **part}, "created", answers.sent_in(origin))
            for (key, value, origin), part in zip(made, parts, strict=True)
        ]
        return (*(stub.put(parts[at]) for at, stub in stubs), *puts)

    return Plan(known, marks, seed, (), settle)


def plan_removals(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """The plan of a delete of several things."""
    seed = (moment.seed, bound.tool.name, dict(arguments))
    items = arguments[bound.batch or ""]
    known = any(_named(bound, item, moment.state, place) for item in items)
    tells = "batch" in words(bound.tool.name)  # such an answer has a place for what failed
    if moment.mode == "closed" and items and not (known or bound.forgiving or tells):
        said = items[0] if isinstance(items[0], str | int) else "of these"
        return Plan(refusal=Refusal("not_found", f"{bound.resource.label} {said!r} was not found"))
    changes = removals(bound, arguments, moment.state, place)
    if isinstance(changes, Refusal):
        return Plan(refusal=changes)
    echoed, marks = echo(bound, arguments)
    succeeded(bound, echoed, marks)
    return Plan(echoed or UNKNOWN, marks, seed, (), lambda content: changes)


def removals(bound: Bound, arguments: Mapping[str, Json], state: State, place: Place) -> tuple[Change, ...] | Refusal:
    """What deleting the things changes that an argument names, or why one of them may not be deleted."""
    found: list[Change] = []
    for item in arguments[bound.batch or ""]:
        named = [d.key for d in _named(bound, item, state, place)]
        keys = named or ([item] if isinstance(item, str | int) else [])
        for key in keys:
            changes = removal(bound, state, place, key)
            if isinstance(changes, Refusal):
                return changes
            found += changes
    return tuple(found)


def _named(bound: Bound, item: Json, state: State, place: Place) -> list[Document]:
    """The things that one item names: by a key or another name, or by all of their fields that an object holds."""
    if not isinstance(item, dict):
        document = find(bound.resource, state, place, item)
        return [document] if document is not None else []
    said = {name: value for name, value in item.items() if isinstance(value, str | int)}
    own = matching(bound.resource_key or "id", said, bound.last)
    if own is not None and (document := state.get(place, said[own])) is not None:
        return [document]
    alike = [d for d in state.at(place).ordered if all(d.value.get(n) == value for n, value in said.items())]
    return alike if said else []


def _shows_all(bound: Bound) -> bool:
    return bound.document is not None and "*" in bound.document


def _answer(
    bound: Bound, arguments: Mapping[str, Json], made: list[tuple[Json, dict[str, Json], dict[str, Source]]]
) -> tuple[Json, dict[str, Source]]:
    """All documents where the answer has room for them, else what is echoed."""
    if bound.document is None or not _shows_all(bound):
        echoed, marks = echo(bound, {n: v for n, v in arguments.items() if n != bound.batch})
        return echoed or UNKNOWN, marks
    path = bound.document
    at = "".join(f"/{escape(step)}" for step in path[: path.index("*")])
    rest = path[path.index("*") + 1 :]
    items: list[Json] = []
    sources: dict[str, Source] = {}
    for index, (_, value, origin) in enumerate(made):
        part, named = answers.shown(bound, value, origin, answers.sent_in(origin))
        item, pointer = answers.wrap(rest, part)
        items.append(item)
        sources.update({f"{at}/{index}{pointer}/{escape(name)}": source for name, source in named.items()})
    base, _ = answers.wrap(path, UNKNOWN)
    return answers.put_items(base, path, items), sources
