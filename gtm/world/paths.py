"""What an HTTP tool does, told by its method and path among its siblings' paths.

An item path ends with a parameter and acts on one thing, a collection path lists and creates; a verb at the end
(`/orders/{id}/cancel`, `/orders/{id}:cancel`) acts on the thing before it. Looks at definitions only.
"""

from collections.abc import Iterable
from dataclasses import replace

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.fields import last_noun
from gtm.world.hints import (
    HOLDERS,
    answers_many,
    answers_page,
    argument_names,
    effect,
    is_around,
    is_scalar,
    opaque,
    required_names,
    shows_array,
    top_arrays,
    top_names,
)
from gtm.world.kinds import kind_effect, kinds
from gtm.world.naming import DUPLICATES
from gtm.world.parts import part_of, with_parts
from gtm.world.routes import Path, form_of, read_paths
from gtm.world.several import BATCHES, things_argument
from gtm.world.words import ACTIONS, CLEAR, TANGLED, VERBS, flat, is_plural, noun, singular, words

_REPLACING = frozenset("or update replace put upsert save set overwrite".split())
"""Words beside `create` by which a call makes a thing or changes one that is there."""

OF_SEVERAL = "POST of several things"
"""How the reason of a write of several things begins."""
ON_ITEM = "on an item path"
"""How the reason of what is about the thing that its path ends with ends."""
BY_VERB = "on an item"
"""How the reason of what a verb does to the thing before it ends."""
OF_WHOLE = "that answers the whole thing"
"""How the reason of a write ends that is at a part's path."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""

_FEWEST = 3
"""Properties that two answers must have for them to be told alike."""

_NO_PARTS = frozenset("lifecycle action actions command commands operation operations state status".split())
"""Segments (flat) between a thing and a verb that are no part of the thing."""

_TAKES_ALL = frozenset("delete destroy remove terminate".split())
"""Verbs at the end of a path that take away the thing before them (a queue that is purged is still there)."""

_SEVERAL = frozenset("batch bulk import".split())
_MAKING = frozenset("add create import insert post put register send submit upload".split())
_NOT_MAKING = frozenset("check delete export get merge preview read remove restore search update validate".split())
"""Words of paths that several things are sent to, and of names that make them, or do not."""

_ADDING = frozenset("add append attach assign join invite follow subscribe star save".split())
"""Verbs of a PUT that adds to what a list shows."""


def address_argument(tool: Tool) -> str | None:
    """The argument that holds a whole path (`projects/p/instances/i`), where no argument holds one of its parts."""
    path = Path.of(tool) if tool.http is not None else None
    if path is None or not path.parameters or _arguments_of(tool, path.parameters):
        return None
    required = [name for name in required_names(tool) if is_scalar(tool, name)]
    lone = required[0] if len(required) == 1 else None
    return next((name for name in ("name", "parent") if name in required), lone)


class Siblings:
    """All paths of a toolset, by tool name, and what they tell of each other."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        http = [tool for tool in tools if tool.http is not None]
        self.paths = with_parts(read_paths(http), http)
        roots = {path.parameters[0] for path in self.paths.values() if path.is_item and len(path.segments) == 1}
        if len(roots) == 1:  # `/` beside `/{uuid}` is the collection
            top = tuple((name, False) for name in roots)
            self.paths = {n: path if path.segments else replace(path, segments=top) for n, path in self.paths.items()}
        self._items = {path.collection: path.parameters[-1] for path in self.paths.values() if path.is_item}
        gets = {tool.name: self.paths[tool.name] for tool in http if self.paths[tool.name].method == "GET"}
        self._readers = [tool for tool in http if tool.name in gets]
        self._lists = {path.collection for path in gets.values() if not path.is_item}
        self._gets: dict[tuple[tuple[str, bool], ...], Tool] = {}
        for tool in sorted((t for t in http if t.name in gets), key=lambda t: "list" in words(t.name)):
            self._gets.setdefault(self.paths[tool.name].segments, tool)
        puts = [tool for tool in http if self.paths[tool.name].method == "PUT" and not self._makes_one(tool)]
        self._put = {self.paths[tool.name].segments for tool in puts}
        self._setters: dict[tuple[tuple[str, bool], ...], list[Tool]] = {}
        for tool in [*puts, *(t for t in http if self.paths[t.name].method == "PATCH")]:
            self._setters.setdefault(self.paths[tool.name].segments, []).append(tool)
        self._kinds = kinds(self.paths, http)
        self._ends = {path.collection for path in self.paths.values()}
        self._written = {path.collection for path in self.paths.values() if path.method not in _SAFE}

    def effect(self, tool: Tool) -> Effect:
        """The effect that method and path tell."""
        path = self.paths[tool.name]
        if path.method in {"OPTIONS", "TRACE"}:  # both are safe (RFC 9110, 9.2.1), and neither answers the thing
            return effect("compute", None, (), 0.95, f"the method {path.method}")
        if path.method == "HEAD" and path.segments in self._gets:
            shown = self.effect(self._gets[path.segments])
            names = argument_names(tool)
            return shown if all(name in names for name in shown.key) else opaque("HEAD without its GET's arguments")
        kind = self._kinds.get(tool.name)
        if kind is not None:
            base = replace(path, segments=kind.base)
            return kind_effect(path.method, base.collection, _arguments_of(tool, base.parameters))
        found = self._told(tool, path)
        address = address_argument(tool)
        if address is None or found.kind not in {"create", "read", "list", "update", "delete"}:
            return found
        return found.model_copy(update={"key": () if found.kind in {"create", "list"} else (address,)})

    def _told(self, tool: Tool, path: Path) -> Effect:
        keys = _arguments_of(tool, path.parameters)
        verb = words(path.verb) or (words(path.statics[-1]) if path.statics and not path.is_item else ())
        first = verb[0] if verb else ""
        if path.method == "POST" and first in _SEVERAL and self._makes_several(tool, path):
            return effect("create", path.parent, keys, 0.6, f"{OF_SEVERAL} on {first!r}")
        acts = (first in ACTIONS or first in VERBS) and (bool(path.verb) or not self._is_known(path.collection))
        if acts and path.method not in {"GET", "HEAD"}:
            return self._action(tool, path, keys, first)
        if path.is_item:
            said = self._item_by_name(tool, path)
            within = self._item_within(tool) if said == "create" else None
            if within is not None and len(within.key) == len(keys) + 1:
                return effect("create", within.resource or "root", keys, 0.8, "its name, and answers what is inside")
            if said is not None:
                about = self._inside(path.collection) if said == "list" else path.collection
                return effect(said, about or "root", keys[:-1] if said == "create" else keys, 0.85, "its name")
            kind = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(path.method, "update")
            return effect(kind, path.collection or "root", keys, 0.95, f"{path.method} {ON_ITEM}")
        if path.method in {"GET", "HEAD"}:
            return self._get(tool, path, keys, first)
        if path.method != "DELETE" and self._answers_whole(tool, path) and len(keys) == len(path.parameters):
            return effect("update", path.parent, keys, 0.7, f"{path.method} on a part {OF_WHOLE}")
        if path.method == "POST":
            return self._post(path, keys)
        return self._single(tool, path, keys)

    def _makes_several(self, tool: Tool, path: Path) -> bool:
        """Whether `POST /findings/import` sends findings, and is not called after what else may be done to them."""
        said = {*words(tool.name)}
        if not said & _MAKING or said & _NOT_MAKING or path.is_item or not self._is_known(path.parent):
            return False
        argument = things_argument(tool, path.parent)
        return argument is not None and flat(argument) not in BATCHES

    def _item_by_name(self, tool: Tool, path: Path) -> str | None:
        """`CreateThing` makes a thing at its own path, `ListStreams` shows what is under one."""
        parts = words(tool.name)
        said = next((word for word in parts if word in CLEAR), "")
        if path.method == "POST" and said == "create" and not _REPLACING & set(parts):
            return "create"
        if path.method != "GET" or said != "list" or not _may_list(tool):
            return None
        return "list" if answers_many(tool) is not False or self._lists_inside(tool, path) else None

    def _lists_inside(self, tool: Tool, path: Path) -> bool:
        """Whether one of several arrays (`Contents` beside `CommonPrefixes`) has the key of the things inside."""
        about = self._inside(path.collection)
        keyed = flat(self._items[about]) if about != path.collection else ""
        top = View(tool.output_schema, tool.output_schema)
        items = [place.items for name in top_arrays(tool) if (place := top.child(name)) is not None and place.items]
        return any(keyed in map(flat, item.properties) for item in items)

    def _item_within(self, tool: Tool) -> Effect | None:
        """What reads a thing right below a create's own path (`/rows/{table}/{row}`) that the create answers."""
        own = Path.of(tool).segments
        for reader in self._readers:
            below = Path.of(reader).segments
            if len(below) == len(own) + 1 and below[-1][1] and form_of(below[:-1]) == form_of(own):
                above = next((r for r in self._readers if form_of(Path.of(r).segments) == form_of(own)), None)
                if _alike(_answered(tool), _answered(reader)) and not _alike(_answered(tool), _answered(above)):
                    return self.effect(reader)
        return None

    def _inside(self, collection: str) -> str:
        """The collection right inside of a thing: what is listed at the thing's own path."""
        outer, level = f"{collection}/", collection.count("/") + 1
        return next((c for c in self._items if c.startswith(outer) and c.count("/") == level), collection)

    def _is_known(self, collection: str) -> bool:
        return collection in self._items or collection in self._lists

    def _action(self, tool: Tool, path: Path, keys: tuple[str, ...], verb: str) -> Effect:
        """`POST /orders/{id}/cancel`: the thing before the verb."""
        owner = path.collection if path.verb else path.parent
        at = len(path.segments) - (0 if path.verb else 1)
        inner = at - 1
        below = inner > 0 and path.segments[inner - 1][1] and flat(path.segments[inner][0]) in _NO_PARTS
        if below and VERBS.get(verb) != "delete" and owner not in self._ends:
            at, owner = inner, owner.rpartition("/")[0]  # `/users/{id}/lifecycle/activate`
        on_item = at > 0 and path.segments[at - 1][1]
        kind = VERBS.get(verb)
        if kind == "list":
            return effect("list", owner, keys, 0.6, f"the search {verb!r}") if owner else opaque("a search of all")
        thing = self._gets.get(path.segments[:at])
        whole = on_item and thing is not None and _alike(_answered(tool), _answered(thing))
        if kind == "compute" and whole and verb in ACTIONS:
            kind = "read"  # `/hooks/{id}/verify` shows the hook
        if kind == "compute":
            return effect("compute", None, (), 0.6, f"the calculation {verb!r}")
        if kind in {"create", "delete"} and part_of(path) is not None:
            return opaque(f"{verb!r} of a part that nothing shows")
        if kind == "create":
            return effect("create", owner or path.collection, keys, 0.6, "POST on a create action")
        needs = {*required_names(tool)} - {*keys}
        if kind == "delete" and any(not is_scalar(tool, name) for name in needs):
            return opaque(f"{verb!r} of several things inside")
        if kind == "delete" and verb not in _TAKES_ALL:
            return opaque(f"{verb!r} of what is inside")
        if on_item and verb not in TANGLED and self._is_known(owner) and len(keys) == len(path.parameters):
            kept = kind if kind in {"delete", "read"} else "update"
            return effect(kept, owner, keys, 0.6, f"the action {verb!r} {BY_VERB}")
        return opaque(f"{verb!r} is an action")

    def _get(self, tool: Tool, path: Path, keys: tuple[str, ...], verb: str) -> Effect:
        known = verb in self._lists or path.collection in self._items  # `/queryPacks` beside `/queryPacks/{name}`
        kind = None if known else VERBS.get(verb)
        if kind == "list" and len(path.statics) > 1:
            return effect("list", path.parent, keys, 0.8, "GET on a search path")
        named = path.is_plural and flat(path.statics[-1]) in map(flat, top_arrays(tool))  # `/check-runs`
        stored = named or path.collection in self._items or path.collection in self._written
        if not stored and (verb in ACTIONS or kind == "compute"):
            return effect("compute", None, (), 0.6, f"GET on the action {verb!r}")
        plural = path.is_plural
        alone = not plural and path.collection not in self._items and self._is_sent(tool, path)
        many = answers_many(tool) if path.segments not in self._put and not alone else False
        paged = answers_page(tool) and not self._is_sent(tool, path)
        lists = paged or (plural and _lists(tool, path.statics[-1]) and not self._is_set(path))
        arrays = top_arrays(tool)
        held = len(arrays) == 1 and flat(arrays[0]) in HOLDERS  # `data`, whatever else an answer says
        lists = lists or (plural and path.collection in self._items and held)
        asked = "GET" if tool.http is not None and tool.http.method.upper() != "POST" else "a question by POST"
        other = self._listed_by(tool, path)
        if other is not None:
            return effect("list", other, keys, 0.7, f"{asked} on another list of the {last_noun(other)!r}")
        if many or lists or (many is None and plural):
            return effect("list", path.collection, keys, 0.9, f"{asked} on a collection")
        if path.collection not in self._written:
            keys = (*keys, *(name for name in required_names(tool) if name not in keys and not is_around(tool, name)))
        return effect("read", path.collection, keys, 0.7, f"{asked} on a single thing")

    def _listed_by(self, tool: Tool, path: Path) -> str | None:
        """The collection that `GET /hostedzonesbyname` lists by something: its name says so, and its answer."""
        if "by" not in words(tool.name) or path.is_item or path.parameters or path.collection in self._written:
            return None
        arrays = {flat(noun(words(name))) for name in top_arrays(tool)}
        beside = (other for other in self._items if other.rpartition("/")[0] == path.parent)
        return next(
            (c for c in beside if flat(last_noun(c)) in arrays and flat(last_noun(c)) in flat(tool.name)), None
        )

    def _answers_whole(self, tool: Tool, path: Path) -> bool:
        """Whether a write at a part of a thing (`PUT /distribution/{Id}/config`) answers the thing itself."""
        on_item = len(path.segments) > 1 and path.segments[-2][1] and not path.verb
        shown = self._gets.get(path.segments[:-1])
        if not on_item or shown is None or path.parent not in self._items or path.collection in self._items:
            return False
        last = words(path.statics[-1])
        said = {flat(name) for name in argument_names(tool) if name not in _arguments_of(tool, path.parameters)}
        if path.method == "POST" and (is_plural(last[-1]) or DUPLICATES & {*last} or said - {flat(path.statics[-1])}):
            return False  # it may make something: a comment's `body` is not the issue's
        own, whole, part = (_answered(one) for one in (tool, shown, self._gets.get(path.segments)))
        wrapped = {name for name in own & whole if noun(words(name)) == last_noun(path.parent)}
        alike = _alike(own, whole)
        return bool(wrapped - part) if wrapped else alike and not 2 * len(own & part) > len(own)

    def _is_set(self, path: Path) -> bool:
        """Whether a PUT or PATCH at the same path sets what is there, instead of adding to it (`add_members`)."""
        return not all(map(_adds, self._setters.get(path.segments, ())))

    def _is_sent(self, tool: Tool, path: Path) -> bool:
        """Whether a PUT or PATCH at the same path sends something that stands at the top of the answer."""
        top = {flat(name) for name in View(tool.output_schema, tool.output_schema).properties}
        setters = self._setters.get(path.segments, ())
        return any(top & {flat(name) for name in top_names(writer)} for writer in setters)

    def _post(self, path: Path, keys: tuple[str, ...]) -> Effect:
        shown = self._gets.get(path.segments)
        alone = path.collection not in self._items
        one = shown is not None and not (
            shows_array(shown) and (path.is_plural or path.segments not in self._setters)
        )
        if alone and one and shown is not None and shown.output_schema is not None:
            found = effect("update", path.collection, keys, 0.7, "POST on a single thing that can be read")
            return found.model_copy(update={"upsert": True})
        if self._is_known(path.collection):
            return effect("create", path.collection, keys, 0.9, "POST on a collection that is read elsewhere")
        last = words(path.statics[-1]) if path.statics else ()
        if last and is_plural(last[-1]):
            return effect("create", path.collection, keys, 0.65, "POST on a plural noun")
        return opaque("POST on a path nothing else reads")

    def _makes_one(self, tool: Tool) -> bool:
        """Whether a PUT makes one more thing: it is called so, and several are read there."""
        path = self.paths[tool.name]
        shown = self._gets.get(path.segments)
        several = path.collection in self._items or (shown is not None and bool(answers_many(shown)))
        return several and not path.is_item and _creates(tool)

    def _single(self, tool: Tool, path: Path, keys: tuple[str, ...]) -> Effect:
        kind = "delete" if path.method == "DELETE" else "update"
        inner = _argument_like(tool, self._items.get(path.collection, ""))
        if path.collection in self._items and inner:
            return effect(kind, path.collection, (*keys, inner), 0.85, f"{path.method} with the key in the body")
        shown = self._gets.get(path.segments)
        if path.method == "PUT" and self._makes_one(tool):
            return effect("create", path.collection, keys, 0.7, "PUT that creates by its name")
        shows = self.effect(shown).kind if shown is not None else None
        is_single = shows == "read" and (kind == "update" or not path.is_plural)
        adds = _adds(tool) or (shown is not None and answers_page(shown))
        adds = adds and shows == "list" and kind == "update"
        if adds or (path.collection in self._items and not is_single):
            return opaque(f"{path.method} on a whole collection")
        found = effect(kind, path.collection, keys, 0.7, f"{path.method} on a single thing")
        return found.model_copy(update={"upsert": kind == "update"})


def _answered(tool: Tool | None) -> set[str]:
    """The properties at the top of an answer."""
    return {*View(tool.output_schema, tool.output_schema).properties} if tool is not None else set()


def _alike(own: set[str], other: set[str]) -> bool:
    """Whether two answers show the same."""
    return len(own) >= _FEWEST and 10 * len(own & other) >= 8 * max(len(own), len(other))


def _creates(tool: Tool) -> bool:
    """Whether a name says that something is made, and nothing else."""
    return words(tool.name)[:1] == ("create",) and not _REPLACING & set(words(tool.name))


def _adds(tool: Tool) -> bool:
    """Whether a name says that something joins what is there."""
    return bool(_ADDING & set(words(tool.name)))


def _lists(tool: Tool, things: str) -> bool:
    """Whether a tool is called a list and answers an array called as its things (`intentSummaries` of `intents`)."""
    own = singular(words(things)[-1])
    arrays = [(*map(singular, words(name)), singular(flat(name))) for name in top_arrays(tool)]
    named = any(own in said for said in arrays)
    return named and (words(tool.name)[:1] == ("list",) or words(tool.name)[:3] == ("get", "list", "of"))


def _arguments_of(tool: Tool, parameters: tuple[str, ...]) -> tuple[str, ...]:
    """Argument names of path parameters (they differ where an import renamed a clash)."""
    assert tool.http is not None
    wire = {slot.name: argument for argument, slot in tool.http.slots.items() if slot.place == "path"}
    names = argument_names(tool)
    loose = {flat(name): name for name in reversed(names)}
    found = [wire.get(p) or (p if p in names else loose.get(flat(p), "")) for p in parameters]
    if any(found) or len(parameters) == 1:
        free = [name for name in required_names(tool) if name not in found and is_scalar(tool, name)]
        found = [name or _fitting(p, free) for name, p in zip(found, parameters, strict=True)]
    return tuple(name for name in found if name)


def _may_list(tool: Tool) -> bool:
    return tool.output_schema is None or shows_array(tool)


def _fitting(parameter: str, free: list[str]) -> str:
    """The one argument whose name ends as the path's: `id` for `{jobRunId}`, `templateId` for `{id}`."""
    wanted = flat(parameter)
    fitting = [name for name in free if wanted.endswith(flat(name)) or flat(name).endswith(wanted)]
    return fitting[0] if len(fitting) == 1 else ""


def _argument_like(tool: Tool, parameter: str) -> str | None:
    """The body's argument that a sibling's path calls `parameter`: the same name, or `id` for `petId`."""
    by_flat = {flat(name): name for name in reversed(argument_names(tool))}
    endings = [words(parameter)[-1]] if words(parameter)[-1:] == ("id",) else []
    return next((by_flat[name] for name in (flat(parameter), *endings) if name in by_flat), None)
