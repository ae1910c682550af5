"""Lists as pinned windows over what is known, and counts of them.

A list imagines its first page once per filter it cannot decide and pins it; created things join, deleted ones leave,
totals count all that match. Filters on declared fields are decided by the documents themselves. Once a list was seen
without filters, no other filter shows what it did not show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gtm.tools.shape import escape
from gtm.types import Json, Source
from gtm.world import services
from gtm.world.answers import (
    asked,
    documents_in,
    items_in,
    kept,
    put_items,
    shown,
    typed_key,
    wrap,
    wrapped,
    wrapping,
)
from gtm.world.bound import Bound
from gtm.world.fields import matching
from gtm.world.filters import Filters, count, page_of
from gtm.world.outcome import Moment, Plan
from gtm.world.references import Stub, refer
from gtm.world.sorting import Rule, arranged, sorting
from gtm.world.state import SINGLE, Change, Collection, Document, Pin, Place, Put, key_text
from gtm.world.tree import UNKNOWN
from gtm.world.words import flat

IMAGINED = (2, 3)
"""Things an unseen list holds, at least and at most: each costs generated tokens."""

MOST_ASKED = 100
"""Things that are imagined by their names in one call."""

RECENT = 32
"""Answers about which things match that are kept, so that the pages of a long list are cut from one."""

EVERYTHING = "{}"
"""Signature of a list without filters."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list call finds."""

    matching: list[Document]
    """All that match, in the order asked for; those with a negative order are imagined by this call."""
    pin: tuple[str, ...] | None
    """The window that this call fixes; None where it is fixed or not needed."""


def fits(bound: Bound) -> bool:
    """Whether an answer shows documents in an array, so that a window can be kept."""
    return bound.counts or (bound.shape is not None and bound.document is not None and "*" in bound.document)


def plan_list(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """The plan of a list call."""
    if bound.counts:
        return _plan_count(bound, arguments, moment, place)
    assert bound.document is not None
    filters = Filters(bound, arguments)
    seed = (moment.seed, bound.tool.name, dict(arguments))
    listed = _list(bound, filters, moment, place, sorting(bound.view, bound.last, arguments))
    start, end = filters.window(listed.matching)
    page = listed.matching[start:end]
    items, sources, stubs = _items(bound, moment, page)
    base, _ = wrap(bound.document, UNKNOWN)
    known = put_items(base, bound.document, items)
    count(bound, arguments, known, sources, page_of(filters, start, len(page), len(listed.matching)))
    known = wrapped(bound, asked(bound, arguments), moment.state.at(place), known, sources)
    rest = bound.document[bound.document.index("*") + 1 :]

    def stored(document: Document) -> Json:
        known = moment.state.get(place, document.key) if filters.tells else document
        return known.value if known is not None else None

    def settle(content: Json) -> tuple[Change, ...]:
        answered = items_in(content, bound.document or ())
        parts = [(documents_in([item], ("*", *rest)) or [{}])[0] for item in answered]
        values = {
            id(d): kept(d.value, part) if d.order >= 0 else {**d.value, **part}
            for d, part in zip(page, parts, strict=False)
        }
        changes: list[Change] = [stub.put(parts[at] if at < len(parts) else {}) for at, stub in stubs]
        changes += [
            Put(place, document.key, values.get(id(document), document.value), "imagined")
            for document in (listed.matching if listed.pin or filters.tells else page)
            if document.order < 0 or values.get(id(document), document.value) != stored(document)
        ]
        if listed.pin is not None:
            changes.append(Pin(place, filters.signature, listed.pin))
        return (*changes, *wrapping(bound, asked(bound, arguments), moment.state, place, content))

    return Plan(known, sources, seed, tuple(d.value for d in page[:3]), settle)


def _list(bound: Bound, filters: Filters, moment: Moment, place: Place, rules: tuple[Rule, ...] = ()) -> Listed:
    """What matches, with what is imagined so that there is something."""
    collection = moment.state.at(place)
    window = collection.windows.get(filters.signature)
    pin: tuple[str, ...] | None = None
    fresh: list[Document] = []
    if window is None and moment.mode != "closed":
        if EVERYTHING not in collection.windows:
            # An unseen list is imagined as a whole and then cut, so that its pages add up.
            fresh = _imagine(bound, filters, collection, moment.seed)
            pin = tuple(key_text(d.key) for d in fresh)
        elif filters.undecided:
            # All is known: the filter's window is some of it.
            pin = _some(collection, services.seed_of(moment.seed, place.id, filters.signature))
    known = window if window is not None else pin or ()
    pinned = frozenset(known)
    found = _matching(collection, _Asked(bound.tool.name, filters.signature, pinned, filters))
    found = _of_that(bound, found, filters, moment)
    found = list(map(filters.told, found)) if filters.tells else found
    lacking = bound.fewest - len(found) - len(fresh)
    if lacking > 0:
        # An answer of this schema cannot say that there is nothing: also a new thing holds what it demands.
        fresh = fresh + _imagine(bound, filters, collection, moment.seed)[len(fresh) :][:lacking]
        pin = tuple(dict.fromkeys((*known, *(key_text(d.key) for d in fresh))))
    if not fresh and not rules:
        return Listed(found, pin)
    matching = found + fresh
    if rules:
        matching = _sorted(bound, matching, rules, moment.seed)
    return Listed(matching, pin)


def _of_that(bound: Bound, found: list[Document], filters: Filters, moment: Moment) -> list[Document]:
    """What was made with another value of what a list is asked for (`ruleName` of targets), which no item shows.

    Only where both values are of one form: some thing was made with this one, or both are keys of one collection.
    """
    for name, value in filters.undecided.items() if not bound.resource.movable else ():
        own = [key_text(d.value[name]) for d in found if isinstance(d.value.get(name), str)]
        if not own or not isinstance(value, str) or set(own) == {value}:
            continue
        alike = {value, *own} if value in own else _beside(value, set(own), moment)
        others = alike - {value}
        found = [d for d in found if not isinstance(d.value.get(name), str) or d.value[name] not in others]
    return found


def _beside(value: str, others: set[str], moment: Moment) -> set[str]:
    """Those of some keys that are keys of things beside the one that a value names."""
    collections = (c for _, c in moment.state if value in c.documents)
    return {other for collection in collections for other in others if other in collection.documents}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What decides which of a collection's things match."""

    tool: str
    signature: str
    pinned: frozenset[str]
    filters: Filters = field(compare=False)


@lru_cache(maxsize=RECENT)
def _matching(collection: Collection, asked: _Asked) -> list[Document]:
    """Walking over the pages of a long list looks through it once."""
    return [d for d in collection.ordered if d.key != SINGLE and asked.filters.match(d, asked.pinned)]


def _sorted(bound: Bound, matching: Sequence[Document], rules: tuple[Rule, ...], seed: int) -> list[Document]:
    """In order; what nobody has seen of a sorted field is drawn first."""
    shape = bound.shown_fields
    drawn: list[Document] = []
    for document in matching:
        lacking = [rule.name for rule in rules if rule.name not in document.value and rule.name in shape]
        parts = {
            name: services.drawn(
                name, shape[name], services.seed_of(seed, bound.resource.name, key_text(document.key))
            )
            for name in lacking
        }
        drawn.append(replace(document, value={**document.value, **parts}) if parts else document)
    return [drawn[at] for at in arranged(((d.value, at) for at, d in enumerate(drawn)), rules)]


def _some(collection: Collection, seed: int) -> tuple[str, ...]:
    """Some of the known things, by the seed; those that were created match only what can be decided."""
    known = [key_text(d.key) for d in collection.ordered if d.origin != "created"]
    return tuple(text for text in known if services.seed_of(seed, text) % 2) or tuple(known[:1])


def _items(
    bound: Bound, moment: Moment, page: Sequence[Document]
) -> tuple[list[Json], dict[str, Source], list[tuple[int, Stub]]]:
    """The known part of every item, where it came from, and what the items refer to for the first time."""
    path = bound.document or ()
    at = "".join(f"/{escape(step)}" for step in path[: path.index("*")])
    rest = path[path.index("*") + 1 :]
    own = bound.key_field if flat(bound.key_field or "-") == flat(bound.resource_key or "") else None
    items: list[Json] = []
    sources: dict[str, Source] = {}
    stubs: list[tuple[int, Stub]] = []
    for index, document in enumerate(page):
        referred, named = refer(bound, moment, document.value, document.key)
        stubs += [(index, stub) for stub in named]
        new: dict[str, Source] = dict.fromkeys(document.value, "computed") if document.order < 0 else {}
        value = {**document.value, **referred} if referred else document.value
        if own is not None and not (own in value or matching(own, value, bound.last)):
            value = {**value, own: typed_key(bound, document.key)}  # what was made told its key by another name
        part, marks = shown(bound, value, {**new, **dict.fromkeys(referred, "computed")}, document.sent)
        item, pointer = wrap(rest, part)
        items.append(item)
        sources.update({f"{at}/{index}{pointer}/{escape(name)}": source for name, source in marks.items()})
    return items, sources, stubs


def _plan_count(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """How many things the list would show."""
    filters = Filters(bound, arguments)
    listed = _list(bound, filters, moment, place)
    total = len(listed.matching)
    known: Json = UNKNOWN
    sources: dict[str, Source] = {}
    if bound.shape is not None and bound.shape.get("type") in {"integer", "number"}:
        known, sources = total, {"": "computed"}
    elif bound.shape is not None and bound.shape.get("type") == "object":
        names = [n for n, leaf in bound.shape["properties"].items() if leaf.get("type") in {"integer", "number"}]
        known = dict.fromkeys(names[:1], total)
        sources = {f"/{escape(name)}": "computed" for name in names[:1]}

    def settle(content: Json) -> tuple[Change, ...]:
        changes = [Put(place, d.key, d.value, "imagined") for d in listed.matching if d.order < 0]
        pins = [Pin(place, filters.signature, listed.pin)] if listed.pin is not None else []
        return (*changes, *pins)

    return Plan(known, sources, (moment.seed, bound.tool.name, dict(arguments)), (), settle)


def _imagine(bound: Bound, filters: Filters, collection: Collection, seed: int) -> list[Document]:
    """Documents of a page nobody has seen: a key and the filtered fields are known, the rest is to be written."""
    low, high = IMAGINED
    array = bound.shape or {}
    for step in (bound.document or ())[: (bound.document or ()).index("*")] if bound.document else ():
        array = array["properties"][step]
    low, high = max(low, array.get("minItems", 0)), min(high, array.get("maxItems", high))
    seed = services.seed_of(seed, bound.resource.name, filters.signature)
    documents: list[Document] = []
    if not filters.possible:
        return documents
    asked, wanted = filters.asked_for(collection.ordered)
    if asked is not None and (wanted or filters.called):
        values = [{**filters.example(at), asked: value} for at, value in enumerate(wanted[:MOST_ASKED])]
        return [Document(value[asked], value, -1, "imagined") for value in values]
    for index in range(
        min(low + services.seed_of(seed, "count") % (max(high - low, 0) + 1), array.get("maxItems", high))
    ):
        value = filters.example(index)
        key: Json = f"#{collection.imagined + index}"
        name = bound.key_field or bound.resource_key
        if name:
            key = value.get(name)
            taken = frozenset(key_text(d.key) for d in documents)
            if key is None:
                key = imagined_key(bound, collection, seed, taken)
            if key is None or collection.knows(key) or key_text(key) in taken:
                continue
            value[name] = key
        elif bound.resource.holder is not None:
            taken = frozenset(key_text(d.key) for d in documents)
            key = imagined_key(bound, collection, seed, taken)
            if key is None:
                continue
            outer, inner = bound.resource.holder
            value[outer] = {inner: key}
        documents.append(Document(key, value, -1, "imagined"))
    return documents


def imagined_key(bound: Bound, collection: Collection, seed: int, taken: frozenset[str] = frozenset()) -> Json:
    """A key that nothing has; None where the schema has no other. Numbers stay below those of created things."""
    leaf = bound.key_leaf
    if leaf.get("type") == "integer" and "enum" not in leaf:
        number = int(leaf.get("minimum", 1)) + collection.imagined
        while collection.knows(number) or key_text(number) in taken:
            number += 1
        return number
    name = bound.resource_key or "id"
    for attempt in range(services.MAX_ATTEMPTS):
        key = services.valid_key(name, leaf, services.seed_of(seed, "key", attempt))
        if key is not None and not collection.knows(key) and key_text(key) not in taken:
            return key
    return None
