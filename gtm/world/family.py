"""How the resources of a toolset belong together: what is inside of what, who refers to whom, who counts whom.

Names and definitions only; never looks at documents.
"""

from collections.abc import Callable, Mapping, Sequence

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool, Toolset
from gtm.world.fields import bare, last_noun
from gtm.world.hints import required_names
from gtm.world.resource import Reference
from gtm.world.several import BATCHES, is_several, names_argument, says_several, things_argument
from gtm.world.words import flat, noun, singular, words

Levels = Mapping[str, tuple[int, tuple[str, ...], tuple[str, ...]]]
"""Resource -> (how many keys name an item, 0 where nothing does; its own key's argument names; its parents')."""

_COUNTING = frozenset({"count", "counts", "total"})
_ABSENCES = ("notfound", "nosuch", "notexist", "nonexist", "unknown")
"""Parts of documented errors' names that say that something is absent."""

_CONFLICTS = frozenset({"already", "exists", "duplicate"})
"""Words of documented errors' names that say that something is there already, unless it is one of these."""
_REPEATED = frozenset({"request", "tag", "tags", "token", "operation"})

_REVIVING = frozenset(
    "restore undelete undeleted recover undo revive purge reactivate reinstate unarchive untrash resurrect".split()
)
"""Verbs of what is done to deleted things."""


class Family:
    """Which resource is inside of which."""

    def __init__(self, levels: Levels, reach: Mapping[str, tuple[str, ...]]) -> None:
        self._levels = levels
        self._reach = reach
        self._flat: dict[int, list[str]] = {}
        for name, (keys, _, _) in levels.items():
            self._flat.setdefault(keys, []).append(name)
        self._descendants: dict[str, list[str]] = {}
        for name in levels:
            for ancestor in self.ancestors(name):
                if ancestor is not None:
                    self._descendants.setdefault(ancestor, []).append(name)
            for single in self.around(name):
                self._descendants.setdefault(single, []).append(name)

    def ancestors(self, resource: str) -> tuple[str | None, ...]:
        """The resource that each of the parents' keys belongs to, outermost first.

        As many as any tool names: `/comments/{id}` names none, but `/tags/{tagId}/comments` goes with its tag.
        """
        return tuple(self._ancestor(resource, at + 1, name) for at, name in enumerate(self._reach[resource]))

    def around(self, resource: str) -> tuple[str, ...]:
        """The things without a key that a resource is inside of: `/self` of `/self/consumers`."""
        steps = resource.split("/")
        outer = ["/".join(steps[:at]) for at in range(1, len(steps))]
        depth = self._depth(resource)
        return tuple(n for n in outer if n in self._levels and self._is_single(n) and self._depth(n) <= depth)

    def descendants(self, resource: str) -> tuple[str, ...]:
        """Resources inside things of this one, at any depth."""
        return tuple(self._descendants.get(resource, ()))

    def _ancestor(self, resource: str, level: int, argument: str) -> str | None:
        outer = resource.rpartition("/")[0]
        while outer:
            if self._has_items(outer, level):
                return outer
            outer = outer.rpartition("/")[0]
        if "/" in resource:
            return None
        wanted = flat(argument)
        fitting = [n for n in self._flat.get(level, ()) if n != resource and self._has_items(n, level)]
        named = next((name for name in fitting if wanted in _names_of(name)), None)
        return named or next((name for name in fitting if wanted == _specific(self._levels[name][1])), None)

    def _is_single(self, resource: str) -> bool:
        return not self._levels[resource][0] and not self._levels[resource][1]

    def _depth(self, resource: str) -> int:
        return len(self._levels[resource][2])

    def _has_items(self, resource: str, level: int) -> bool:
        """Whether its things are named by so many keys, and no tool of it by more."""
        keys, _, parents = self._levels.get(resource, (0, (), ()))
        return keys == level == len(parents) + 1


def _names_of(resource: str) -> frozenset[str]:
    last = flat(last_noun(resource))
    return frozenset({last, f"{last}id", f"{last}name", f"{last}key", f"{last}identifier"})


def _specific(names: Sequence[str]) -> str | None:
    """The argument that most tools of a resource call its things by, where it says more than `id`."""
    name = flat(names[0]) if names else ""
    return None if name in {"", "id", "name", "key", "path", "arn", "resource"} else name


def parts_of(tools: Sequence[Tool], effects: Mapping[str, Effect]) -> frozenset[str]:
    """Keys by which a thing is put somewhere and taken away again with nothing else said."""
    put = {effects[t.name].key for t in tools if effects[t.name].upsert and effects[t.name].key}
    deletes = [(tool, effects[tool.name].key) for tool in tools if effects[tool.name].kind == "delete"]
    taken = {key for tool, key in deletes if {*required_names(tool)} <= {*key}}
    return frozenset(flat(key[-1]) for key in put & taken)


def whole_keys(tools: Sequence[Tool], effects: Mapping[str, Effect]) -> frozenset[str]:
    """Keys with which a reader demands nothing else: `ContainerName` of a container's policy, not of its items.

    Only of what may be absent: a reader says so, or a tool takes it away. Preferences are there from the start.
    """
    readers = [(tool, effects[tool.name].key) for tool in tools if effects[tool.name].kind == "read"]
    absent = any(effects[tool.name].kind == "delete" for tool in tools) or any(
        documents_absence(t) for t, _ in readers
    )
    whole = {key[0] for tool, key in readers if len(key) == 1 and {*required_names(tool)} <= {*key}}
    return frozenset(whole) if absent else frozenset()


def is_forgiving(tool: Tool, toolset: Toolset) -> bool:
    """Whether a tool documents no error for what is absent, where others of its toolset do.

    Of 586 recorded deletions by such AWS tools 1.4 % failed for that reason, of 1,003 by the others 15.3 %.
    """
    return not documents_absence(tool) and any(map(documents_absence, toolset.tools))


def outer_tools(tools: Sequence[Tool], effects: Mapping[str, Effect]) -> dict[str, Tool]:
    """For tools that are about no thing, the one about the thing that their path is under, the nearest: by name."""
    keyed = {
        tool.http.path: tool
        for tool in tools
        if tool.http is not None and tool.http.path.endswith("}") and effects[tool.name].resource
        if effects[tool.name].kind in {"read", "update", "delete"} and effects[tool.name].key
    }
    found: dict[str, Tool] = {}
    for tool in tools:
        if tool.http is None or effects[tool.name].resource is not None or _REVIVING & set(words(tool.name)):
            continue
        path = tool.http.path
        above = (path[:at] for at in range(len(path) - 1, 0, -1) if path[at] == "/")
        outer = next((keyed[part] for part in above if part in keyed), None)
        if outer is not None and {*effects[outer.name].key} <= {*required_names(tool)}:
            found[tool.name] = outer
    return found


def documents_absence(tool: Tool) -> bool:
    """Whether a documented error of a tool says that something is absent."""
    return bool(absences(tool))


def absences(tool: Tool) -> tuple[str, ...]:
    """The documented errors of a tool that say so, in lower case (`policynotfoundexception`)."""
    names = (name.lower() for name in tool.error_names)
    return tuple(name for name in names if any(said in name for said in _ABSENCES) and "operation" not in name)


def documents_conflict(tool: Tool, *more: str) -> bool:
    """Whether a documented error of a tool says that what it makes is there already, or one of these words."""
    absent = absences(tool)
    things = [{*words(name)} for name in tool.error_names if name.lower() not in absent]
    return any(said & {*_CONFLICTS, *more} and not said & _REPEATED for said in things)


def is_action(effect: Effect) -> bool:
    """Whether an update sets what its verb says (`cancel_order`) and not what its arguments say."""
    return effect.kind == "update" and "action" in words(effect.reason)


def references(
    resource: str, views: Sequence[View], levels: Levels, key_of: Callable[[str], tuple[str | None, dict[str, Json]]]
) -> tuple[Reference, ...]:
    """Fields that hold the key of a thing of another resource: `customerId`, or `id` in an object `customer`.

    Only things that are inside of no other can be referred to: their key alone names them.
    """
    outer = [name for name, (keys, _, parents) in levels.items() if keys == 1 and not parents and name != resource]
    by_last = {flat(last_noun(name)): name for name in reversed(outer)}
    found: dict[tuple[str, ...], Reference] = {}
    for view in views:
        for name in view.properties:
            child = view.child(name)
            if child is None:
                continue
            path: tuple[str, ...] | None = (name,)
            parts = words(name)
            target = by_last.get("".join(parts[:-1])) if parts[-1:] == ("id",) else None
            if child.type == "object":
                target = by_last.get(singular("".join(parts)))
                inner = next((n for n in child.properties if bare(n, target or "") == "id"), None)
                path = (name, inner) if inner is not None else None
            elif child.type not in {"string", "integer"}:
                continue
            if target is not None and path is not None:
                found.setdefault(path, Reference(path, target, *key_of(target)))
    return tuple(found.values())


def is_optional(
    resource: str,
    tools: Sequence[Tool],
    effects: Mapping[str, Effect],
    shape_of: Callable[[Tool], dict[str, Json] | None],
) -> bool:
    """Whether a thing without a key of its own may not be there.

    Tools put it there, and take it away or show nothing but it: such an answer cannot say that there is none.
    """
    puts = any(effects[tool.name].kind == "create" or effects[tool.name].upsert for tool in tools)
    taken = any(effects[tool.name].kind == "delete" for tool in tools)
    readers = (tool for tool in tools if effects[tool.name].kind == "read")
    return puts and (taken or any(_is_wrapped(shape_of(tool), resource) for tool in readers))


def _is_wrapped(shape: dict[str, Json] | None, resource: str) -> bool:
    """Whether an answer is one object, called as the thing, and nothing around it."""
    properties = (shape or {}).get("properties") or {}
    names = [name for name, sub in properties.items() if sub.get("type") == "object"]
    last = flat(last_noun(resource))
    return len(properties) == len(names) == 1 and flat(names[0]) in {last, f"{last}configuration"}


def batch_argument(tool: Tool, effect: Effect, shown: frozenset[str]) -> str | None:
    """The argument that holds several things, of a create, or names them, of a delete without a key."""
    resource = effect.resource or ""
    if effect.kind == "delete":
        return names_argument(tool, resource) if is_several(effect) else None
    if effect.kind != "create":
        return None
    slots = tool.http.slots if tool.http else {}
    view = View(tool.parameters, tool.parameters)
    said = things_argument(tool, resource) if is_several(effect) else None
    if said is not None:
        return said
    last = last_noun(resource)
    for name in view.properties:
        child = view.child(name)
        if child is None or child.type != "array" or child.items is None or child.items.type != "object":
            continue
        whole = name in slots and slots[name].place == "whole_body"
        # The `items` of an order are no orders.
        generic = flat(name) in BATCHES and says_several(tool, resource)
        named = generic or noun(words(name)) == last or singular(flat(name)) == flat(last)
        alone = len([other for other in view.properties if other not in effect.key]) == 1
        if (whole or (named and alone)) and flat(name) not in shown - {"items", "data"}:
            return name
    return None


def most_parents(effects: Sequence[Effect]) -> int | None:
    """How many parents' keys the creates and the keyed tools of a resource have at most; None without both.

    What a list takes beyond them (`/dns/{domain}/rr` beside `/dns/rr/{id}`) is a filter.
    """
    made = [len(effect.key) for effect in effects if effect.kind == "create"]
    keyed = [len(effect.key) - 1 for effect in effects if effect.kind in {"read", "update", "delete"} and effect.key]
    return max(*made, *keyed) if made and keyed else None


def counters(toolset: Toolset, effects: Mapping[str, Effect]) -> dict[str, Effect]:
    """`GET /pets/count`, `count_pets`: tools that answer how many things a list would show."""
    lists = {e.resource: e for e in effects.values() if e.kind == "list" and e.resource is not None}
    by_path = {
        tool.http.path.rstrip("/"): effects[tool.name].resource
        for tool in toolset.tools
        if tool.http is not None and effects[tool.name].kind == "list"
    }
    found: dict[str, Effect] = {}
    for tool in toolset.tools:
        effect = effects[tool.name]
        if effect.kind in {"create", "update", "delete"} or effect.reason == "declared" or not _counts(tool):
            continue
        resource = _counted_resource(tool, lists, by_path)
        if resource is not None:
            found[tool.name] = Effect(
                kind="list", resource=resource, key=lists[resource].key, confidence=0.8, reason="counts a list"
            )
    return {
        name: effect
        for name, effect in found.items()
        if set(effect.key) <= set(toolset.by_name[name].parameters.get("properties") or {})
    }


def _counts(tool: Tool) -> bool:
    path = [part for part in tool.http.path.split("/") if part] if tool.http else []
    if tool.http is not None and tool.http.method.upper() != "GET":
        return False
    named = _COUNTING & set(words(path[-1]) if path else words(tool.name))
    if not named or not isinstance(tool.output_schema, dict):
        return bool(named)
    view = View(tool.output_schema, tool.output_schema)
    numbers = [name for name in view.properties if _is_count(view.child(name))]
    return view.type in {"integer", "number"} or (len(numbers) == 1 and len(view.properties) <= 2)


def _is_count(view: View | None) -> bool:
    return view is not None and view.type in {"integer", "number"}


def _counted_resource(tool: Tool, lists: Mapping[str, Effect], by_path: Mapping[str, str | None]) -> str | None:
    if tool.http is not None:
        outer = by_path.get(tool.http.path.rstrip("/").rpartition("/")[0])
        if outer is not None:
            return outer
    parts = tuple(word for word in words(tool.name) if word not in _COUNTING | {"get", "number", "fetch", "find"})
    wanted = flat(noun(parts))
    return next((name for name in lists if wanted and flat(last_noun(name)) == wanted), None)
