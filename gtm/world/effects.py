"""What a call does to the world, inferred from definitions alone, with a confidence and a reason.

Order of evidence: the user's declaration, then HTTP method and path, then annotations and the verb in the name. A
tool whose evidence does not reach `THRESHOLD` is `opaque`: the model sees the history and nothing is stored.
Looks at one toolset at a time, because siblings tell what a path means; never looks at calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gtm.tools.view import View
from gtm.types import Effect, Tool, Toolset
from gtm.world.words import ACTIONS, VERBS, flat, is_plural, noun, singular, words

THRESHOLD = 0.5
"""Below this an effect is opaque. Half: a wrong write is worse than an unremembered one."""

KEY_ENDINGS = (
    "id",
    "uuid",
    "guid",
    "key",
    "name",
    "number",
    "slug",
    "path",
    "arn",
    "code",
    "sku",
    "email",
    "uri",
    "url",
)
"""Last words of an argument that can identify a thing, best first."""

_VERSION_WORDS = frozenset({"api", "rest", "v", "latest", "beta", "alpha", "public"})


def infer_effects(toolset: Toolset, declared: Mapping[str, Effect] | None = None) -> dict[str, Effect]:
    """Effect of every tool by name. `declared` (from `gtm.yaml`) and `Tool.effect` win over inference."""
    paths = {tool.name: _Path.of(tool) for tool in toolset.tools if tool.http is not None}
    items = {path.collection: path.parameters[-1] for path in paths.values() if path.is_item}
    lists = {path.collection for name, path in paths.items() if path.method == "GET" and not path.is_item}
    effects: dict[str, Effect] = {}
    for tool in toolset.tools:
        own = (declared or {}).get(tool.name) or tool.effect
        path = paths.get(tool.name)
        if own is not None:
            effects[tool.name] = own
        elif path is not None and path.segments and not path.is_rpc(tool):
            effects[tool.name] = _from_path(tool, path, items, lists)
        else:
            effects[tool.name] = _from_name(tool)
    effects = _with_upserts(effects, paths)
    settled = frozenset(paths) | frozenset(declared or {})
    effects = _with_aliases(_with_known_fields(toolset, effects, settled), settled)
    return _with_scopes(toolset, effects, settled)


@dataclass(frozen=True, slots=True)
class _Path:
    """A path template: `(text, is_parameter)` segments, version prefixes dropped."""

    method: str
    segments: tuple[tuple[str, bool], ...]
    verb: str

    @classmethod
    def of(cls, tool: Tool) -> "_Path":
        assert tool.http is not None
        path, _, verb = (
            tool.http.path.partition("?")[0].rpartition(":")
            if _has_verb(tool.http.path)
            else (tool.http.path.partition("?")[0], "", "")
        )
        segments = tuple(
            (text.strip("{}+*"), text.startswith("{")) for text in path.split("/") if text and not _is_version(text)
        )
        return cls(tool.http.method.upper(), segments, verb)

    def is_rpc(self, tool: Tool) -> bool:
        """Transport without meaning: `:verb` paths, and POSTs whose last segment is the operation's own name."""
        last = self.segments[-1][0]
        return bool(self.verb) or (self.method == "POST" and flat(last) == flat(tool.name) and len(words(last)) > 1)

    @property
    def is_item(self) -> bool:
        return bool(self.segments) and self.segments[-1][1]

    @property
    def statics(self) -> tuple[str, ...]:
        return tuple(text for text, parameter in self.segments if not parameter)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(text for text, parameter in self.segments if parameter)

    @property
    def collection(self) -> str:
        return "/".join(
            singular(flat(text)) if len(words(text)) == 1 else noun(words(text)) or flat(text)
            for text in self.statics
        )

    def parent(self) -> str:
        """The collection without its last static segment."""
        return self.collection.rpartition("/")[0]


def _has_verb(path: str) -> bool:
    last = path.rpartition("/")[2]
    return ":" in last and not last.startswith(":")


def _is_version(segment: str) -> bool:
    parts = words(segment)
    return (
        bool(parts)
        and not segment.startswith("{")
        and all(part.isdigit() or part in _VERSION_WORDS for part in parts)
    )


def _from_path(tool: Tool, path: _Path, items: Mapping[str, str], lists: set[str]) -> Effect:
    keys = _arguments_of(tool, path.parameters)
    if path.is_item:
        kind = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(path.method, "update")
        return _effect(kind, path.collection or "root", keys, 0.95, f"{path.method} on an item path")
    last = words(path.statics[-1]) if path.statics else ()
    verb = last[0] if last else ""
    if path.method in {"GET", "HEAD"}:
        return _from_get(tool, path, keys, verb)
    acts = (verb in ACTIONS or verb in VERBS) and path.collection not in {*items, *lists}
    if acts and VERBS.get(verb) != "create":
        return _opaque(f"'{path.statics[-1]}' is an action")
    if acts:
        return _effect("create", path.parent() or path.collection, keys, 0.6, "POST on a create action")
    if path.method == "POST":
        return _from_post(path, keys, last, items, lists)
    inner = _argument_like(tool, items.get(path.collection, ""))
    if path.collection in items and inner:
        kind = "delete" if path.method == "DELETE" else "update"
        return _effect(kind, path.collection, (*keys, inner), 0.85, f"{path.method} with the key in the body")
    if path.collection in items:
        return _opaque(f"{path.method} on a whole collection")
    kind = "delete" if path.method == "DELETE" else "update"
    effect = _effect(kind, path.collection, keys, 0.7, f"{path.method} on a single thing")
    return effect.model_copy(update={"upsert": kind == "update"})


def _from_get(tool: Tool, path: _Path, keys: tuple[str, ...], verb: str) -> Effect:
    is_list = _answers_many(tool)
    if verb in {"find", "search", "list", "query", "filter", "lookup"} and len(path.statics) > 1:
        return _effect("list", path.parent(), keys, 0.8, "GET on a search path")
    if verb in ACTIONS or VERBS.get(verb) == "compute":
        return _effect("compute", None, (), 0.6, f"GET on the action {verb!r}")
    if is_list or (is_list is None and is_plural(path.statics[-1].lower() if path.statics else "")):
        return _effect("list", path.collection, keys, 0.9, "GET on a collection")
    return _effect("read", path.collection, keys, 0.7, "GET on a single thing")


def _from_post(
    path: _Path, keys: tuple[str, ...], last: tuple[str, ...], items: Mapping[str, str], lists: set[str]
) -> Effect:
    if path.collection in {*items, *lists}:
        return _effect("create", path.collection, keys, 0.9, "POST on a collection that is read elsewhere")
    if last and is_plural(last[-1]):
        return _effect("create", path.collection, keys, 0.65, "POST on a plural noun")
    return _opaque("POST on a path nothing else reads")


def _from_name(tool: Tool) -> Effect:
    parts = words(tool.name.rpartition(".")[2] or tool.name)
    at = next((i for i, part in enumerate(parts) if part in VERBS or part in ACTIONS), None)
    read_only = tool.annotations.get("read_only_hint") is True
    if at is None:
        return _opaque("no known verb in the name")
    verb, rest = parts[at], _until_preposition(parts[at + 1 :])
    resource = noun(rest) or noun(parts[:at])
    kind = VERBS.get(verb)
    if kind is None:
        return _opaque(f"the verb {verb!r} does not tell what it changes")
    if kind == "compute" or (read_only and kind not in {"read", "list"}):
        return _effect("compute", None, (), 0.7, f"the verb {verb!r}" + (", declared read-only" if read_only else ""))
    key = _key_argument(tool, resource)
    if kind in {"read", "list"}:
        return _reader(tool, kind, verb, resource, key, is_plural((rest or parts)[-1]))
    if not resource:
        return _opaque(f"the verb {verb!r} without a resource")
    if kind == "create":
        return _effect("create", resource, (), 0.8, f"the verb {verb!r}")
    if key is None:
        return _opaque(f"the verb {verb!r} without an argument that names the thing")
    effect = _effect(kind, resource, (key,), 0.75, f"the verb {verb!r} and the key {key!r}")
    return effect.model_copy(update={"upsert": verb in {"write", "put", "save", "upsert", "set"}})


def _reader(tool: Tool, kind: str, verb: str, resource: str, key: str | None, plural: bool) -> Effect:
    required = tool.parameters.get("required") or ()
    # Definitions that require nothing at all say nothing about the key either.
    needs_key = key is not None and (key in required or not required)
    many = _answers_many(tool)
    if resource and kind == "read" and needs_key and key and not plural:
        return _effect("read", resource, (key,), 0.75, f"the verb {verb!r} and the key {key!r}")
    if resource and many is not False and (kind == "list" or many or plural):
        return _effect("list", resource, (), 0.7, f"the verb {verb!r} and several things")
    if kind == "list":
        return _opaque(f"the verb {verb!r}, but the answer is not a list of things")
    return _effect("compute", None, (), 0.5, f"the verb {verb!r} without a key")


def _until_preposition(parts: tuple[str, ...]) -> tuple[str, ...]:
    stop = next((i for i, p in enumerate(parts) if i and p in {"by", "for", "from", "with", "in", "to", "of"}), None)
    return parts[:stop]


def _effect(kind: str, resource: str | None, key: tuple[str, ...], confidence: float, reason: str) -> Effect:
    return Effect.model_validate(
        {"kind": kind, "resource": resource, "key": key, "confidence": confidence, "reason": reason}
    )


def _opaque(reason: str) -> Effect:
    return Effect(kind="opaque", confidence=0.4, reason=reason)


def _answers_many(tool: Tool) -> bool | None:
    """Whether the output is an array of things or one array inside an object; None without an output schema."""
    if not isinstance(tool.output_schema, dict):
        return None
    view = View(tool.output_schema, tool.output_schema)
    if view.type == "array":
        return True
    many = [name for name in view.properties if _holds_objects(view.child(name))]
    return len(many) == 1 and len([name for name in view.properties if not _is_paging(name)]) <= 2


def _holds_objects(view: View | None) -> bool:
    return view is not None and view.type == "array" and view.items is not None and view.items.type == "object"


def _is_paging(name: str) -> bool:
    return bool(
        {
            "total",
            "count",
            "page",
            "next",
            "previous",
            "prev",
            "limit",
            "offset",
            "cursor",
            "token",
            "size",
            "has",
            "more",
            "kind",
            "etag",
            "links",
            "meta",
            "url",
        }
        & set(words(name))
    )


def _arguments_of(tool: Tool, parameters: tuple[str, ...]) -> tuple[str, ...]:
    """Argument names of path parameters (they differ where an import renamed a clash)."""
    assert tool.http is not None
    wire = {slot.name: argument for argument, slot in tool.http.slots.items() if slot.place == "path"}
    names = _argument_names(tool)
    loose = {flat(name): name for name in reversed(names)}
    found = [wire.get(p) or (p if p in names else loose.get(flat(p), "")) for p in parameters]
    return tuple(name for name in found if name)


def _argument_like(tool: Tool, parameter: str) -> str | None:
    """The body's argument that a sibling's path calls `parameter`: the same name, or `id` for `petId`."""
    by_flat = {flat(name): name for name in reversed(_argument_names(tool))}
    endings = [words(parameter)[-1]] if words(parameter)[-1:] == ("id",) else []
    return next((by_flat[name] for name in (flat(parameter), *endings) if name in by_flat), None)


def _argument_names(tool: Tool) -> tuple[str, ...]:
    properties = tool.parameters.get("properties")
    return tuple(properties) if isinstance(properties, dict) else ()


def _key_argument(tool: Tool, resource: str) -> str | None:
    """The argument that names one thing of a resource: `petId`, `id`, `pet`, else one of KEY_ENDINGS."""
    names = _argument_names(tool)
    own = flat(noun(words(resource)) or resource)
    by_flat = {flat(name): name for name in reversed(names)}
    for candidate in (*(own + ending for ending in KEY_ENDINGS), "id", own):
        if candidate in by_flat:
            return by_flat[candidate]
    last = words(resource)[-1:] if resource else ()
    for ending in KEY_ENDINGS:
        fitting = [
            n for n in names if words(n)[-1:] == (ending,) and (len(words(n)) == 1 or words(n)[:-1][-1:] == last)
        ]
        if fitting:
            return fitting[0]
    required = [name for name in tool.parameters.get("required", ()) if words(name)[-1:] == ("id",)]
    return required[0] if len(required) == 1 else None


def _with_upserts(effects: dict[str, Effect], paths: Mapping[str, _Path]) -> dict[str, Effect]:
    """A PUT on an item path creates what is absent where nothing else creates that resource."""
    created = {effect.resource for effect in effects.values() if effect.kind == "create"}
    return {
        name: effect.model_copy(update={"upsert": True})
        if effect.kind == "update"
        and name in paths
        and paths[name].method == "PUT"
        and effect.resource not in created
        else effect
        for name, effect in effects.items()
    }


def _with_known_fields(toolset: Toolset, effects: dict[str, Effect], settled: frozenset[str]) -> dict[str, Effect]:
    """An update by name must set something that the resource is known to have; else what it changes is unknown."""
    known: dict[str, set[str]] = {}
    for tool in toolset.tools:
        effect = effects[tool.name]
        if (effect.resource and effect.kind == "create") or effect.upsert:
            known.setdefault(effect.resource or "", set()).update(flat(name) for name in _argument_names(tool))
    checked = dict(effects)
    for tool in toolset.tools:
        effect = effects[tool.name]
        fields = known.get(effect.resource or "")
        others = {flat(name) for name in _argument_names(tool) if name not in effect.key}
        if effect.kind == "update" and tool.name not in settled and fields and not fields & others:
            checked[tool.name] = _opaque("an update whose arguments are not fields of the thing")
    return checked


def _with_aliases(effects: dict[str, Effect], settled: frozenset[str]) -> dict[str, Effect]:
    """`read_text_file` beside `write_file`: a resource nobody writes is the written one its name ends with."""
    written = {effect.resource for effect in effects.values() if effect.kind in {"create", "update"}}
    aliased = dict(effects)
    for name, effect in effects.items():
        if (
            name in settled
            or effect.kind not in {"read", "list"}
            or not effect.resource
            or effect.resource in written
        ):
            continue
        last = effect.resource.rpartition("_")[2]
        if last in written:
            aliased[name] = effect.model_copy(update={"resource": last})
    return aliased


def _with_scopes(toolset: Toolset, effects: dict[str, Effect], settled: frozenset[str]) -> dict[str, Effect]:
    """Parents' keys for tools known by name: arguments that every tool of a resource requires."""
    groups: dict[str, list[Tool]] = {}
    for tool in toolset.tools:
        effect = effects[tool.name]
        if tool.name not in settled and effect.resource and effect.kind not in {"compute", "opaque"}:
            groups.setdefault(effect.resource, []).append(tool)
    scoped = dict(effects)
    for tools in groups.values():
        if len(tools) < 2 or not any(effects[tool.name].kind in {"create", "list"} for tool in tools):
            continue
        shared = [
            name
            for name in tools[0].parameters.get("required", ())
            if all(name in tool.parameters.get("required", ()) for tool in tools)
            and not any(name in effects[tool.name].key for tool in tools)
        ]
        # A lone create needs its own fields: only what a keyed tool also demands is a parent's key.
        if not shared or not any(effects[tool.name].kind in {"read", "update", "delete"} for tool in tools):
            continue
        for tool in tools:
            scoped[tool.name] = effects[tool.name].model_copy(update={"key": (*shared, *effects[tool.name].key)})
    return scoped
