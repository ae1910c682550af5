"""A list call's arguments sorted into what they do, and the counts that follow from them.

Filters on declared fields are decided by the documents themselves; free-text search looks into every field; limit,
offset, page and our own cursors cut; what else is there (a radius, a topic) only names the window.
"""

from collections.abc import Mapping

from gtm.tools.shape import escape
from gtm.tools.view import View
from gtm.types import Json, Source, canonical
from gtm.world.model import PAGING, PRESENTATION, SEARCH, Bound
from gtm.world.state import Document, key_text
from gtm.world.tree import UNKNOWN
from gtm.world.words import flat, words

PAGE = 100
"""Things on a page of a tool that can page, where the caller sets no limit."""

ALL = 10_000
"""Things a list shows at most."""

CURSOR = "from-"
"""Our cursors are this and an offset."""

CURSORS = frozenset({"nextpagetoken", "nextcursor", "nexttoken", "cursor", "continuationtoken", "endcursor"})
"""Flat names of properties that hold the next page's cursor."""

_COUNTS = frozenset({"count", "size", "length", "resultcount", "numberofelements", "returned"})


def count(bound: Bound, known: Json, sources: dict[str, Source], total: int, filters: "Filters") -> None:
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


def _is_total(name: str) -> bool:
    """`total`, `total_entries`, `itemsTotal`; not `total_pages`, which counts something else."""
    parts = set(words(name))
    return bool(parts & {"total", "numfound"}) and not parts & {"page", "pages", "amount", "price", "cost", "size"}


def _counted(name: str, leaf: dict[str, Json], total: int, on_page: int, filters: "Filters") -> Json:
    plain = flat(name)
    if (
        plain in CURSORS
        and leaf.get("type") == "string"
        and not {"format", "pattern", "enum", "minLength"} & leaf.keys()
    ):
        return f"{CURSOR}{filters.offset + on_page}" if filters.offset + on_page < total else ""
    if leaf.get("type") in {"integer", "number"}:
        paging = {"limit": filters.limit, "offset": filters.offset, "page": filters.offset // filters.limit + 1}
        return (
            total if _is_total(name) else on_page if plain in _COUNTS else paging.get(PAGING.get(plain, ""), UNKNOWN)
        )
    if leaf.get("type") == "boolean" and set(words(name)) & {"more", "truncated", "next"}:
        return filters.offset + on_page < total
    return UNKNOWN


class Filters:
    """A list call's arguments, sorted into what they do."""

    def __init__(self, bound: Bound, arguments: Mapping[str, Json]) -> None:
        self.equal: dict[str, list[Json]] = {}
        self.search: list[str] = []
        self.undecided: dict[str, Json] = {}
        cut: dict[str, int] = {}
        self._scalars = _comparable(bound.view)
        by_flat = {flat(name): name for name in reversed(tuple(self._scalars))}
        for name, value in arguments.items():
            plain = flat(name)
            if isinstance(value, str) and value.startswith(CURSOR) and value[len(CURSOR) :].isdigit():
                cut["offset"] = int(value[len(CURSOR) :])
            elif name in bound.parents or plain in PRESENTATION or value is None:
                continue
            elif plain in PAGING and isinstance(value, int):
                cut[PAGING[plain]] = value
            elif plain in by_flat and _is_choice(value):
                self.equal[by_flat[plain]] = list(value) if isinstance(value, list) else [value]
            elif plain in SEARCH and isinstance(value, str):
                self.search.append(value.lower())
            else:
                self.undecided[name] = value
        pages = any(flat(name) in PAGING for name in bound.parameters.properties)
        wanted = cut.get("limit", 0)
        self.limit = min(wanted if wanted > 0 else PAGE if pages else ALL, ALL)
        self.offset = max(0, cut.get("offset", (max(cut.get("page", 1), 1) - 1) * self.limit))
        signed = {**self.equal, **self.undecided, **({"?": self.search} if self.search else {})}
        self.signature = canonical(signed).decode("utf-8", "replace")

    @property
    def decided(self) -> bool:
        """Whether the documents alone tell which of them match."""
        return not self.undecided and not self.search

    def match(self, document: Document, pinned: set[str]) -> bool:
        """Whether a document belongs to the answer; `pinned` are the keys imagined for this filter."""
        if not all(_holds(document.value.get(name), allowed) for name, allowed in self.equal.items()):
            return False
        if key_text(document.key) in pinned:
            return True
        text = canonical(document.value).decode("utf-8", "replace").lower() if self.search else ""
        return all(term in text for term in self.search) and (not self.undecided or document.origin != "imagined")

    def example(self, name: str, index: int) -> Json:
        """A value of a filtered field that matches."""
        value = self.equal[name][index % len(self.equal[name])]
        return [value] if self._scalars[name] == "array" else value


def _comparable(view: View | None) -> dict[str, str]:
    """Properties that a scalar argument can decide: scalars, and arrays of scalars. Name -> type."""
    found: dict[str, str] = {}
    for name in view.properties if view else ():
        place = view.child(name) if view else None
        holder = place.items if place is not None and place.type == "array" else place
        if place is not None and holder is not None and holder.type not in {"object", "array"}:
            found[name] = place.type
    return found


def _is_choice(value: Json) -> bool:
    """A scalar, or several of which a thing may have any."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str | int | float | bool) for item in value)
    return isinstance(value, str | int | float | bool)


def _holds(value: Json, allowed: list[Json]) -> bool:
    wanted = {key_text(item) for item in allowed}
    return any(key_text(item) in wanted for item in (value if isinstance(value, list) else [value]))
