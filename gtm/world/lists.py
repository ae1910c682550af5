"""Documents inside answers: put there, found again, and lists as pinned windows over what is known.

A list imagines its first page once per filter it cannot decide and pins it; created things join, deleted ones leave,
totals count all that match. Filters on declared fields are decided by the documents themselves.
"""

from collections.abc import Mapping

from gtm.tools.view import View
from gtm.types import Json, Source, canonical
from gtm.world import services
from gtm.world.model import PAGING, PRESENTATION, SEARCH, Bound
from gtm.world.outcome import Moment, Plan
from gtm.world.state import Change, Document, Pin, Place, Put, key_text
from gtm.world.tree import UNKNOWN, escape
from gtm.world.words import flat, words

PAGE = 100
"""Things on a page where the caller sets no limit: what most real APIs return at most."""

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
    view = bound.view.child(bound.key_field) if bound.view and bound.key_field else None
    kind = view.type if view else ""
    if kind == "string" and not isinstance(key, str):
        return key_text(key)
    if kind == "integer" and isinstance(key, str) and key.lstrip("-").isdigit():
        return int(key)
    return key


def plan_list(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """The plan of a list call."""
    collection = moment.state.at(place)
    filters = _Filters.of(bound, arguments)
    window = collection.windows.get(filters.signature)
    pinned = set(window or ())
    seed = (moment.seed, bound.tool.name, dict(arguments))
    found = [d for d in collection.ordered if filters.match(d, pinned)]
    page = filters.page(found)
    imagine = window is None and moment.mode != "closed" and not (filters.decided and "{}" in collection.windows)
    fresh = (
        _imagine(bound, filters, moment, place, services.seed_of(*seed), room=filters.limit - len(page))
        if imagine
        else []
    )
    shape, schema = bound.shape, bound.view
    assert shape is not None and schema is not None and bound.document is not None
    items, sources = [], dict[str, Source]()
    base, _ = wrap(bound.document, UNKNOWN)
    at = "".join(f"/{escape(step)}" for step in bound.document[: bound.document.index("*")])
    rest = bound.document[bound.document.index("*") + 1 :]
    for index, document in enumerate([*page, *fresh]):
        part, marks = shown(
            bound, document.value, {} if index < len(page) else dict.fromkeys(document.value, "computed")
        )
        item, pointer = wrap(rest, part)
        items.append(item)
        sources.update({f"{at}/{index}{pointer}/{escape(name)}": source for name, source in marks.items()})
    known = _put_items(base, bound.document, items)
    total = len(found) + len(fresh)
    _count(bound, known, sources, total, filters)
    shown_documents = [*page, *fresh]

    def settle(content: Json) -> tuple[Change, ...]:
        changes: list[Change] = []
        answered = _items_in(content, bound.document or ())
        for document, item in zip(shown_documents, answered, strict=False):
            value = {**document.value, **document_in(item, rest)}
            if document.order < 0 or value != document.value:
                changes.append(Put(place, document.key, value, "imagined"))
        if imagine:
            changes.append(Pin(place, filters.signature, tuple(key_text(d.key) for d in fresh)))
        return tuple(changes)

    return Plan(known, sources, seed, tuple(d.value for d in page[:3]), settle)


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


def _imagine(bound: Bound, filters: "_Filters", moment: Moment, place: Place, seed: int, room: int) -> list[Document]:
    """Documents of a page nobody has seen: a key and the filtered fields are known, the rest is to be written."""
    collection = moment.state.at(place)
    low, high = IMAGINED
    array = bound.shape or {}
    for step in (bound.document or ())[: (bound.document or ()).index("*")]:
        array = array["properties"][step]
    low, high = (
        max(low, array.get("minItems", 0)),
        min(high, array.get("maxItems", high)) if "maxItems" in array else high,
    )
    count = min(low + services.seed_of(seed, "count") % (max(high - low, 0) + 1), max(room, 0))
    key_view = bound.view.child(bound.key_field) if bound.view and bound.key_field else None
    documents: list[Document] = []
    for index in range(count):
        value = {name: allowed[index % len(allowed)] for name, allowed in filters.equal.items()}
        key: Json = f"#{len(collection.documents) + index}-{seed & 0xFFFF:04x}"
        if bound.key_field and key_view is not None:
            key = value.get(bound.key_field) or _imagined_key(bound, key_view, collection.documents, seed, index)
            value[bound.key_field] = key
        if any(key_text(d.key) == key_text(key) for d in documents) or key_text(key) in collection.documents:
            break
        documents.append(Document(key, value, -1, "imagined"))
    return documents


def _imagined_key(bound: Bound, view: View, taken: Mapping[str, Document], seed: int, index: int) -> Json:
    """Small integers stay below those given to created things (`services.new_key` starts above 1000)."""
    leaf, name = view.flat, bound.key_field or "id"
    if leaf.get("type") == "integer":
        number = int(leaf.get("minimum", 1)) + len(taken) + index
        while str(number) in taken:
            number += 1
        return number
    return services.identifier(name, leaf, services.seed_of(seed, "key", index))


_TOTALS = frozenset({"total", "totalcount", "totalresults", "totalitems", "totalelements", "totalsize", "numfound"})
_COUNTS = frozenset({"count", "size", "length", "resultcount", "numberofelements", "returned"})


def _count(bound: Bound, known: Json, sources: dict[str, Source], total: int, filters: "_Filters") -> None:
    """Counts and paging fields beside the array, at the top or in one object there (`meta`, `pagination`)."""
    if not isinstance(known, dict) or bound.shape is None:
        return
    on_page = next((len(v) for v in known.values() if isinstance(v, list)), 0)
    for name, leaf in bound.shape.get("properties", {}).items():
        if leaf.get("type") == "object" and name not in known:
            inner = {
                key: value
                for key, sub in leaf["properties"].items()
                if (value := _counted(key, sub, total, on_page, filters)) is not UNKNOWN
            }
            if inner:
                known[name] = inner
                sources.update({f"/{escape(name)}/{escape(key)}": "computed" for key in inner})
        elif (value := _counted(name, leaf, total, on_page, filters)) is not UNKNOWN:
            known[name], sources[f"/{escape(name)}"] = value, "computed"


def _counted(name: str, leaf: dict[str, Json], total: int, on_page: int, filters: "_Filters") -> Json:
    plain = flat(name)
    if leaf.get("type") in {"integer", "number"}:
        paging = {"limit": filters.limit, "offset": filters.offset, "page": filters.offset // filters.limit + 1}
        return (
            total if plain in _TOTALS else on_page if plain in _COUNTS else paging.get(PAGING.get(plain, ""), UNKNOWN)
        )
    if leaf.get("type") == "boolean" and set(words(name)) & {"more", "truncated", "next"}:
        return filters.offset + on_page < total
    return UNKNOWN


class _Filters:
    """A list call's arguments, sorted into what they do."""

    def __init__(
        self, equal: dict[str, list[Json]], search: list[str], undecided: dict[str, Json], cut: dict[str, int]
    ) -> None:
        self.equal, self.search, self.undecided = equal, search, undecided
        self.limit = max(1, min(cut.get("limit", PAGE), PAGE))
        self.offset = max(0, cut.get("offset", (max(cut.get("page", 1), 1) - 1) * self.limit))
        self.signature = canonical({**equal, **undecided, **({"?": search} if search else {})}).decode()

    @classmethod
    def of(cls, bound: Bound, arguments: Mapping[str, Json]) -> "_Filters":
        declared = bound.view.properties if bound.view else {}
        by_flat = {flat(name): name for name in reversed(tuple(declared))}
        equal, search, undecided, cut = dict[str, list[Json]](), list[str](), dict[str, Json](), dict[str, int]()
        for name, value in arguments.items():
            plain = flat(name)
            if name in bound.parents or plain in PRESENTATION or value is None:
                continue
            if plain in PAGING and isinstance(value, int):
                cut[PAGING[plain]] = value
            elif plain in by_flat and _is_choice(value):
                equal[by_flat[plain]] = list(value) if isinstance(value, list) else [value]
            elif plain in SEARCH and isinstance(value, str):
                search.append(value.lower())
            else:
                undecided[name] = value
        return cls(equal, search, undecided, cut)

    @property
    def decided(self) -> bool:
        """Whether the documents alone tell which of them match."""
        return not self.undecided and not self.search

    def match(self, document: Document, pinned: set[str]) -> bool:
        if not all(_holds(document.value.get(name), allowed) for name, allowed in self.equal.items()):
            return False
        if key_text(document.key) in pinned:
            return True
        if self.search and not all(term in canonical(document.value).decode().lower() for term in self.search):
            return False
        return not self.undecided or document.origin != "imagined"

    def page(self, found: list[Document]) -> list[Document]:
        return found[self.offset : self.offset + self.limit]


def _is_choice(value: Json) -> bool:
    """A scalar, or several of which a thing may have any."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str | int | float | bool) for item in value)
    return isinstance(value, str | int | float | bool)


def _holds(value: Json, allowed: list[Json]) -> bool:
    wanted = {key_text(item) for item in allowed}
    return any(key_text(item) in wanted for item in (value if isinstance(value, list) else [value]))


def documents_in(content: Json, path: tuple[str, ...] | None) -> list[dict[str, Json]]:
    """All documents shown in an answer."""
    if path is None:
        return []
    if "*" not in path:
        found = document_in(content, path)
        return [found] if found else []
    rest = path[path.index("*") + 1 :]
    return [document for item in _items_in(content, path) if (document := document_in(item, rest))]
