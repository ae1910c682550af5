"""What all tools of one resource share: its key, its fields as readers show them, what it is inside of.

Values only; `gtm.world.model` makes them once per toolset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from gtm.tools.leaf import MAX_ENUM
from gtm.tools.view import View
from gtm.types import Json
from gtm.world.fields import bare, is_identifying, last_noun
from gtm.world.keys import narrowed
from gtm.world.words import flat

_TOLD = frozenset({"enum", "const", "format", "pattern"})
"""Keywords that say what a text is."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that holds the key of a thing of another resource."""

    path: tuple[str, ...]
    """Property names to it in the document: `customerId`, or `customer` and `id`."""
    resource: str
    key: str | None
    """The other resource's key property."""
    key_leaf: dict[str, Json]


@dataclass(frozen=True)
class Resource:
    """One kind of thing."""

    name: str
    key: str | None
    """The key's property as readers show it."""
    holder: tuple[str, str] | None
    """The object and its property that hold the key, where that is no field of its own (`metadata` and `name`)."""
    key_leaf: dict[str, Json]
    """What a key must be: the readers' property and the keyed tools' argument together."""
    caller_keys: bool
    """Whether callers choose the keys: then an unseen key is absent, not imagined."""
    named_by: frozenset[str]
    """Flat names of what a thing that was made is known to be called by; empty where nothing makes any."""
    keys: frozenset[str]
    """Flat names of the arguments by which tools call one thing."""
    called: frozenset[str]
    """Flat names of the arguments by which a thing can be called, other than how most tools do."""
    parts_of: frozenset[str]
    """Flat names of arguments that name what each thing is the only part of (`repositoryName` of a policy)."""
    optional: bool
    """Whether tools put things there and take them away."""
    made: bool
    """Whether some tool creates things of it."""
    written: frozenset[str]
    """Flat names of the fields that its writers' arguments declare."""
    movable: bool
    """Whether some tool moves things from one to another."""
    receipts: bool
    """Whether a create answers a receipt (an operation) and not the thing."""
    views: tuple[View, ...]
    """The document as each tool shows it, readers first."""
    ancestors: tuple["Resource | None", ...]
    """What each of the parents' keys belongs to, outermost first; None where no tool knows it."""
    around: tuple["Resource", ...]
    """The things without a key that it is inside of: `/self` of `/self/consumers`."""
    descendants: tuple[str, ...]
    """Resources that live inside things of this one, at any depth."""
    on_delete: Literal["cascade", "orphan", "restrict"]
    references: tuple[Reference, ...]

    @property
    def label(self) -> str:
        """Its name for people."""
        return last_noun(self.name).replace("_", " ") or "resource"

    def tells(self, argument: str | None) -> bool:
        """Whether what is made is known by what this argument holds, so that an unseen value names nothing."""
        if argument is None or not self.named_by:
            return False
        last = last_noun(self.name)
        own = flat(argument)
        by_noun = not is_identifying(argument) and own != "resource" and "name" in self.named_by
        plain = bare(argument, last)
        return by_noun or own == flat(last) or plain in {"id", "identifier"} or bool({own, plain} & self.named_by)

    @cached_property
    def fields(self) -> Mapping[str, View]:
        """Every property that some tool shows."""
        found: dict[str, View] = {}
        for view in self.views:
            for name in view.properties:
                child = view.child(name)
                if child is not None:
                    found.setdefault(name, child)
        return found

    @cached_property
    def shown(self) -> frozenset[str]:
        """Flat names of `fields`."""
        return frozenset(flat(name) for name in self.fields)

    def agreed(self, shape: dict[str, Json], path: tuple[str, ...]) -> dict[str, Json]:
        """An answer's shape in which a text of the document at `path` is what the resource's other tools say of it.

        A list's schema is often cut off where an item's goes on, though it has an example of all of it.
        """
        if not path:
            return _agreed(shape, self.views)
        step = "items" if path[0] == "*" else "properties"
        inner = shape.get("items") if path[0] == "*" else shape.get("properties", {}).get(path[0])
        if not isinstance(inner, dict):
            return shape
        inner = self.agreed(inner, path[1:])
        return {**shape, step: inner if path[0] == "*" else {**shape["properties"], path[0]: inner}}

    def leaf(self, name: str) -> dict[str, Json]:
        """What a field must be for all that show it."""
        leaf: dict[str, Json] = {}
        for view in self.views:
            child = view.child(name)
            if child is not None and (not leaf.get("type") or child.type == leaf["type"]):
                leaf = narrowed(leaf, child.flat)
        return leaf


def _agreed(shape: dict[str, Json], views: Sequence[View]) -> dict[str, Json]:
    kind = shape.get("type")
    views = [view for view in views if view.type == kind]
    if not views or _TOLD & shape.keys():
        return shape
    if kind == "object":
        inner = {
            name: _agreed(sub, [child for view in views if (child := view.child(name)) is not None])
            for name, sub in shape["properties"].items()
        }
        return {**shape, "properties": inner}
    if kind == "array":
        return {**shape, "items": _agreed(shape["items"], [view.items for view in views if view.items is not None])}
    if kind == "string":
        told = next((view.flat for view in views if _TOLD & view.flat.keys()), {})
        if 0 < len(told.get("enum", ())) <= MAX_ENUM and all(isinstance(value, str) for value in told["enum"]):
            return {"enum": list(told["enum"])}
        return {**shape, **{name: told[name] for name in ("format", "pattern") if name in told}}
    return shape
