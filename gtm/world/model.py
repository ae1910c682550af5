"""A toolset read as a world: which tool touches which resource, where its document lies, what its key is.

Made once per toolset from definitions alone; the plan of a call (`gtm.world.plan`) only looks things up here.
Knows nothing of sessions, engines or prompts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from gtm.tools.view import View, is_secret, visible
from gtm.types import Effect, Json, Tool, Toolset
from gtm.world.effects import THRESHOLD, infer_effects
from gtm.world.words import flat, noun, singular, words

STORED = frozenset({"create", "read", "list", "update", "delete"})
"""Kinds that touch documents."""

PAGING = {
    **dict.fromkeys(("limit", "perpage", "pagesize", "maxresults", "maxitems", "top", "first", "take"), "limit"),
    **dict.fromkeys(("offset", "skip", "startindex"), "offset"),
    **dict.fromkeys(("page", "pagenumber"), "page"),
}
"""Arguments (flat names) that cut a list."""

SEARCH = frozenset({"q", "query", "search", "searchterm", "keyword", "keywords", "text", "term"})
"""Arguments (flat names) that look for text anywhere in a thing."""

PRESENTATION = frozenset(
    "sort sortby sortorder order orderby direction fields expand include exclude select format verbose pretty locale"
    " language lang dryrun validateonly cursor pagetoken nexttoken after before continuationtoken".split()
)
"""Arguments (flat names) that change how an answer looks, not which things are in it."""


@dataclass(frozen=True)
class Bound:
    """One tool bound to the world."""

    tool: Tool
    effect: Effect
    shape: dict[str, Json] | None
    """What a success looks like (see `gtm.tools.shape`); None where it answers text or nothing."""
    document: tuple[str, ...] | None
    """Property names to the document in the answer; `*` for each item of an array. None: no document is shown."""
    key_field: str | None
    """The document's property that holds its own key."""
    own_key: str | None
    """The argument that holds it."""
    parents: tuple[str, ...]
    """The arguments that hold the parents' keys."""
    resource_key: str | None
    """The resource's key property as its readers show it, also where this tool shows no document."""
    key_leaf: dict[str, Json]
    """What a key of the resource must be: the readers' property and the keyed tools' argument together."""
    caller_keys: bool
    """Whether callers choose this resource's keys: then an unseen key is absent, not imagined."""

    @property
    def stored(self) -> bool:
        """Whether the world remembers what this tool does."""
        return self.effect.kind in STORED and self.effect.resource is not None

    @cached_property
    def view(self) -> View | None:
        """The document's place in the declared output."""
        schema = self.tool.output_schema
        if not isinstance(schema, dict) or self.document is None:
            return None
        return View(schema, schema).at(self.document)

    @cached_property
    def parameters(self) -> View:
        """The arguments' schema."""
        return View(self.tool.parameters, self.tool.parameters)

    def argument_fields(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """What the caller says about the document: arguments less keys of parents, paging and wrappers."""
        fields: dict[str, Json] = {}
        for name, given in arguments.items():
            slot = self.tool.http.slots.get(name) if self.tool.http else None
            if slot is not None and slot.place in {"header", "cookie"}:
                continue
            if name in self.parents or (slot is not None and slot.place == "query" and is_presentation(name)):
                continue
            schema = self.parameters.child(name)
            if is_secret(schema, name):
                continue
            value = visible(given, schema)
            if isinstance(value, dict) and self._is_wrapper(name, slot is not None and slot.place == "whole_body"):
                fields.update(value)
            else:
                fields[name] = value
        return fields

    def _is_wrapper(self, name: str, whole: bool) -> bool:
        declared = self.view
        if declared is not None and name in declared.properties:
            return False
        last = (self.effect.resource or "").rpartition("/")[2]
        return whole or flat(name) in {flat(last), "body", "data", "attributes", "input", "payload"}


def is_presentation(name: str) -> bool:
    """Whether an argument cuts a list or changes how an answer looks."""
    return flat(name) in PAGING or flat(name) in PRESENTATION


class WorldModel:
    """Every tool of a toolset bound to the world. `shape_of` gives a tool's answer shape, or None."""

    def __init__(
        self,
        toolset: Toolset,
        shape_of: Callable[[Tool], dict[str, Json] | None],
        declared: Mapping[str, Effect] | None = None,
    ) -> None:
        self.toolset = toolset
        self._shape_of = shape_of
        self._bound: dict[str, Bound] = {}
        self._keys: dict[str, tuple[str | None, dict[str, Json]]] = {}
        effects = infer_effects(toolset, declared)
        self.effects = {
            name: effect
            if effect.confidence >= THRESHOLD
            else effect.model_copy(update={"kind": "opaque", "resource": None, "key": ()})
            for name, effect in effects.items()
        }
        self._groups: dict[str, list[Tool]] = {}
        for tool in toolset.tools:
            effect = self.effects[tool.name]
            if effect.kind in STORED and effect.resource:
                self._groups.setdefault(effect.resource, []).append(tool)

    def bind(self, tool: Tool) -> Bound:
        """The tool bound to the world; computed at the first use."""
        if tool.name not in self._bound:
            self._bound[tool.name] = self._bind(tool)
        return self._bound[tool.name]

    def fields_of(self, resource: str) -> dict[str, Json]:
        """Properties of a resource as its writers' arguments declare them: name -> schema."""
        fields: dict[str, Json] = {}
        for tool in self._groups.get(resource, ()):
            if self.effects[tool.name].kind not in {"create", "update"}:
                continue
            parents = self._split(tool)[0]
            for name, schema in (tool.parameters.get("properties") or {}).items():
                slot = tool.http.slots.get(name) if tool.http else None
                shows = slot is not None and slot.place == "query" and is_presentation(name)
                if name not in parents and not shows:
                    fields.setdefault(name, schema)
        return fields

    def keys_of(self, resource: str) -> tuple[str, ...]:
        """Argument names by which tools name one thing of a resource, the most used first."""
        names = [key for tool in self._groups.get(resource, ()) if (key := self._split(tool)[1])]
        return tuple(sorted(dict.fromkeys(names), key=lambda name: -names.count(name)))

    def _split(self, tool: Tool) -> tuple[tuple[str, ...], str | None]:
        """(parents' arguments, own key's argument) of a tool."""
        effect = self.effects[tool.name]
        if effect.kind in {"create", "list"}:
            return effect.key, None
        return effect.key[:-1], effect.key[-1] if effect.key else None

    def _bind(self, tool: Tool) -> Bound:
        effect = self.effects[tool.name]
        shape = self._shape_of(tool)
        parents, own_key = self._split(tool)
        if effect.kind not in STORED or effect.resource is None:
            return Bound(tool, effect, shape, None, None, None, (), None, {}, False)
        keys = self.keys_of(effect.resource)
        document = self._locate(tool, shape, keys)
        key_field = None if self._is_singleton(tool) else _key_field(shape, document, keys, effect.resource)
        if effect.kind == "create":
            own_key = _creator_key(tool, key_field, keys, effect.resource)
        key_name, key_leaf = self._key_of(effect.resource)
        caller_keys = self._caller_keys(effect.resource)
        resource_key = None if self._is_singleton(tool) else key_name
        return Bound(tool, effect, shape, document, key_field, own_key, parents, resource_key, key_leaf, caller_keys)

    def _key_of(self, resource: str) -> tuple[str | None, dict[str, Json]]:
        """The key's property and what it must be, from all tools of a resource, readers first."""
        if resource in self._keys:
            return self._keys[resource]
        keys = self.keys_of(resource)
        found: str | None = None
        leaf: dict[str, Json] = {}
        for kind in ("read", "list", "create", "update", "delete"):
            for tool in self._groups[resource]:
                if found is not None or self.effects[tool.name].kind != kind or self._is_singleton(tool):
                    continue
                shape = self._shape_of(tool)
                document = self._locate(tool, shape, keys)
                found = _key_field(shape, document, keys, resource)
                if found is not None and document is not None and isinstance(tool.output_schema, dict):
                    view = View(tool.output_schema, tool.output_schema).at((*document, found))
                    leaf = dict(view.flat) if view else {}
        for tool in self._groups[resource]:
            name = self._split(tool)[1]
            view = View(tool.parameters, tool.parameters).child(name) if name else None
            if view is not None and (not leaf.get("type") or view.type == leaf["type"]):
                leaf = _narrowed(leaf, view.flat)
        self._keys[resource] = found, _narrowed(leaf, {}) or {"type": "string"}
        return self._keys[resource]

    def _is_singleton(self, tool: Tool) -> bool:
        """`/pets/{petId}/status`: the path's key is the parent's, so the document does not carry it as its own."""
        effect = self.effects[tool.name]
        if tool.http is None or effect.kind in {"create", "list"} or not effect.key:
            return False
        slot = tool.http.slots.get(effect.key[-1])
        return slot is not None and slot.place == "path" and not tool.http.path.rstrip("/").endswith("}")

    def _caller_keys(self, resource: str) -> bool:
        keys = self.keys_of(resource)
        for tool in self._groups[resource]:
            effect = self.effects[tool.name]
            if effect.upsert and effect.key and not self._is_singleton(tool):
                return True
            if effect.kind == "create" and _creator_key(tool, None, keys, resource):
                return True
        return False

    def _locate(self, tool: Tool, shape: dict[str, Json] | None, keys: tuple[str, ...]) -> tuple[str, ...] | None:
        """Where the document lies: the place whose properties share most with the resource."""
        if shape is None:
            return None
        effect = self.effects[tool.name]
        assert effect.resource is not None
        known = {flat(name) for name in (*self.fields_of(effect.resource), *keys, "id", "name")}
        many = effect.kind == "list"
        places = [place for place in _places(shape) if ("*" in place[0]) or not many]
        scored = [
            (
                len(known & {flat(name) for name in properties}) / (len(known & _ALWAYS) + 1),
                many == ("*" in place),
                -at,
                place,
            )
            for at, (place, properties) in enumerate(places)
            if properties
        ]
        if not scored:
            return None
        best = max(scored)
        wrapped = [place for *_, place in scored if len(place) == 1 and _names(place[0], effect.resource)]
        return best[3] if best[0] > 0 or many or best[3] == () else (wrapped[0] if wrapped else None)


_ALWAYS = frozenset({"id", "name"})
_BOUNDS = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
}
_SAME = ("type", "format", "pattern", "enum", "const", "multipleOf")


def _narrowed(leaf: dict[str, Json], other: dict[str, Json]) -> dict[str, Json]:
    """What satisfies both leaves, as far as one flat leaf can say it."""
    bounds = {
        name: pick(leaf.get(name, other[name]), other[name])
        for name, pick in _BOUNDS.items()
        if isinstance(other.get(name), int | float)
    }
    same = {name: other[name] for name in _SAME if name in other and name not in leaf}
    kept = {name: value for name, value in leaf.items() if name in _BOUNDS or name in _SAME}
    return {**kept, **same, **bounds}


def _names(name: str, resource: str) -> bool:
    last = resource.rpartition("/")[2]
    return singular(flat(name)) == flat(last)


def _places(shape: dict[str, Json]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(path, property names) of the answer itself, its wrapper properties, and the items of its arrays."""
    if shape.get("type") == "array":
        return [(("*", *path), names) for path, names in _places(shape["items"])[:1]]
    if shape.get("type") != "object":
        return []
    found: list[tuple[tuple[str, ...], tuple[str, ...]]] = [((), tuple(shape["properties"]))]
    for name, sub in shape["properties"].items():
        if sub.get("type") == "object":
            found.append(((name,), tuple(sub["properties"])))
        elif sub.get("type") == "array" and sub["items"].get("type") == "object":
            found.append(((name, "*"), tuple(sub["items"]["properties"])))
    return found


def _key_field(
    shape: dict[str, Json] | None, document: tuple[str, ...] | None, keys: tuple[str, ...], resource: str
) -> str | None:
    """The document's own key among its properties: as an argument calls it, else `id`, `petId`, `name`."""
    properties = dict(_places(shape)).get(document, ()) if shape is not None and document is not None else ()
    by_flat = {flat(name): name for name in reversed(properties)}
    last = resource.rpartition("/")[2]
    wanted = [*(flat(key) for key in keys), "id", flat(last) + "id"]
    wanted += [ending for key in keys for ending in (flat(words(key)[-1]) if words(key) else "",) if ending]
    wanted += ["uuid", "key", "number", "slug", "name"]
    return next((by_flat[name] for name in wanted if name in by_flat), None)


def _creator_key(tool: Tool, key_field: str | None, keys: tuple[str, ...], resource: str) -> str | None:
    """The argument of a create that fixes the new thing's key."""
    names = tuple(tool.parameters.get("properties") or {})
    by_flat = {flat(name): name for name in reversed(names)}
    last = flat(noun(words(resource.rpartition("/")[2])) or resource)
    wanted = [flat(key) for key in keys]
    wanted += [flat(key_field)] if key_field else []
    wanted += ["id", last + "id"]
    return next((by_flat[name] for name in wanted if name in by_flat), None)
