"""A list call's arguments sorted into what they do, and the counts that follow from them.

Filters and ranges on declared fields are decided by the documents themselves; free-text search looks into every
field; limit, offset, page and cursors cut; what else is there (a radius, a topic) only names the window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gtm.tools.shape import escape
from gtm.tools.view import View
from gtm.types import Json, Source, canonical
from gtm.world.actions import BEGINNINGS
from gtm.world.bound import Bound
from gtm.world.fields import bare, is_identifying, matching, takes
from gtm.world.lineage import last_part
from gtm.world.listing import LINKS, PAGING, PRESENTATION, SEARCH, page_link
from gtm.world.matches import alike, compared, found_by, holds, value_at
from gtm.world.state import Document, key_text
from gtm.world.tree import UNKNOWN
from gtm.world.words import flat, singular, words

PAGE = 100
"""Things on a page of a tool that can page, where neither caller nor definition sets a limit."""

ALL = 10_000
"""Things a list shows at most."""

CURSOR = "from-"
"""Our cursors are this and an offset."""

_PAGERS = frozenset("meta links paging pagination page pageinfo cursors responsemetadata".split())
"""Objects (flat names) that tell of the page in objects of their own (`meta.pagination`)."""

AROUND = 2
"""Objects, one in another, that counts and links may stand in."""

CURSORS = frozenset(
    "nextpagetoken nextcursor nexttoken cursor continuationtoken endcursor marker nextmarker nextpagemarker"
    " nextcontinuationtoken paginationtoken".split()
)
"""Flat names of properties that hold the next page's cursor."""

KEYSET = frozenset({"startingafter", "after", "marker", "cursor", "lastid"})
"""Arguments (flat names) that may hold the key of the last thing of the page before."""

_COUNTS = frozenset({"count", "size", "length", "resultcount", "numberofelements", "returned"})
_LOW = {"min": 0, "from": 0, "gte": 0, "since": 0, "start": 0, "gt": 1, "after": 1}
_HIGH = {"max": 0, "to": 0, "lte": 0, "until": 0, "end": 0, "lt": 1, "before": 1}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows of all that match."""

    start: int
    size: int
    total: int
    limit: int
    base: int
    """The number of the first page."""

    @property
    def more(self) -> bool:
        """Whether something comes after it."""
        return self.start + self.size < self.total


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of one field."""

    name: str
    low: Json = None
    high: Json = None
    open_ends: bool = False
    """Whether the bounds themselves are out."""

    def holds(self, value: Json) -> bool:
        """Whether a value is inside."""
        return (self.low is None or _above(value, self.low, self.open_ends)) and (
            self.high is None or _above(self.high, value, self.open_ends)
        )

    @property
    def inside(self) -> Json:
        """A value that is inside, where one can be told."""
        edge = self.low if self.low is not None else self.high
        step = (1 if self.low is not None else -1) if self.open_ends else 0
        return edge + step if isinstance(edge, int | float) else edge


def page_of(filters: "Filters", start: int, size: int, total: int) -> Page:
    """A page as its counts tell it."""
    return Page(start, size, total, filters.limit, filters.base)


def count(bound: Bound, arguments: Mapping[str, Json], known: Json, sources: dict[str, Source], page: Page) -> None:
    """Counts and paging fields beside the array, at the top or in objects there (`meta`, `links.pages`)."""
    if not isinstance(known, dict) or bound.shape is None:
        return
    schema = bound.tool.output_schema if isinstance(bound.tool.output_schema, dict) else {}
    top = View(schema, schema)

    marks = any("marker" in flat(name) for name in bound.parameters.properties)

    def told(path: tuple[str, ...], leaf: dict[str, Json]) -> Json:
        if "marker" in flat(path[-1]) and not marks:
            return UNKNOWN
        found = _counted(path[-1], leaf, page)
        place = top.at(path) if found is UNKNOWN and flat(path[-1]) in LINKS else None
        return found if place is None else _linked(bound, arguments, path, place, page)

    def fill(shape: dict[str, Json], around: dict[str, Json], path: tuple[str, ...]) -> None:
        for name, leaf in shape.get("properties", {}).items():
            inner, own = around.get(name, {}), (*path, name)
            deeper = not path or (len(path) < AROUND and flat(path[-1]) in _PAGERS)
            if leaf.get("type") == "object" and isinstance(inner, dict) and deeper:
                inner = dict(inner)
                fill(leaf, inner, own)
                if inner:
                    around[name] = inner
            elif name not in around and (value := told(own, leaf)) is not UNKNOWN:
                around[name], sources["".join(f"/{escape(step)}" for step in own)] = value, "computed"

    fill(bound.shape, known, ())


def tallied(shape: Mapping[str, Json], content: Mapping[str, Json]) -> dict[str, Json]:
    """What an answer that pages but shows nothing known says of its one array: how many it holds, and no more."""
    properties = shape.get("properties", {})
    arrays = [value for value in content.values() if isinstance(value, list)]
    pages = any(flat(name) in PAGING or flat(name) in LINKS or "more" in words(name) for name in properties)
    if len(arrays) != 1 or not pages:
        return {}
    page = Page(0, len(arrays[0]), len(arrays[0]), max(1, len(arrays[0])), 1)
    told = {name: _counted(name, leaf, page) for name, leaf in properties.items() if flat(name) not in PAGING}
    return {name: value for name, value in told.items() if value is not UNKNOWN}


def _is_total(name: str) -> bool:
    """`total`, `total_entries`, `itemsTotal`; not `total_pages`, which counts something else."""
    parts = set(words(name))
    return bool(parts & {"total", "numfound"}) and not parts & {"page", "pages", "amount", "price", "cost", "size"}


def _is_pages(name: str) -> bool:
    """`total_pages`, `pageCount`."""
    parts = set(words(name))
    return bool(parts & {"page", "pages"}) and bool(parts & {"total", "count", "last"}) and "per" not in parts


def _counted(name: str, leaf: dict[str, Json], page: Page) -> Json:
    plain = flat(name)
    if (
        plain in CURSORS
        and leaf.get("type") == "string"
        and not {"format", "pattern", "enum", "minLength"} & leaf.keys()
    ):
        return f"{CURSOR}{page.start + page.size}" if page.more else ""
    if leaf.get("type") in {"integer", "number"}:
        if _is_total(name):
            return page.total
        if _is_pages(name):
            return max(1, -(-page.total // page.limit))
        number = page.start // page.limit + page.base
        paging = {"limit": page.limit, "offset": page.start, "page": number}
        return page.size if plain in _COUNTS else paging.get(PAGING.get(plain, ""), UNKNOWN)
    if leaf.get("type") == "boolean" and set(words(name)) & {"more", "truncated", "next"}:
        return page.more
    return UNKNOWN


def _linked(bound: Bound, arguments: Mapping[str, Json], path: tuple[str, ...], place: View, page: Page) -> Json:
    """A link to the page after or before; null, else "", where there is none."""
    after = LINKS[flat(path[-1])] > 0
    start = page.start + page.size if after else max(0, page.start - page.limit)
    if not (page.more if after else page.start > 0):
        return next((nothing for nothing in (None, "") if takes(place, nothing)), UNKNOWN)
    cuts = {"limit": page.limit, "offset": start, "page": start // page.limit + page.base}
    link = page_link(bound.tool, arguments, cuts, f"{CURSOR}{start}")
    cursor = f"{CURSOR}{start}" if "cursor" in singular(path[0]) else None
    told = [cursor] if cursor else [link, f"https://api.example.com{link}"] if link else []
    return next((text for text in told if takes(place, text)), UNKNOWN)


class Filters:
    """A list call's arguments, sorted into what they do."""

    def __init__(self, bound: Bound, arguments: Mapping[str, Json]) -> None:
        self.equal: dict[str, list[Json]] = {}
        self.called: list[Json] = []
        """Names of the things that are asked for, where no field of theirs is called so."""
        self.ranges: list[Range] = []
        self.search: list[str] = []
        self.undecided: dict[str, Json] = {}
        self._cut: dict[str, int] = {}
        self._after: str | None = None
        self._bound = bound
        self._fields = _comparable(bound)
        address = bound.address
        parent = arguments.get(address.parent) if address is not None else None
        self._prefix = address.prefix(parent) if address is not None and parent is not None else ""
        inside = (*bound.parents, address.parent) if address is not None else bound.parents
        for name, value in arguments.items():
            if name not in inside and value is not None and not self._cuts(name, value):
                self._sort_in(name, value)
        self._names = frozenset(map(key_text, self.called))
        self._allowed = {name: {compared(name, item) for item in values} for name, values in self.equal.items()}
        keys = (name for name in {bound.key_field, bound.resource_key} if name is not None and name in self.equal)
        self._named = {name: {key_text(v) for v in self.equal[name] if last_part(v) is not None} for name in keys}
        self._untold = {name: told for name, values in self.equal.items() if (told := self._of_new(name, values))}
        """Filters on what no caller sets: a new thing of which it was not shown may have any of the values. One."""
        self.base = 0 if any(_starts_at_zero(bound, name) for name in bound.parameters.properties) else 1
        self.limit = self._limit()
        within: dict[str, Json] = {"/": self._prefix} if self._prefix else {}
        within |= {"called": self.called} if self.called else {}
        equal = alike(self.equal)
        parts = {**within, **equal, **{f"{r.name}..": [r.low, r.high] for r in self.ranges}, **self.undecided}
        self.signature = canonical(parts | ({"?": [q.lower() for q in self.search]} if self.search else {})).decode(
            "utf-8", "replace"
        )

    @property
    def possible(self) -> bool:
        """Whether anything can match: not where a filter's value is none that its field takes."""
        fields = self._bound.resource.fields
        return all(
            name not in fields or all(takes(fields[name], value) for value in values) or fields[name].type != "string"
            for name, values in self.equal.items()
        )

    def match(self, document: Document, pinned: frozenset[str]) -> bool:
        """Whether a document belongs to the answer; `pinned` are the keys imagined for this filter."""
        value = document.value
        is_pinned = bool(pinned) and key_text(document.key) in pinned
        if self._prefix and not key_text(document.key).startswith(self._prefix) and not is_pinned:
            return False
        if self.called and not is_pinned and not self._names & _names_of(document):
            return False
        for name, allowed in self._allowed.items():
            unseen = name.partition(".")[0] not in value
            is_open = name in self._untold and document.origin == "created"
            called = self._named.get(name) or ()  # addresses of things, where their keys are asked for
            is_open = (is_open and unseen) or bool(called and called & _names_of(document))
            if not (holds(name, value_at(value, name), allowed) or is_open or (unseen and is_pinned)):
                return False
        for limits in self.ranges:
            if not (limits.holds(value.get(limits.name)) or (is_pinned and limits.name not in value)):
                return False
        if is_pinned or not (self.search or self.undecided):
            return True
        found = all(found_by(query, value) for query in self.search)
        return found and (not self.undecided or document.origin == "created")

    @property
    def tells(self) -> bool:
        """Whether what matches may be told something of by that."""
        return bool(self._untold)

    def told(self, document: Document) -> Document:
        """A document that matches, with what only the server could set of it and nobody has seen: now it is known."""
        new = (
            {n: v for n, v in self._untold.items() if n not in document.value} if document.origin == "created" else {}
        )
        return replace(document, value={**document.value, **new}) if new else document

    def example(self, index: int) -> dict[str, Json]:
        """Values of the filtered fields that match."""
        found: dict[str, Json] = {limits.name: limits.inside for limits in self.ranges}
        for name, values in self.equal.items():
            value = values[index % len(values)]
            outer, _, inner = name.partition(".")
            found[outer] = {inner: value} if inner else [value] if self._fields[name] == "array" else value
        return found

    def asked_for(self, documents: Sequence[Document]) -> tuple[str | None, list[Json]]:
        """The field by which single things are asked for, and the values that none of the documents has."""
        own = (name for name in self._fields if bare(name, self._bound.last) in {"name", "id"})
        key = self._bound.key_field or self._bound.resource_key or next(own, None)
        wanted = self.called or (self.equal.get(key, []) if key is not None else [])
        known = {name for document in documents for name in _names_of(document)}
        return key, [value for value in wanted if key_text(value) not in known]

    def window(self, matching: Sequence[Document]) -> tuple[int, int]:
        """Where the page starts and ends among all that match."""
        start = self._cut.get("offset", max(self._cut.get("page", self.base) - self.base, 0) * self.limit)
        if self._after is not None:
            at = next((i for i, d in enumerate(matching) if key_text(d.key) == self._after), -1)
            start = at + 1 if at >= 0 else start
        return max(0, start), max(0, start) + self.limit

    def _cuts(self, name: str, value: Json) -> bool:
        plain = flat(name)
        if isinstance(value, str) and value.startswith(CURSOR) and value[len(CURSOR) :].isdigit():
            self._cut["offset"] = int(value[len(CURSOR) :][:9])
        elif plain in PAGING and isinstance(value, int | float) and plain not in self._fields:
            self._cut[PAGING[plain]] = int(value)
        elif (plain in KEYSET or plain.startswith("exclusivestart")) and isinstance(value, str | int):
            self._after = key_text(value)
        else:
            return plain in PRESENTATION
        return True

    def _sort_in(self, name: str, value: Json) -> None:
        names = [name, singular(name), name.removesuffix("s")] if isinstance(value, list) else [name]
        field = next((f for n in names if (f := matching(n, self._fields, self._bound.last))), None)
        limits = _range(name, value, self._bound) if field is None else None
        if field is not None and _is_choice(value):
            self.equal[field] = list(value) if isinstance(value, list) else [value]
        elif isinstance(value, list) and flat(singular(name)) == flat(self._bound.last) and _is_choice(value):
            self.called = value
        elif limits is not None:
            self.ranges.append(limits)
        elif flat(name) in SEARCH and isinstance(value, str):
            self.search.append(value)
        else:
            self.undecided[name] = value

    def _of_new(self, name: str, values: list[Json]) -> Json:
        """The first of the values that a new thing can have without its caller's doing; None where there is none."""
        if "." in name or flat(name) in self._bound.resource.written or self._fields[name] != "string":
            return None
        return next((one for one in values if isinstance(one, str) and {flat(one), *words(one)} & BEGINNINGS), None)

    def _limit(self) -> int:
        wanted = self._cut.get("limit", 0)
        if wanted <= 0:
            named = [n for n in self._bound.parameters.properties if flat(n) in PAGING]
            places = [self._bound.parameters.child(n) for n in named if PAGING[flat(n)] == "limit"]
            defaults = [place.keyword("default") for place in places if place is not None]
            wanted = next((d for d in defaults if type(d) is int and d > 0), PAGE if named else ALL)
        return min(wanted, ALL)


def _names_of(document: Document) -> set[str]:
    """What a caller may call a thing by: its key and its fields that identify it."""
    fields = {key_text(value) for name, value in document.value.items() if is_identifying(name)}
    return {key_text(document.key), *fields}


def _starts_at_zero(bound: Bound, name: str) -> bool:
    if PAGING.get(flat(name)) != "page":
        return False
    place = bound.parameters.child(name)
    return place is not None and (place.keyword("minimum") == 0 or place.keyword("default") == 0)


def _comparable(bound: Bound) -> dict[str, str]:
    """Fields that a scalar argument can decide: scalars, arrays of scalars, keys in objects. Name -> type."""
    found: dict[str, str] = {}
    fields: Mapping[str, View] = bound.resource.fields
    if bound.view is not None and bound.view.properties:
        children = {name: bound.view.child(name) for name in bound.view.properties}
        fields = {name: child for name, child in children.items() if child is not None}
    for name, place in fields.items():
        holder = place.items if place.type == "array" else place
        if holder is not None and holder.type not in {"object", "array"}:
            found[name] = place.type
    for reference in bound.resource.references:
        if len(reference.path) > 1 and reference.path[0] in fields:
            found[".".join(reference.path)] = "key"
    return found


def _range(name: str, value: Json, bound: Bound) -> Range | None:
    """`minPrice`, `price_lte`, `created_after`: a bound of a field that is a number or a moment."""
    parts = words(name)
    for at in {0, len(parts) - 1}:
        word, rest = parts[at], "_".join(parts[:at] + parts[at + 1 :])
        if word not in {**_LOW, **_HIGH} or not rest:
            continue
        field = next((f for n in (rest, f"{rest}_at") if (f := matching(n, bound.resource.fields, bound.last))), None)
        place = bound.resource.fields[field] if field is not None else None
        numeric = place is not None and place.type in {"integer", "number"} and isinstance(value, int | float)
        dated = place is not None and str(place.keyword("format")).startswith("date") and isinstance(value, str)
        if field is not None and (numeric or dated):
            low = value if word in _LOW else None
            high = value if word in _HIGH else None
            return Range(field, low, high, bool({**_LOW, **_HIGH}[word]))
    return None


def _above(value: Json, bound: Json, strictly: bool) -> bool:
    numbers = isinstance(value, int | float) and isinstance(bound, int | float)
    if not numbers and not (isinstance(value, str) and isinstance(bound, str)):
        return False
    return bool(value > bound if strictly else value >= bound)


def _is_choice(value: Json) -> bool:
    """A scalar, or several of which a thing may have any."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str | int | float | bool) for item in value)
    return isinstance(value, str | int | float | bool)
