"""How a tester reads an API's definitions: which call makes, shows, changes, removes or lists which thing.

Written from HTTP's conventions alone, on purpose without a look at how the simulator reads the same definitions.
A thing is known by the path it is found at (`/users/7/repos/3`), as a tuple of segments.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import jsonschema_rs

from gtm.eval.oracle.words import Address, Place, flat, singular, words
from gtm.types import Json, Tool, Toolset

Kind = Literal["create", "read", "replace", "merge", "delete", "list", "look", "act"]
"""`look`: a GET that shows no one thing; `act`: a write whose meaning the path does not tell."""

PARAMETER = "{}"
LISTS = "lists"
"""Beside the methods of a path: its GET answers a list."""
_SOMETIMES = "x-sometimes"
_ENDINGS = ("uid", "id", "uuid", "guid", "name", "key", "slug", "number", "code", "sid", "email", "symbol")
_PEOPLE = frozenset("user member account person people customer collaborator contact".split())
_AROUND = frozenset(("paging", "pagination", "total", "count", "links", "meta", "next", "nexttoken", "nextpagetoken"))
_ITEMS = frozenset(
    "items data results result value values records entries list elements content objects rows".split()
)
_WORK = frozenset(("status", "progress"))
LIMITS = frozenset("limit perpage pagesize maxresults size top take maxitems resultsperpage".split())
OFFSETS = frozenset("offset skip startindex".split())
PAGES = frozenset(("page", "pagenumber", "pageno"))
CURSORS = frozenset("cursor pagetoken nexttoken continuationtoken nextpagetoken startingafter nextcursor".split())
PAGING = frozenset((*LIMITS, *OFFSETS, *PAGES, *CURSORS, "marker", "after", "before", "endingbefore", "start"))


TOTALS = frozenset(
    "total count totalcount totalitems totalresults itemcount totalrecords totalentries totalelements".split()
)
ON_PAGE = frozenset(("itemsonpage", "numberofelements"))
BEGINNINGS = frozenset("createdat created createdon createtime creationdate datecreated creationtime".split())
CHANGES = frozenset("updatedat updated updatedon updatetime modifiedat lastmodified dateupdated modified".split())


@dataclass(frozen=True, eq=False)
class Reader:
    """The parts of one JSON Schema that matter: declared fields at a place, and whether a value may stand there."""

    root: Mapping[str, Json]
    _places: dict[Place, Json] = field(default_factory=dict)

    def at(self, place: Place) -> Mapping[str, Json] | None:
        """The schema at a place, `$ref` and `allOf` resolved; None where nothing is declared."""
        if place not in self._places:
            self._places[place] = self._find(place)
        found: Mapping[str, Json] | None = self._places[place]
        return found

    def _find(self, place: Place) -> Mapping[str, Json] | None:
        if not place:
            return self._merged(self.root, 0)
        above = self.at(place[:-1])
        if above is None:
            return None
        inner = above.get("items") if place[-1] == "*" else (above.get("properties") or {}).get(place[-1])
        return self._merged(inner, 0) if isinstance(inner, dict) else None

    def _merged(self, node: Json, depth: int) -> dict[str, Json]:
        if not isinstance(node, dict) or depth > 20:
            return {}
        reference = node.get("$ref")
        if isinstance(reference, str):
            target: Json = self.root
            for step in reference.removeprefix("#/").split("/"):
                target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
            node = {**(target if isinstance(target, dict) else {}), **{k: v for k, v in node.items() if k != "$ref"}}
            return self._merged(node, depth + 1)
        merged: dict[str, Json] = {k: v for k, v in node.items() if k not in ("allOf", "anyOf", "oneOf")}
        for word in ("allOf", "anyOf", "oneOf"):
            parts = [self._merged(branch, depth + 1) for branch in node.get(word) or ()]
            declared = [part["properties"] for part in parts if part.get("properties")]
            for part in parts:
                inner = {
                    name: {**schema, _SOMETIMES: True}
                    if word != "allOf" and isinstance(schema, dict) and not all(name in other for other in declared)
                    else schema
                    for name, schema in part.get("properties", {}).items()
                }
                inner |= merged.get("properties", {})
                merged = {**part, **merged, **({"properties": inner} if inner else {})}
        return merged

    def is_sure(self, place: Place) -> bool:
        """Whether a declared place is not of one alternative (`anyOf`) only: an answer may be another of them."""
        return not any((self.at(place[:n]) or {}).get(_SOMETIMES) for n in range(1, len(place) + 1))

    def allows(self, place: Place, value: Json) -> bool:
        """Whether a value can stand at a place: an answer cannot show what its own schema forbids."""
        schema = self.at(place)
        if schema is None:
            return True
        whole = {**schema, "$defs": self.root.get("$defs", {})}
        try:
            return jsonschema_rs.validator_for(whole, validate_formats=True).is_valid(value)
        except (ValueError, jsonschema_rs.ValidationError):
            return True

    def properties(self, place: Place) -> Mapping[str, Json]:
        """Declared fields at a place."""
        found = (self.at(place) or {}).get("properties")
        return found if isinstance(found, dict) else {}

    def is_array(self, place: Place) -> bool:
        """Whether a list is declared there."""
        schema = self.at(place) or {}
        return schema.get("type") in ("array", ["array", "null"]) or ("items" in schema and "type" not in schema)

    def is_object(self, place: Place) -> bool:
        """Whether fields are declared there."""
        return bool(self.properties(place))


@dataclass(frozen=True, eq=False)
class Route:
    """One tool as a tester reads it."""

    tool: Tool
    kind: Kind
    template: Address
    """Path segments; `{}` for a parameter."""
    arguments: tuple[str, ...]
    """The arguments that fill the parameters, in order."""
    keys: tuple[str, ...] = ()
    """Flat names of the fields that may hold a thing's key in an answer, best first."""
    items: Place | None = None
    """Where a list answer has its array."""
    output: Reader = field(default_factory=lambda: Reader({}))
    input: Reader = field(default_factory=lambda: Reader({}))

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.kind in ("create", "replace", "merge", "delete", "act")

    def address(self, arguments: Mapping[str, Json]) -> Address:
        """The path that a call goes to."""
        values = iter(self.arguments)
        return tuple(str(arguments.get(next(values), "")) if s == PARAMETER else s for s in self.template)

    @property
    def owner(self) -> str:
        """What its path calls one of its things."""
        return singular(next((s for s in reversed(self.template) if s != PARAMETER), ""))

    def argument(self, among: frozenset[str]) -> str | None:
        """The argument with one of these flat names."""
        return next((name for name in self.input.properties(()) if flat(name) in among), None)


def read_toolset(toolset: Toolset) -> list[Route]:
    """The tools that are reached over HTTP.

    Some definitions leave out arguments of their own paths: nobody can say to such a tool which thing is meant.
    """
    read = [(tool, *_segments(tool)) for tool in toolset.tools if tool.http is not None]
    places = [place for place in read if {*place[2]} <= {*place[0].parameters.get("properties", ())}]
    methods: dict[Address, set[str]] = {}
    names: dict[Address, str] = {}
    for tool, template, parameters in places:
        assert tool.http is not None
        methods.setdefault(template, set()).add(tool.http.method.upper())
        if tool.http.method.upper() == "GET" and _lists(tool, template):
            methods[template].add(LISTS)
        if template[-1] == PARAMETER and (tool.http.method.upper() == "GET" or template[:-1] not in names):
            names[template[:-1]] = parameters[-1]
    return [_route(tool, template, parameters, methods, names) for tool, template, parameters in places]


def _lists(tool: Tool, template: Address) -> bool:
    schema = tool.output_schema
    return isinstance(schema, dict) and array_place(Reader(schema), template[-1]) is not None


def _segments(tool: Tool) -> tuple[Address, tuple[str, ...]]:
    assert tool.http is not None
    path = re.sub(r"\.(json|xml)$", "", tool.http.path.partition("?")[0].strip("/"))
    wire = {slot.name: name for name, slot in tool.http.slots.items() if slot.place == "path"}
    parameters = tuple(wire.get(name, name) for name in re.findall(r"(?:^|(?<=/))\{\+?([^{}/]+)\}(?=/|$)", path))
    template = tuple(PARAMETER if re.fullmatch(r"\{[^{}]+\}", s) else s for s in path.split("/"))
    return template, parameters


def _route(
    tool: Tool,
    template: Address,
    parameters: tuple[str, ...],
    methods: Mapping[Address, set[str]],
    names: Mapping[Address, str],
) -> Route:
    assert tool.http is not None
    method = tool.http.method.upper()
    output = Reader(tool.output_schema if isinstance(tool.output_schema, dict) else {})
    owner = next((s for s in reversed(template) if s != PARAMETER), "")
    items = array_place(output, owner) if method == "GET" else None
    collection = template[:-1] if template[-1] == PARAMETER else template
    kind = _kind(method, template, items, methods, tool.name)
    if template[-1] != PARAMETER and kind in ("read", "replace", "merge", "delete") and _is_echo(tool, parameters):
        kind = "look" if method == "GET" else "act"  # it answers what it is asked with (`/redirect-to?url=`)
    if any(("{" in s and s != PARAMETER) or ":" in s for s in template):
        kind = "look" if method in ("GET", "HEAD", "OPTIONS") else "act"
    shown = {flat(name) for name in output.properties(())}
    if kind == "read" and items and (shown <= {flat(items[0]), *_AROUND} or shown & TOTALS):
        kind = "look"  # a list of what belongs to the key, not the thing itself
    if kind == "delete" and "body" in tool.parameters.get("properties", ()):
        kind = "act"  # it takes something out of the thing
    if kind == "create" and {flat(name) for name in output.properties(())} >= _WORK:
        kind = "act"  # it answers the work that it began (a job with a progress), whose key is no thing's
    keys = key_names(names.get(collection, ""), owner)
    return Route(tool, kind, template, parameters, keys, items, output, Reader(tool.parameters))


def _is_echo(tool: Tool, parameters: tuple[str, ...]) -> bool:
    """Whether a GET or a DELETE of a thing without a key demands more than its path."""
    return not {*tool.parameters.get("required", ())} <= {*parameters}


def _kind(
    method: str, template: Address, items: Place | None, methods: Mapping[Address, set[str]], name: str
) -> Kind:
    siblings = methods[template]
    if method not in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        return "look"
    is_item = template[-1] == PARAMETER
    if method == "GET":
        if is_item:
            return "look" if items == () else "read"
        single = items is None and siblings & {"PUT", "PATCH"}
        return "list" if items is not None else "read" if single else "look"
    shown = "GET" in siblings
    if method == "POST" and re.match(r"(?i:get|search|query|lookup)(?![a-z])", name):
        return "act"  # it asks for something, or for something new (a token): it makes no thing of the collection
    if method == "POST":
        if is_item:
            makes = bool(words(name) & {"create", "add", "new"})
            return "merge" if shown and not makes and not siblings & {"PUT", "PATCH"} else "act"
        return "create" if "GET" in methods.get((*template, PARAMETER), ()) else "act"
    if not is_item and (not shown or LISTS in siblings or (*template, PARAMETER) in methods):
        return "act"
    kinds: dict[str, Kind] = {"PUT": "replace", "PATCH": "merge", "DELETE": "delete"}
    return kinds[method]


def key_names(parameter: str, owner: str) -> tuple[str, ...]:
    """The fields that hold what a path calls `petId` under `/pets`: `petId`, `id`; of `id`: `id`, `petId`."""
    name = flat(parameter)
    if not name:
        return ()
    ending = next((e for e in _ENDINGS if name.endswith(e)), None)
    if ending is None:
        return (name,) if name != singular(owner) else (name, "id", "slug", "name")
    if name == ending:
        return (name, singular(owner) + ending)
    stem, own = name[: -len(ending)], singular(owner)
    if ending == "name" and own in _PEOPLE:
        return (name,)  # their `name` is what they are called, not how they are found
    if stem.startswith("external"):
        return (name,)  # the caller's own: the API's is another
    if stem == "resource":  # `{resourceId}` under `/issuer` names an issuer: in an answer it is the `issuerId`
        return (name, ending, own + ending)
    also = ("id",) if ending == "uid" else ()  # `{monitor_uid}` may be the `uid` beside an `id`
    return (name, ending, *also) if stem in own or own in stem else (name,)


def array_place(output: Reader, owner: str) -> Place | None:
    """Where a list's array of things is: at the root, or the one (else the likeliest) inside one or two objects."""
    if output.is_array(()):
        return () if output.is_object(("*",)) else None
    places: list[Place] = [()]
    for _ in range(2):
        found = [(*at, n) for at in places for n in output.properties(at) if output.is_array((*at, n))]
        fitting = [at for at in found if output.is_object((*at, "*"))]
        likely = [at for at in fitting if singular(at[-1]) == singular(owner)] or [
            at for at in fitting if flat(at[-1]) in _ITEMS
        ]
        if len(fitting) == 1 and _is_envelope(output, fitting[0]):
            return fitting[0]
        if len(likely) == 1:
            return likely[0]
        if fitting:
            return None
        places = [(*at, n) for at in places for n in output.properties(at) if output.is_object((*at, n))]
        if len(places) > 3:
            return None
    return None


def _is_envelope(output: Reader, array: Place) -> bool:
    """Whether an object is about its array: a thing that merely has an array has fields of its own."""
    others = [name for name in output.properties(array[:-1]) if name != array[-1]]
    return "id" not in {flat(name) for name in others} and len(others) <= 8


def scalars(value: Json, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """The scalar fields of a document, through objects, not through arrays."""
    if len(place) <= 3 and isinstance(value, dict):
        for name, inner in value.items():
            yield from scalars(inner, (*place, name))
    elif place and not isinstance(value, dict | list):
        yield place, value


def key_of(document: Json, keys: tuple[str, ...]) -> str | None:
    """A document's key, by its best key field."""
    if isinstance(document, dict):
        named = {flat(name): value for name, value in document.items()}
        for name in keys:
            value = named.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return str(value)
    return None


def document_of(content: Json, route: Route, key: str | None = None) -> tuple[Place, Json]:
    """The thing inside an answer: the object that has the key, else what a sole wrapper holds, else all of it.

    An object with scalars of its own is a thing, and what is in it a part (`region` in `reserved_ip`), not the thing;
    of several with a key (`{agent, ship}`) the thing is the one that is called like what was asked for.
    """
    outer = content.items() if isinstance(content, dict) else ()
    wrapped: list[tuple[Place, dict[str, Json]]] = [((n,), v) for n, v in outer if isinstance(v, dict)]
    around = [(at, o) for at, o in wrapped if all(isinstance(v, dict | list) for v in o.values())]
    inside: list[tuple[Place, Json]] = [
        ((*at, n), v) for at, o in around for n, v in o.items() if isinstance(v, dict)
    ]
    seen: list[tuple[Place, Json]] = [((), content), *wrapped, *inside]
    around_it = {singular(segment) for segment in route.template} - {route.owner}
    seen = [(at, v) for at, v in seen if not at or singular(at[-1]) not in around_it]  # its parent is not the thing
    keyed = [(at, v) for at, v in seen if (own := key_of(v, route.keys)) is not None and key in (None, own)]
    if keyed:
        return next((found for found in keyed if found[0] and singular(found[0][-1]) == route.owner), keyed[0])
    # A create may answer with a list of what it made: what is around the list is no part of the thing.
    held = [(n, v) for n, v in outer if isinstance(v, list) and (flat(n) in _ITEMS or singular(n) == route.owner)]
    listed = [((n, "*"), o) for n, v in held for o in v if key_of(o, route.keys) is not None]
    if route.kind == "create" and len(listed) == 1:
        return listed[0]
    return wrapped[0] if len(wrapped) == 1 and len(outer) == 1 else ((), content)


def body_of(route: Route, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """What describes the thing in a write."""
    body = {name: value for name, value in arguments.items() if name not in route.arguments}
    return body["body"] if isinstance(body.get("body"), dict) else body


def unwrapped(sent: dict[str, Json], route: Route, place: Place) -> tuple[Place, dict[str, Json]]:
    """What is in an object argument (`settings`) that the answer has no field for, though for most that is in it.

    Not for all: a write may take more than an answer shows, and what is not declared there is not missed. What the
    answer shows beside the place (`parametersRef` beside `metadata`) is a field of the thing.
    """
    shown = route.output.properties(place)
    fields = {name for depth in range(len(place) + 1) for name in route.output.properties(place[:depth])}
    outer = [(n, v) for n, v in sent.items() if isinstance(v, dict) and n not in fields]
    beside = len({*sent} & {*shown})  # what is sent around it are the thing's fields where they are more
    told = {name for name in shown if flat(name) not in ("id", *route.keys)}  # a `tax_rate: {id}` is no wrapper
    inner = [((n,), v) for n, v in outer if v and 2 * (own := len({*v} & told)) > len(v) and own >= beside]
    return inner[0] if len(inner) == 1 else ((), sent)


def items_of(route: Route, content: Json) -> list[Json]:
    """The things in a list's answer."""
    for name in route.items or ():
        content = content.get(name) if isinstance(content, dict) else None
    return content if isinstance(content, list) else []


def page_size(route: Route) -> tuple[bool, int | None]:
    """Whether a list has pages, and how many items one has where the caller does not say."""
    page = {flat(name): schema for name, schema in route.input.properties(()).items() if flat(name) in PAGING}
    sizes = [s.get("default") for n, s in page.items() if n in LIMITS and isinstance(s, dict)]
    return bool(page), next((size for size in sizes if type(size) is int and size > 0), None)


def envelope(content: Json) -> Iterator[tuple[str, Json]]:
    """Scalars around a list's array, at most one object away."""
    if isinstance(content, dict):
        for place, value in scalars(content):
            if len(place) <= 2:
                yield place[-1], value
