"""Documents inside answers: put there, found again, and lists as pinned windows over what is known.

A list imagines its first page once per filter it cannot decide and pins it; created things join, deleted ones leave,
totals count all that match. Filters on declared fields are decided by the documents themselves.
"""

from collections.abc import Mapping

from gtm.tools.shape import escape
from gtm.types import Json, Source, canonical
from gtm.world import services
from gtm.world.filters import Filters, count
from gtm.world.model import Bound
from gtm.world.outcome import Moment, Plan
from gtm.world.state import Change, Collection, Document, Pin, Place, Put, State, Wrap, key_text
from gtm.world.tree import UNKNOWN, adopt, overlay
from gtm.world.words import flat

IMAGINED = (2, 3)
"""Things an unseen list holds, at least and at most: each costs generated tokens."""


def fits(bound: Bound) -> bool:
    """Whether an answer shows documents in an array, so that a window can be kept."""
    return bound.shape is not None and bound.document is not None and "*" in bound.document


def wrap(path: tuple[str, ...], value: Json) -> tuple[Json, str]:
    """A document put in its place in an otherwise unknown answer, and the pointer to it."""
    if not path:
        return value, ""
    inner, pointer = wrap(path[1:], value)
    step = path[0]
    if step == "*":
        return [inner], f"/0{pointer}"
    return {step: inner}, f"/{escape(step)}{pointer}"


def document_in(content: Json, path: tuple[str, ...] | None) -> dict[str, Json]:
    """The (first) document shown in an answer; empty where there is none."""
    if path is None:
        return {}
    for step in path:
        if step == "*":
            content = content[0] if isinstance(content, list) and content else None
        else:
            content = content.get(step) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def stored_name(bound: Bound, value: Mapping[str, Json], argument: str) -> str:
    """The document's name for an argument: the declared or stored property that reads the same."""
    declared = bound.view.properties if bound.view else {}
    if argument in declared or argument in value:
        return argument
    wanted = flat(argument)
    return next((name for name in (*declared, *value) if flat(name) == wanted), argument)


def shown(
    bound: Bound, value: Mapping[str, Json], sources: Mapping[str, Source]
) -> tuple[dict[str, Json], dict[str, Source]]:
    """The part of a document that an answer has properties for."""
    view = bound.view
    if view is not None and not view.properties:
        return dict(value), {name: sources.get(name, "state") for name in value}
    declared = view.properties if view else {}
    by_flat = {flat(name): name for name in reversed(tuple(value))}
    part: dict[str, Json] = {}
    marks: dict[str, Source] = {}
    for name in declared:
        source = name if name in value else by_flat.get(flat(name))
        inner = view.child(name) if view else None
        if source is None or inner is None or inner.keyword("writeOnly") is True:
            continue
        part[name], marks[name] = value[source], sources.get(source, "state")
    return part, marks


def typed_key(bound: Bound, key: Json) -> Json:
    """The key in the type that the document declares for it."""
    kind = bound.key_leaf.get("type")
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if kind == "string" and not isinstance(key, str):
        return key_text(key)
    if kind == "integer" and isinstance(key, str) and key.lstrip("-").isdigit():
        return int(key)
    return key


def plan_list(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """The plan of a list call."""
    assert bound.document is not None
    collection = moment.state.at(place)
    filters = Filters(bound, arguments)
    window = collection.windows.get(filters.signature)
    pinned = set(window or ())
    seed = (moment.seed, bound.tool.name, dict(arguments))
    found = [d for d in collection.ordered if filters.match(d, pinned)]
    imagine = window is None and moment.mode != "closed" and not (filters.decided and "{}" in collection.windows)
    # An unseen list is imagined as a whole and then cut, so that its pages add up.
    fresh = _imagine(bound, filters, collection, services.seed_of(*seed)) if imagine else []
    matching = [*found, *fresh]
    page = matching[filters.offset : filters.offset + filters.limit]
    items, sources = [], dict[str, Source]()
    base, _ = wrap(bound.document, UNKNOWN)
    at = "".join(f"/{escape(step)}" for step in bound.document[: bound.document.index("*")])
    rest = bound.document[bound.document.index("*") + 1 :]
    for index, document in enumerate(page):
        part, marks = shown(
            bound, document.value, dict.fromkeys(document.value, "computed") if document.order < 0 else {}
        )
        item, pointer = wrap(rest, part)
        items.append(item)
        sources.update({f"{at}/{index}{pointer}/{escape(name)}": source for name, source in marks.items()})
    known = _put_items(base, bound.document, items)
    count(bound, known, sources, len(matching), filters)
    known = wrapped(bound, arguments, moment.state, place, known, sources)

    def settle(content: Json) -> tuple[Change, ...]:
        answered = _items_in(content, bound.document or ())
        values = {id(d): adopt(d.value, document_in(item, rest)) for d, item in zip(page, answered, strict=False)}
        changes: list[Change] = [
            Put(place, document.key, values.get(id(document), document.value), "imagined")
            for document in matching
            if document.order < 0 or values.get(id(document), document.value) != document.value
        ]
        if imagine:
            changes.append(Pin(place, filters.signature, tuple(key_text(d.key) for d in fresh)))
        return (*changes, *wrapping(bound, arguments, moment.state, place, content))

    return Plan(known, sources, seed, tuple(d.value for d in page[:3]), settle)


def wrapped(
    bound: Bound,
    arguments: Mapping[str, Json],
    state: State,
    place: Place,
    known: Json,
    sources: dict[str, Source],
) -> Json:
    """The known part with what stood around the documents the last time the same was asked."""
    kept = state.at(place).envelopes.get(_signature(bound, arguments))
    if kept is None or not isinstance(known, dict):
        return known
    sources.update({f"/{escape(name)}": "state" for name in kept if name not in known})
    return overlay(known, kept)


def wrapping(
    bound: Bound, arguments: Mapping[str, Json], state: State, place: Place, content: Json
) -> tuple[Change, ...]:
    """The change that keeps what stands around the documents of a reader's answer."""
    signature = _signature(bound, arguments)
    if not bound.document or not isinstance(content, dict) or signature in state.at(place).envelopes:
        return ()
    around = {name: value for name, value in content.items() if name != bound.document[0]}
    return (Wrap(place, signature, around),) if around else ()


def _signature(bound: Bound, arguments: Mapping[str, Json]) -> str:
    return canonical([bound.tool.name, dict(arguments)]).decode("utf-8", "replace")


def _put_items(base: Json, path: tuple[str, ...], items: list[Json]) -> Json:
    if path[0] == "*":
        return items
    return {path[0]: _put_items(base, path[1:], items)}


def _items_in(content: Json, path: tuple[str, ...]) -> list[Json]:
    for step in path:
        if step == "*":
            break
        content = content.get(step) if isinstance(content, dict) else None
    return content if isinstance(content, list) else []


def _imagine(bound: Bound, filters: Filters, collection: Collection, seed: int) -> list[Document]:
    """Documents of a page nobody has seen: a key and the filtered fields are known, the rest is to be written."""
    low, high = IMAGINED
    array = bound.shape or {}
    for step in (bound.document or ())[: (bound.document or ()).index("*")]:
        array = array["properties"][step]
    low, high = max(low, array.get("minItems", 0)), min(high, array.get("maxItems", high))
    documents: list[Document] = []
    for index in range(
        min(low + services.seed_of(seed, "count") % (max(high - low, 0) + 1), array.get("maxItems", high))
    ):
        value = {name: filters.example(name, index) for name in filters.equal}
        key: Json = f"#{collection.imagined + index}"
        if bound.key_field:
            key = value.get(bound.key_field)
            if key is None:
                key = _imagined_key(bound, bound.key_field, collection, seed, index)
            value[bound.key_field] = key
        if not collection.knows(key) and all(key_text(d.key) != key_text(key) for d in documents):
            documents.append(Document(key, value, -1, "imagined"))
    return documents


def _imagined_key(bound: Bound, name: str, collection: Collection, seed: int, index: int) -> Json:
    """Numbers stay below those given to created things (`services.FIRST_KEY`)."""
    leaf = bound.key_leaf
    if leaf.get("type") == "integer":
        number = int(leaf.get("minimum", 1)) + collection.imagined + index
        while collection.knows(number):
            number += 1
        return number
    return services.identifier(name, leaf, services.seed_of(seed, "key", index))


def documents_in(content: Json, path: tuple[str, ...] | None) -> list[dict[str, Json]]:
    """All documents shown in an answer."""
    if path is None:
        return []
    if "*" not in path:
        found = document_in(content, path)
        return [found] if found else []
    rest = path[path.index("*") + 1 :]
    return [document for item in _items_in(content, path) if (document := document_in(item, rest))]
