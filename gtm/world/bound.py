"""One tool bound to the world: where its document lies, which arguments are keys, which are the thing's fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gtm.tools.view import View, visible
from gtm.types import Effect, Json, Tool
from gtm.world.additions import Addition, addition_of, changes_list
from gtm.world.family import documents_conflict
from gtm.world.fields import bare, is_identifying, last_noun, matching, takes
from gtm.world.keys import is_served
from gtm.world.kinds import Selection, selection_of
from gtm.world.labels import Labelling
from gtm.world.listing import is_presentation
from gtm.world.parts import segment_of
from gtm.world.paths import address_argument
from gtm.world.receipts import Receipt
from gtm.world.resource import Resource
from gtm.world.routes import Path
from gtm.world.words import flat, noun, words

STORED = frozenset({"create", "read", "list", "update", "delete"})
"""Kinds that touch documents."""

MAX_FEWEST = 20
"""Things that are imagined because a list's schema demands so many; a longer answer is padded."""


_FLAGS = frozenset({"success", "succeeded", "ok", "status"})
_ERRORS = frozenset({"error", "errormessage", "errormsg"})
_SAYING = frozenset("message confirmation result status text url uri link".split())
"""Words of a description of a bare answer that is no key."""
_NOTHING: dict[str, Json] = {"string": "", "null": None}


@dataclass(frozen=True, slots=True)
class Address:
    """Keys that are paths: a `parent`, the collection's own segment, a name."""

    parent: str
    """The argument that holds what comes before the segment."""
    segment: str
    name: str | None = None
    """The argument that gives a new thing's own name; None where the server does."""

    def of(self, parent: Json, name: Json) -> str:
        """The key of one thing; a name that is a whole path is one already."""
        said = str(name)
        return said if said.startswith(f"{parent}/") else f"{self.prefix(parent)}{said}"

    def prefix(self, parent: Json) -> str:
        """How the keys of all things of a parent start."""
        return f"{parent}/{self.segment}/" if self.segment else f"{parent}/"


def address_of(tool: Tool, effect: Effect, fields: Mapping[str, Json]) -> Address | None:
    """How keys are made up, where one argument of the keyed tools holds a whole path; `fields` are its arguments."""
    parent = address_argument(tool)
    if parent is None or effect.kind not in {"create", "list"} or effect.reason == "declared":
        return None
    path, made_in = Path.of(tool), segment_of(tool)
    if path.is_item and made_in is None:  # `PUT v1/projects/{p}/topics/{t}`: the name is the whole path
        return None
    names = tuple(name for name in fields if name != parent)
    last = last_noun(effect.resource or "")
    ids = [name for name in names if bare(name, last) == "id" and flat(name) != "id"]
    ids += [name for name in names if words(name)[-1:] == ("id",) and name in tool.parameters["properties"]]
    ids += [name for name in names if flat(name) == "name" and not is_served(fields[name])]
    return Address(parent, made_in or path.segments[-1][0], ids[0] if ids and effect.kind == "create" else None)


@dataclass(frozen=True)
class Bound:
    """One tool bound to the world."""

    tool: Tool
    effect: Effect
    shape: dict[str, Json] | None
    """What a success looks like (see `gtm.tools.shape`); None where it answers text or nothing."""
    document: tuple[str, ...] | None = None
    """Property names to the document in the answer; `*` for each item of an array. None: no document is shown."""
    key_field: str | None = None
    """The document's property that holds its own key."""
    own_keys: tuple[str, ...] = ()
    """The arguments that together hold its key: one, unless the key has several parts."""
    parents: tuple[str, ...] = ()
    """The arguments that hold the parents' keys."""
    thing: Resource | None = None
    """What all tools of the resource share."""
    wrappers: frozenset[str] = frozenset()
    """Arguments whose properties are the thing's fields."""
    address: "Address | None" = None
    """How the key of a new or listed thing is made up, where keys are whole paths."""
    receipt: Receipt | None = None
    """What a write answers that shows no document."""
    batch: str | None = None
    """A create's argument that holds several things."""
    counts: bool = False
    """Whether it answers how many things a list would show."""
    single: bool = False
    """Whether it is about the one thing of its parents (`/pets/{petId}/status`)."""
    mentions: tuple[tuple[str, Resource], ...] = ()
    """Required arguments that name things of other resources."""
    names: tuple[str, ...] = ()
    """Arguments that call things which must be there, whatever resource they are of."""
    forgiving: bool = False
    """Whether it deletes what is not there without a word."""
    labelling: Labelling | None = None
    """What it does with the labels of a thing of whatever resource."""
    puts_labels: Labelling | None = None
    """What it does besides with the labels of things that it names."""
    under: "Bound | None" = None
    """Of what is not stored itself: the tool of the thing that its path is under (`/gists/{id}/star`)."""
    things: Callable[[str], Resource] = field(kw_only=True)
    """What all tools of any resource share, by its name."""

    @property
    def stored(self) -> bool:
        """Whether the world remembers what this tool does."""
        return self.thing is not None

    @property
    def follows_history(self) -> bool:
        """Whether only what was said before tells its answer: it is no calculation, and nothing of it is stored."""
        return not self.stored and self.effect.kind != "compute"

    @property
    def own_key(self) -> str | None:
        """The argument that holds the (last part of the) key."""
        return self.own_keys[-1] if self.own_keys else None

    @property
    def resource(self) -> Resource:
        """What all tools of the resource share; only asked where the tool is `stored`."""
        assert self.thing is not None
        return self.thing

    @property
    def resource_key(self) -> str | None:
        """The resource's key property as its readers show it, also where this tool shows no document."""
        return None if self.single or self.thing is None else self.thing.key

    @property
    def key_leaf(self) -> dict[str, Json]:
        """What a key of the resource must be."""
        return self.thing.key_leaf if self.thing is not None else {}

    @property
    def last(self) -> str:
        """The resource's own noun."""
        return last_noun(self.effect.resource or "")

    @cached_property
    def selection(self) -> Selection | None:
        """What its path says of the things that it is about (`/records/{host}/TXT`)."""
        return selection_of(self.tool, self.effect, self.thing.fields) if self.thing is not None else None

    @cached_property
    def names_once(self) -> bool:
        """Whether it documents that what it makes must not be there yet."""
        return documents_conflict(self.tool)

    @cached_property
    def refuses_repeats(self) -> bool:
        """Whether it documents a conflict of whatever kind."""
        return documents_conflict(self.tool, "conflict")

    @cached_property
    def view(self) -> View | None:
        """The document's place in the declared output."""
        schema = self.tool.output_schema
        if not isinstance(schema, dict) or self.document is None:
            return None
        return View(schema, schema).at(self.document)

    @cached_property
    def shown_fields(self) -> dict[str, Json]:
        """What the answer always shows of a document: name -> shape."""
        shape: Json = self.shape if self.document is not None else None
        for step in self.document or ():
            if isinstance(shape, dict):
                shape = shape.get("items") if step == "*" else (shape.get("properties") or {}).get(step)
        found = shape.get("properties") if isinstance(shape, dict) else None
        return found if isinstance(found, dict) else {}

    @cached_property
    def going_well(self) -> dict[str, Json]:
        """What a success says at its top where it says both whether it is one and what went wrong: name -> value."""
        if self.effect.kind not in {"create", "update", "delete"}:
            return {}
        shape = self.shape.get("properties") if self.shape is not None else None
        places = {flat(n): (n, leaf) for n, leaf in (shape or {}).items() if flat(n) not in self.writable}
        flags = [name for plain, (name, leaf) in places.items() if plain in _FLAGS and leaf.get("type") == "boolean"]
        top = View(self.tool.output_schema, self.tool.output_schema)
        nothing = {
            name: _NOTHING[str(leaf.get("type"))]
            for plain, (name, leaf) in places.items()
            if plain in _ERRORS and str(leaf.get("type")) in _NOTHING
        }
        errors = {n: value for n, value in nothing.items() if (at := top.child(n)) is not None and takes(at, value)}
        return {**dict.fromkeys(flags, True), **errors} if flags and errors else {}

    @cached_property
    def answers_key(self) -> bool:
        """Whether a create over HTTP answers nothing but a bare value: the new thing's key, made by the server."""
        shape = self.shape or {}
        bare_key = shape.get("type") in {"string", "integer"} and shape.get("type") == self.key_leaf.get("type")
        said = {*words(str(shape.get("description", "")))}
        alone = self.effect.kind == "create" and self.batch is None and self.tool.http is not None
        return bare_key and alone and not {"enum", "const"} & shape.keys() and not said & _SAYING

    @cached_property
    def fewest(self) -> int:
        """How many things a list shows at least, as its schema demands."""
        schema = self.tool.output_schema
        if not isinstance(schema, dict) or self.document is None or "*" not in self.document:
            return 0
        array = View(schema, schema).at(self.document[: self.document.index("*")])
        least = array.keyword("minItems") if array is not None else 0
        return min(least, MAX_FEWEST) if isinstance(least, int) else 0

    @cached_property
    def parameters(self) -> View:
        """The arguments' schema."""
        return View(self.tool.parameters, self.tool.parameters)

    @cached_property
    def lookups(self) -> tuple[str, ...]:
        """Flat names of the fields, other than the key, that the key's argument may name a thing by."""
        if self.own_key is None or self.thing is None or len(self.own_keys) > 1:
            return ()
        key = flat(self.resource_key or "")
        alike = dict.fromkeys((flat(self.own_key), bare(self.own_key, self.last)))
        shown = {flat(name) for view in self.thing.views[:1] for name in view.properties}
        named = [name for name in alike if name in shown and name != key]
        same_ending = bool(key) and words(self.own_key)[-1:] == words(self.resource_key or "")[-1:]
        if key in alike or (same_ending and not named) or flat(self.own_key) == flat(self.last):
            return ()
        referring = {flat(path[0]) for path in (r.path for r in self.thing.references) if len(path) == 1}
        fields = [flat(name) for name in self.thing.fields if is_identifying(name)]
        others = [name for name in fields if name != key and name not in referring]
        return tuple(dict.fromkeys(named or (*alike, *others)))

    @cached_property
    def key_alias(self) -> str | None:
        """The field, other than the key, that this tool's key argument plainly names (`get_user(email)`)."""
        if not self.lookups or self.thing is None or self.own_key is None:
            return None
        found = matching(self.own_key, self.thing.fields, self.last)
        # What shows no key but its own (`version` of a definition) has no other.
        alone = found == self.key_field and self.resource_key not in self.shown_fields
        return found if found is not None and found != self.resource_key and not alone else None

    @cached_property
    def writable(self) -> dict[str, View]:
        """The fields that a caller of this tool can set: flat name -> its place in the arguments."""
        found: dict[str, View] = {}
        for name in self.parameters.properties:
            place = self.parameters.child(name)
            inner = place if name in self.wrappers and place is not None else None
            for own in inner.properties if inner is not None else (name,):
                child = (inner or self.parameters).child(own)
                if child is not None:
                    found[flat(own)] = child
        return found

    @cached_property
    def addition(self) -> Addition | None:
        """The list of the thing that a call adds to or takes out of."""
        key = self.own_key if self.stored and changes_list(self.effect) else None
        return addition_of(self.tool, self.resource.fields, key) if key is not None else None

    @cached_property
    def entry(self) -> tuple[str, str, str] | None:
        """The arguments that name one entry of a map and give its value (`AttributeName`), and the map's field."""
        names = {flat(name): name for name in self.parameters.properties}
        for name, place in self.resource.fields.items() if self.effect.kind == "update" else ():
            one = flat(noun(words(name)))
            key, value = names.get(f"{one}name") or names.get(f"{one}key"), names.get(f"{one}value")
            if place.type == "object" and not place.properties and key is not None and value is not None:
                return key, value, name
        return None

    def lifted(self, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Arguments with a key beside them that stands inside of a wrapper (`put_rule(rule: {"name": ...})`)."""
        inner = [value for name, value in arguments.items() if name in self.wrappers and isinstance(value, dict)]
        found = {
            n: part[n] for n in self.own_keys if n not in self.parameters.properties for part in inner if n in part
        }
        return {**arguments, **found} if found else arguments

    def argument_fields(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """What the caller says about the document: arguments less keys of parents, paging and wrappers."""
        fields: dict[str, Json] = {}
        for name, given in arguments.items():
            slot = self.tool.http.slots.get(name) if self.tool.http else None
            if slot is not None and slot.place in {"header", "cookie"}:
                continue
            if self.address is not None and name in {self.address.parent, self.address.name}:
                continue
            if name in self.parents or (slot is not None and slot.place == "query" and is_presentation(name)):
                continue
            told = visible({name: given}, self.parameters)
            if name not in told:
                continue
            value = told[name]
            if name in self.wrappers and isinstance(value, dict):
                inner = next(iter(value.values())) if len(value) == 1 else None
                # `{"body": {"pet": {...}}}`: one wrapper may hold another.
                own = {flat(self.last)} - self.resource.shown
                holds = isinstance(inner, dict) and {flat(n) for n in value} == own
                fields.update(inner if isinstance(inner, dict) and holds else value)
            else:
                fields[name] = value
        key, given, field = self.entry or ("", "", "")
        if isinstance(fields.get(key), str) and given in fields:
            fields[field] = {fields.pop(key): fields.pop(given)}
        return fields
