"""A toolset read as a world: which tool touches which resource, where its document lies, what its key is.

Made once per toolset from definitions alone; the plan of a call (`gtm.world.plan`) only looks things up here.
Knows nothing of sessions, engines or prompts.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool, Toolset
from gtm.world import family
from gtm.world.bound import STORED, Bound, address_of
from gtm.world.effects import infer_effects, storable
from gtm.world.fields import bare, key_holder, last_noun, matching
from gtm.world.keys import (
    GUESSES,
    calls_by_noun,
    document_path,
    given_key,
    is_envelope,
    is_served,
    key_field,
    key_leaf,
    shows_many,
)
from gtm.world.labels import labellings, puttings
from gtm.world.listing import is_presentation
from gtm.world.mentions import KEYED, Naming, called_by, mentioned
from gtm.world.mirrors import Mirrors
from gtm.world.naming import duplicates
from gtm.world.paths import BY_VERB, OF_WHOLE, ON_ITEM
from gtm.world.receipts import Receipts
from gtm.world.resource import Resource
from gtm.world.routes import Path
from gtm.world.several import is_several
from gtm.world.takers import Takers
from gtm.world.words import MOVES, flat, words
from gtm.world.wrappers import unwrapped, wrappers_of

_READERS_FIRST = ("read", "list", "create", "update", "delete")


class WorldModel:
    """Every tool of a toolset bound to the world. `shape_of` gives a tool's answer shape, or None."""

    def __init__(
        self,
        toolset: Toolset,
        shape_of: Callable[[Tool], dict[str, Json] | None],
        declared: Mapping[str, Effect] | None = None,
    ) -> None:
        self.toolset = toolset
        self._shape_of, self._takers = shape_of, Takers(toolset.tools)
        self._bound: dict[str, Bound] = {}
        self._resources: dict[str, Resource] = {}
        self._fields: dict[str, dict[str, Json]] = {}
        self._scopes: dict[str, int | None] = {}
        self._moves = any(MOVES & {*words(tool.name)} for tool in toolset.tools)
        self.effects = {name: storable(effect) for name, effect in infer_effects(toolset, declared).items()}
        self.counters = family.counters(toolset, self.effects)
        """Tools that answer how many things a list would show, by name."""
        self.effects.update(self.counters)
        self._groups: dict[str, list[Tool]] = {}
        for tool in toolset.tools:
            if (effect := self.effects[tool.name]).kind in STORED and effect.resource:
                self._groups.setdefault(effect.resource, []).append(tool)
        for tool, group in [(one, all_of) for all_of in self._groups.values() for one in all_of]:
            if self._shows_many(tool, group):
                changed = {"kind": "list", "reason": "it shows several of the things"}
                self.effects[tool.name] = self.effects[tool.name].model_copy(update=changed)
        self._fields.clear()
        self._scopes.clear()
        self._receipts = Receipts(toolset.tools, self.effects, shape_of, self.keys_of)
        self._levels = self._measured()
        reach = {name: max((self._split(t)[0] for t in tools), key=len) for name, tools in self._groups.items()}
        self._family = family.Family(self._levels, reach)
        self._naming = Naming(toolset.tools, self.effects)
        self._labellings = labellings(toolset.tools, self.effects)
        self._putting = puttings(tool for tool in toolset.tools if tool.name not in self._labellings)
        self.mirrors = Mirrors(self.effects.values(), self.resource)
        """Parts of things that are fields of these, too."""
        self._outer = family.outer_tools(toolset.tools, self.effects)

    def bind(self, tool: Tool) -> Bound:
        """The tool bound to the world; computed at the first use."""
        if tool.name not in self._bound:
            self._bound[tool.name] = self._bind(tool)
        return self._bound[tool.name]

    def fields_of(self, resource: str) -> dict[str, Json]:
        """Properties of a resource as its writers' arguments declare them: name -> schema."""
        if resource not in self._fields:
            fields: dict[str, Json] = {}
            for tool in self._groups.get(resource, ()):
                if self.effects[tool.name].kind in {"create", "update"}:
                    for name, schema in self._written(tool).items():
                        fields.setdefault(name, schema)
            self._fields[resource] = fields
        return self._fields[resource]

    def is_acted_on(self, resource: str) -> bool:
        """Whether some tool changes its things by what it is called (`cancel_order`)."""
        return any(family.is_action(self.effects[tool.name]) for tool in self._groups.get(resource, ()))

    def keys_of(self, resource: str) -> tuple[str, ...]:
        """Argument names by which tools name one thing of a resource, the most used first."""
        names = [keys[-1] for tool in self._groups.get(resource, ()) if (keys := self._split(tool)[1])]
        return tuple(sorted(dict.fromkeys(names), key=lambda name: -names.count(name)))

    def resource(self, name: str) -> Resource:
        """What all tools of a resource share; computed at the first use."""
        if name not in self._resources:
            views = self._views(name)
            key, leaf = self._key_of(name)
            ancestors = self._family.ancestors(name)
            effects = [self.effects[tool.name] for tool in self._groups[name]]
            rules = (effect.on_delete for effect in effects if effect.kind == "delete")
            self._resources[name] = Resource(
                name=name,
                key=key,
                holder=key_holder(views, self.keys_of(name)) if key is None else None,
                key_leaf=leaf,
                caller_keys=self._caller_keys(name),
                named_by=self._named_by(name, key),
                keys=frozenset(flat(key) for key in self.keys_of(name)),
                called=called_by([t for t in self._groups[name] if self.effects[t.name].kind in KEYED]),
                parts_of=family.parts_of(self._groups[name], self.effects),
                optional=family.is_optional(name, self._groups[name], self.effects, self._shape_of),
                made=any(effect.kind == "create" or effect.upsert for effect in effects),
                written=frozenset(map(flat, self.fields_of(name))),
                movable=self._moves,
                receipts=any(map(self._receipts.holds, self._creates(name))),
                views=views,
                ancestors=tuple(self.resource(a) if a is not None else None for a in ancestors),
                around=tuple(self.resource(outer) for outer in self._family.around(name)),
                descendants=self._family.descendants(name),
                on_delete=next((rule for rule in rules if rule != "cascade"), "cascade"),
                references=family.references(name, views, self._levels, self._key_of),
            )
        return self._resources[name]

    def _bind(self, tool: Tool) -> Bound:
        effect, shape = self.effects[tool.name], self._shape_of(tool)
        mentions = mentioned(tool, self.effects, self.toolset.tools, self.resource)
        if effect.kind not in STORED or effect.resource is None:
            names, labels = self._naming.names(tool), self._labellings.get(tool.name)
            bound = Bound(tool, effect, shape, mentions=mentions, names=names, labelling=labels, things=self.resource)
            under = self.bind(outer) if (outer := self._outer.get(tool.name)) is not None else None
            return replace(bound, under=under, puts_labels=self._putting.get(tool.name))
        thing = self.resource(effect.resource)
        parents, own = self._split(tool)
        keys = self.keys_of(effect.resource)
        document = self._locate(tool, shape)
        field, sure = None, thing.key is not None and flat(thing.key) not in {*GUESSES, "name"}
        if not self._is_singleton(tool):
            field = key_field(shape, document, keys, effect.resource, self._is_named(effect.resource), sure=sure)
        wrappers = wrappers_of(tool, effect, thing.shown, self._holders(effect.resource))
        batch = family.batch_argument(tool, effect, thing.shown)
        if effect.kind == "create":
            own = self._given(tool, wrappers, field or thing.key)
        return Bound(
            tool=tool,
            effect=effect,
            shape=shape,
            address=address_of(tool, effect, unwrapped(tool, wrappers)),
            receipt=self._receipts.of(tool, self.resource),
            document=document,
            key_field=field,
            own_keys=own,
            parents=parents,
            thing=thing,
            wrappers=wrappers,
            batch=batch,
            counts=tool.name in self.counters,
            single=self._is_singleton(tool),
            mentions=mentions,
            names=self._naming.names(tool),
            forgiving=effect.kind == "delete" and family.is_forgiving(tool, self.toolset),
            labelling=self._labellings.get(tool.name),
            puts_labels=self._putting.get(tool.name),
            things=self.resource,
        )

    def _shows_many(self, tool: Tool, tools: list[Tool]) -> bool:
        """Whether a reader without a key of its own shows several things that other tools name one by one."""
        effect = self.effects[tool.name]
        if effect.kind != "read" or effect.reason == "declared" or (effect.key and not self._is_singleton(tool)):
            return False
        items = [other for other in tools if self._split(other)[1] and not self._is_singleton(other)]
        if not any(len(self.effects[other.name].key) == len(effect.key) + 1 for other in items):
            return False
        shape = self._shape_of(tool)
        known = self._known(effect.resource or "")
        return shape is not None and shows_many(shape, known, effect.resource or "")

    def _holders(self, resource: str) -> frozenset[str]:
        """The properties in which readers of one thing show it."""
        readers = (tool for tool in self._groups[resource] if self.effects[tool.name].kind == "read")
        return frozenset(path[-1] for tool in readers if (path := self._locate(tool, self._shape_of(tool))))

    def _given(self, tool: Tool, wrappers: frozenset[str], field: str | None) -> tuple[str, ...]:
        """The fields (at the top or in a wrapper) by which a create fixes the new thing's key."""
        resource = self.effects[tool.name].resource or ""
        written = unwrapped(tool, wrappers)
        if family.batch_argument(tool, self.effects[tool.name], frozenset()) is not None:
            written = self._written(tool)
        names = [name for name in written if name not in self._split(tool)[0]]
        components = self._components(resource)
        if len(components) > 1:
            found = [matching(component, names) for component in components]
            return tuple(name or component for name, component in zip(found, components, strict=True))
        others = {flat(last_noun(other)) for other in self._groups} - {flat(last_noun(resource))}
        # `user_id` of a member is a user's, but where members are called by it, it is the member's too.
        keys = self.keys_of(resource)
        names = [name for name in names if name in keys or "".join(words(name)[:-1]) not in others]
        names = [name for name in names if not is_served(written[name])]
        name = given_key(names, field, self.keys_of(resource), resource, copies=duplicates(tool))
        return (name,) if name else ()

    def _unwrapped(self, tool: Tool) -> dict[str, Json]:
        """A tool's arguments, those that hold a thing's fields opened."""
        return unwrapped(tool, wrappers_of(tool, self.effects[tool.name], frozenset()))

    def _written(self, tool: Tool) -> dict[str, Json]:
        parents = self._split(tool)[0]
        effect = self.effects[tool.name]
        batch = family.batch_argument(tool, effect, frozenset())
        if batch is not None:
            view = View(tool.parameters, tool.parameters).child(batch)
            return dict(view.items.properties) if view is not None and view.items is not None else {}
        slots = tool.http.slots if tool.http else {}
        amounts = effect.consumed - {*effect.key} if effect.kind == "update" else frozenset()
        return {
            name: schema
            for name, schema in self._unwrapped(tool).items()
            if name not in parents
            and name not in amounts
            and not (name in slots and slots[name].place == "query" and is_presentation(name))
        }

    def _split(self, tool: Tool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(parents' arguments, own key's arguments) of a tool."""
        effect = self.effects[tool.name]
        scope = self._scope(effect.resource or "")
        if effect.kind == "list" and scope is None:
            scope = family.most_parents([self.effects[t.name] for t in self._groups.get(effect.resource or "", ())])
        if effect.kind in {"create", "list"} or is_several(effect):
            return effect.key[:scope], ()
        if self._is_singleton(tool):
            return effect.key, ()
        at = len(effect.key) - 1 if scope is None else scope
        return effect.key[: max(at, 0)], effect.key[max(at, 0) :]

    def _scope(self, resource: str) -> int | None:
        """How many parents' keys scope a resource whose key has several parts; None for any other."""
        if resource not in self._scopes:
            effects = [self.effects[tool.name] for tool in self._groups.get(resource, ())]
            keyed = {len(e.key) for e in effects if e.kind not in {"create", "list"}}
            opened = {len(e.key) for e in effects if e.kind in {"create", "list"}}
            self._scopes[resource] = None
            if len(keyed) == 1 and opened and min(opened) < max(keyed) - 1:
                item = next(e for e in effects if e.kind not in {"create", "list"})
                extra = item.key[min(opened) : -1]
                if (names := self._makers_names(resource)) and all(matching(name, names) for name in extra):
                    self._scopes[resource] = min(opened)
        return self._scopes[resource]

    def _makers_names(self, resource: str) -> tuple[str, ...]:
        """Arguments of the creates of a resource."""
        return tuple(
            n
            for tool in self._creates(resource)
            for n in self._unwrapped(tool)
            if n not in self.effects[tool.name].key
        )

    def _creates(self, resource: str) -> list[Tool]:
        return [tool for tool in self._groups.get(resource, ()) if self.effects[tool.name].kind == "create"]

    def _components(self, resource: str) -> tuple[str, ...]:
        """The arguments that together are a thing's key."""
        return next((own for tool in self._groups.get(resource, ()) if (own := self._split(tool)[1])), ())

    def _measured(self) -> dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]]:
        """Of each resource: how many keys name an item, the key's argument names, its parents'."""
        levels: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {}
        for resource, tools in self._groups.items():
            items = [self._split(t) for t in tools if self._split(t)[1] and not self._is_singleton(t)]
            plain = [tool for tool in tools if not self._is_singleton(tool)]
            parents = items[0][0] if items else max((self._split(tool)[0] for tool in plain or tools), key=len)
            names = self.keys_of(resource)
            levels[resource] = (len(items[0][0]) + 1 if items and len(items[0][1]) == 1 else 0, names, parents)
        return levels

    def _views(self, resource: str) -> tuple[View, ...]:
        found: list[View] = []
        for kind in _READERS_FIRST[:-1]:
            for tool in self._groups[resource]:
                if self.effects[tool.name].kind != kind or not isinstance(tool.output_schema, dict):
                    continue
                path = self._locate(tool, self._shape_of(tool))
                view = View(tool.output_schema, tool.output_schema).at(path) if path is not None else None
                if view is not None and view.properties:
                    found.append(view)
        return tuple(found)

    def _key_of(self, resource: str) -> tuple[str | None, dict[str, Json]]:
        """The key's property and what it must be, from all tools of a resource, readers first."""
        names = self.keys_of(resource)
        found: str | None = None
        leaf: dict[str, Json] = {}
        for sure, kind in product((None, True, False), _READERS_FIRST):
            for tool in self._groups[resource]:
                if found is not None or self.effects[tool.name].kind != kind or self._is_singleton(tool):
                    continue
                shape = self._shape_of(tool)
                document = self._locate(tool, shape)
                found = key_field(shape, document, names, resource, self._is_named(resource), sure=sure)
                if found is not None and document is not None and isinstance(tool.output_schema, dict):
                    view = View(tool.output_schema, tool.output_schema).at((*document, found))
                    leaf = dict(view.flat) if view else {}
        own = [(keys[-1], tool.parameters) for tool in self._groups[resource] if (keys := self._split(tool)[1])]
        leaf = key_leaf(leaf, own, found or "", resource)
        return found, self._takers.leaf(found or "", last_noun(resource), leaf)

    def _is_singleton(self, tool: Tool) -> bool:
        """`/pets/{petId}/status`: the path's key is the parent's, so the document does not carry it as its own."""
        effect = self.effects[tool.name]
        if tool.http is None or effect.kind in {"create", "list"} or not effect.key:
            return False
        slot = tool.http.slots.get(effect.key[-1])
        ends = ((path := Path.of(tool)).is_item and not path.verb) or path.is_rpc(tool)
        acts = family.is_action(effect) or effect.reason.endswith((OF_WHOLE, ON_ITEM, BY_VERB))
        return slot is not None and slot.place == "path" and not ends and not acts

    def _is_named(self, resource: str) -> bool:
        """Whether callers name its things."""
        names = {flat(name) for name in self._makers_names(resource)}
        noun = f"{flat(last_noun(resource))}name"  # `serviceName` where tools ask for a `service`
        called = calls_by_noun(self.keys_of(resource))
        return ("name" in names and ("id" not in names or called)) or (noun in names and called)

    def _named_by(self, resource: str, key: str | None) -> frozenset[str]:
        """What tells one thing from another once it was made: what a create is given, and what it answers."""
        last = last_noun(resource)
        found: set[str] = set()
        whole = family.whole_keys(self._groups[resource], self.effects)
        for tool in self._groups[resource]:
            effect = self.effects[tool.name]
            if effect.upsert and not self._is_singleton(tool):
                found.update(effect.key[-1:])
            elif effect.kind == "create":
                shape = self._shape_of(tool)
                document = self._locate(tool, shape)
                shown = key_field(shape, document, self.keys_of(resource), resource, self._is_named(resource))
                # Where a definition leaves out what a create answers, it answers the key.
                shown = key if shape is None and tool.http is not None else shown
                given = self._given(tool, wrappers_of(tool, self.effects[tool.name], frozenset()), shown or key)
                found.update(given, (shown,) if shown else ())
                found.update(k for k in self.keys_of(resource) if matching(k, self._written(tool)))
                if calls_by_noun(self.keys_of(resource)):  # `service` in other tools, `serviceName` here
                    found.update(name for name in self._written(tool) if bare(name, last) == "name")
                if address_of(tool, self.effects[tool.name], self._unwrapped(tool)) is not None:
                    found.update(self.keys_of(resource))
        others = {"resource", *(flat(last_noun(other)) for other in self._groups)} - {flat(last)}
        # What names another kind of thing (`TableName` of an item) says where it is, not which.
        own = [n for n in found if n in whole or not {"".join(words(n)[:-1]), flat(n)} & others]
        return frozenset(form for name in own for form in (flat(name), bare(name, last)))

    def _caller_keys(self, resource: str) -> bool:
        for tool in self._groups[resource]:
            effect = self.effects[tool.name]
            if effect.upsert and effect.key and not self._is_singleton(tool):
                return True
            # A POST at a thing's own path may be any action there: too weak to say what does not exist.
            if effect.kind == "create" and not (tool.http is not None and tool.http.path.endswith("}")):
                address = address_of(tool, self.effects[tool.name], self._unwrapped(tool))
                if address is not None and address.name is not None:
                    return True
                wrappers = wrappers_of(tool, effect, frozenset())
                if address is None and self._given(tool, wrappers, self._key_of(resource)[0]):
                    return True
        return False

    def _locate(self, tool: Tool, shape: dict[str, Json] | None) -> tuple[str, ...] | None:
        """Where the document lies in an answer."""
        effect = self.effects[tool.name]
        resource = effect.resource or ""
        if tool.name in self.counters or self._receipts.holds(tool):
            return None
        many = effect.kind == "list"
        path = document_path(shape, self._known(resource), self.keys_of(resource), resource, many=many)
        # A part of a thing (`/pets/{petId}/status`) is the whole answer, or what its envelope holds.
        return () if path and self._is_singleton(tool) and not is_envelope(path) else path

    def _known(self, resource: str) -> set[str]:
        """Flat names of what a resource's documents are taken to have."""
        return {flat(name) for name in (*self.fields_of(resource), *self.keys_of(resource), "id", "name")}
