"""Arguments for planned calls: ordinary ones, and ones at the edges of what a tool takes. All of them valid.

What a caller would leave out is left out: optional arguments are few, cursors of pages nobody saw are none. Whether
a call is valid is what `gtm.simulator.validation.check_arguments` says, never an opinion of this module.
"""

import random
from collections.abc import Callable, Mapping
from typing import Literal

from gtm.carg.values import Values, topic_of
from gtm.errors import SpecError
from gtm.simulator.validation import check_arguments
from gtm.tools.choice import MAP_KEY
from gtm.tools.leaf import LARGEST, integer_bounds
from gtm.tools.merge import Schema
from gtm.tools.sampler import sample_arguments
from gtm.tools.shape import Unsatisfiable, output_shape
from gtm.tools.view import View
from gtm.types import Json, Tool
from gtm.world.fields import is_identifying
from gtm.world.listing import CURSOR_ARGUMENTS
from gtm.world.words import flat, words

Edge = Literal["minimal", "all", "boundary", "empty", "unicode", "large"]
EDGES: tuple[Edge, ...] = ("minimal", "all", "boundary", "empty", "unicode", "large")

USED = 0.5
"""How often an optional argument that recorded calls carry is given."""
USUAL_OPTIONAL = 1.6
"""Optional arguments of an ordinary call, on average, where no recorded call tells."""
INNER_SHARE = 0.5
"""Optional properties inside of objects."""
MAX_LONG = 240
"""Characters of a text at its `maxLength`; longer ones say nothing new and cost context."""
MAX_ITEMS = 12
DRAWS = 3

LEFT_OUT = CURSOR_ARGUMENTS | frozenset(
    "marker startingafter endingbefore after before exclusivestartkey skiptoken $skiptoken nextmarker callback jsonp"
    " prettyprint pretty alt quotauser userip uploadtype uploadprotocol xgafv oauthtoken accesstoken dryrun"
    " validateonly ifmatch ifnonematch ifmodifiedsince ifunmodifiedsince cachecontrol resourceversion continue"
    " versionid fields select expand filter".split()
)
"""Optional arguments (flat names) that ordinary calls do without: cursors, wire matters, little languages."""

_MAP_KEYS = ("team", "environment", "project", "cost-center", "owner", "release")
_UNICODE = (
    "Ærøskøbing",
    "naïve café",
    "日本語テスト",
    "Łódź",
    "emoji 🚀 test",
    "Ελλάδα",
    "España ñandú",
    "Müller & Söhne",
)
_LONG = (
    "This entry was written by the night shift and covers everything that happened between the two inspections.",
    "Two of the three pumps were replaced; the third was cleaned and is to be looked at again next week.",
    "Nobody was hurt, and all of the readings stayed within the limits that were agreed upon last year.",
)


class Arguments:
    """Writes arguments for the tools of one family."""

    def __init__(self, values: Values, used: Mapping[str, frozenset[str]]) -> None:
        """`used` are the names of arguments that recorded calls carry, by tool."""
        self._values = values
        self._used = used
        self._shapes: dict[str, Schema | None] = {}

    def ordinary(self, tool: Tool, rng: random.Random) -> dict[str, Json] | None:
        """What a caller would usually send; None where the tool cannot be called."""
        shape = self.shape(tool)
        if shape is None:
            return None
        for _ in range(DRAWS):
            chosen = self._chosen(tool, shape, rng)
            arguments: dict[str, Json] = self._values.fill(chosen, rng, (topic_of(tool.name),))
            if is_valid(tool, arguments):
                return arguments
        try:
            arguments = sample_arguments(tool, rng)
        except (Unsatisfiable, SpecError):
            return None
        return arguments if is_valid(tool, arguments) else None

    def edge(self, tool: Tool, rng: random.Random) -> tuple[Edge, dict[str, Json]] | None:
        """A valid call at some edge; None where the tool has none that differs from an ordinary call."""
        base = self.ordinary(tool, rng)
        shape = self.shape(tool)
        if base is None or shape is None:
            return None
        order = list(EDGES)
        rng.shuffle(order)
        for edge in order:
            made = self._at_edge(edge, tool, shape, base, rng)
            if made is not None and made != base and is_valid(tool, made):
                return edge, made
        return None

    def strict(self, tool: Tool, base: dict[str, Json], rng: random.Random) -> dict[str, Json]:
        """The call with some more arguments of which the schema says exactly what they may be."""
        shape = self.shape(tool)
        others = shape["properties"].items() if shape is not None else ()
        found = {name: inner for name, inner in others if name not in base and _is_strict(inner)}
        names = sorted(rng.sample(sorted(found), min(len(found), 2)))
        more: dict[str, Json] = {name: self._values.fill(found[name], rng, ("", name)) for name in names}
        return {**base, **more} if is_valid(tool, {**base, **more}) else base

    def shape(self, tool: Tool) -> Schema | None:
        """The shape of a tool's arguments; None where there are none that satisfy it."""
        if tool.name not in self._shapes:
            try:
                found: Schema | None = output_shape(tool.parameters, omit="readOnly").schema
            except (Unsatisfiable, SpecError):
                found = None
            self._shapes[tool.name] = found if found is not None and found.get("type") == "object" else None
        return self._shapes[tool.name]

    def _chosen(self, tool: Tool, shape: Schema, rng: random.Random) -> Schema:
        """The required arguments and some of the others."""
        required = frozenset(tool.parameters.get("required") or ())
        used = self._used.get(tool.name, frozenset())
        optional = [name for name in shape["properties"] if name not in required]
        share = min(0.5, USUAL_OPTIONAL / len(optional)) if optional else 0.0
        kept = {}
        view = View(tool.parameters, tool.parameters)
        for name, inner in shape["properties"].items():
            wanted = USED if name in used else 0.0 if used or flat(name) in LEFT_OUT else share
            if name in required or rng.random() < wanted:
                kept[name] = _pruned(inner, view.child(name), rng, INNER_SHARE)
        return {**shape, "properties": kept}

    def _at_edge(
        self, edge: Edge, tool: Tool, shape: Schema, base: dict[str, Json], rng: random.Random
    ) -> dict[str, Json] | None:
        required = frozenset(tool.parameters.get("required") or ())
        if edge == "minimal":
            return {name: value for name, value in base.items() if name in required}
        if edge == "all":
            whole = {name: inner for name, inner in shape["properties"].items() if flat(name) not in CURSOR_ARGUMENTS}
            rest = {**shape, "properties": {name: inner for name, inner in whole.items() if name not in base}}
            more: dict[str, Json] = self._values.fill(rest, rng, (topic_of(tool.name),))
            return {**base, **more}
        change = _CHANGES[edge]
        changed = {}
        naming = _naming(tool)
        for name, inner in shape["properties"].items():
            if name not in naming and (name in base or flat(name) not in LEFT_OUT):
                value = change(inner, base.get(name), name, rng)
                if value is not None:
                    changed[name] = value
        if not changed:
            return None
        # Two at most: an agent that meets every limit at once is no agent.
        picked = sorted(rng.sample(sorted(changed), min(len(changed), rng.choice((1, 1, 2)))))
        return {**base, **{name: changed[name] for name in picked}}


def is_valid(tool: Tool, arguments: dict[str, Json]) -> bool:
    """Whether a tool takes these arguments, with nothing to say about them."""
    try:
        report = check_arguments(tool, arguments)
    except SpecError:
        return False
    return report.ok and not report.unknown


def _naming(tool: Tool) -> frozenset[str]:
    """Arguments that say which thing is meant: what is odd there names nothing."""
    in_path = [name for name, slot in tool.http.slots.items() if slot.place == "path"] if tool.http else []
    required = tool.parameters.get("required") or ()
    makes = {"create", "add", "new", "post", "register"} & set(words(tool.name))
    return frozenset((*in_path, *(() if makes else (name for name in required if is_identifying(name)))))


def _is_strict(shape: Schema) -> bool:
    keys = {"enum", "minimum", "maximum", "maxLength", "pattern", "maxItems"}
    return bool(keys & shape.keys()) or shape.get("format") in {"date", "date-time", "uuid", "email", "int32"}


def _pruned(shape: Schema, view: View | None, rng: random.Random, share: float) -> Schema:
    """A shape without some of the optional properties inside."""
    if shape.get("type") == "array" and "items" in shape:
        return {**shape, "items": _pruned(shape["items"], view.items if view is not None else None, rng, share)}
    if shape.get("type") != "object" or not shape.get("properties"):
        return shape
    if list(shape["properties"]) == [MAP_KEY] and (view is None or MAP_KEY not in view.properties):
        # A map: its one key is made up.
        return {**shape, "properties": {rng.choice(_MAP_KEYS): shape["properties"][MAP_KEY]}}
    required = frozenset((view.keyword("required") if view is not None else None) or ())
    names = list(shape["properties"])
    kept = [name for name in names if name in required or rng.random() < share] or [rng.choice(names)]
    inner = {
        name: _pruned(shape["properties"][name], view.child(name) if view is not None else None, rng, share)
        for name in kept
    }
    return {**shape, "properties": inner}


def _boundary(shape: Schema, value: Json, name: str, rng: random.Random) -> Json:
    """The smallest or the largest that a place takes."""
    kind = shape.get("type")
    if kind == "integer":
        low, high = integer_bounds(shape)
        ends = [end for end in (low, high) if end is not None]
        return rng.choice(ends) if ends else None
    if kind == "number":
        ends = [shape[key] for key in ("minimum", "maximum") if abs(shape.get(key, LARGEST)) < LARGEST]
        return rng.choice(ends) if ends else None
    if kind == "string" and "pattern" not in shape and "format" not in shape:
        high = shape.get("maxLength")
        if high is not None and high <= MAX_LONG and isinstance(value, str) and 0 < len(value) < high:
            return (value + " " + " ".join(_LONG))[: int(high)].ljust(int(high), "x")
        low = shape.get("minLength", 0)
        return value[: int(low)] if isinstance(value, str) and 0 < low < len(value) else None
    return None


def _empty(shape: Schema, value: Json, name: str, rng: random.Random) -> Json:
    """An empty array or text, zero, false: what is there and says nothing."""
    kind = shape.get("type")
    if kind == "array":
        return []
    if kind == "string" and words(name)[-1:] and words(name)[-1] in _FREE - {"name", "title", "displayname", "label"}:
        return ""
    return 0 if kind == "integer" and words(name)[-1:] in (("offset",), ("count",)) else None


def _unicode(shape: Schema, value: Json, name: str, rng: random.Random) -> Json:
    """Text beyond ASCII, where text is free."""
    if shape.get("type") != "string" or {"format", "pattern", "enum"} & shape.keys():
        return None
    tail = words(name)[-1:]
    return rng.choice(_UNICODE) if tail and tail[0] in _FREE else None


def _large(shape: Schema, value: Json, name: str, rng: random.Random) -> Json:
    """Many items, a long text, a large number."""
    kind = shape.get("type")
    if kind == "array" and isinstance(value, list) and value and not shape.get("uniqueItems"):
        return [value[at % len(value)] for at in range(MAX_ITEMS)]
    if kind == "string" and not {"format", "pattern", "enum"} & shape.keys() and words(name)[-1:]:
        return " ".join(_LONG) if words(name)[-1] in _FREE - {"name", "title"} else None
    if kind == "integer" and "maximum" not in shape and words(name)[-1:] and words(name)[-1] in _COUNTS:
        return rng.choice((1000, 10_000, 999_999))
    return None


_FREE = frozenset(
    "name title description text comment content body message note notes query q search summary subject label"
    " displayname keyword reason bio caption".split()
)
_COUNTS = frozenset("limit size count quantity amount top max results rows".split())

_CHANGES: dict[Edge, Callable[[Schema, Json, str, random.Random], Json]] = {
    "boundary": _boundary,
    "empty": _empty,
    "unicode": _unicode,
    "large": _large,
}
