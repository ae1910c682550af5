"""Writes that answer a receipt (an operation, a job) and not their thing, told from definitions alone.

An operation that says whether it is `done` ends at once and well: its `response` is the thing (AIP-151), and whoever
asks for it by its name later sees the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gtm.tools.view import View, is_secret, visible
from gtm.types import Effect, Json, Tool
from gtm.world import services
from gtm.world.fields import last_noun, takes
from gtm.world.keys import ALWAYS
from gtm.world.resource import Resource
from gtm.world.state import Place, Put
from gtm.world.tree import Whole
from gtm.world.words import flat

FEWEST = 3
"""Properties that an answer must have to be a receipt: fewer tell nothing."""

_WRITES = frozenset({"create", "update", "delete"})

ShapeOf = Callable[[Tool], dict[str, Json] | None]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a write answers instead of its thing."""

    resource: str
    """As what it can be read; "" where it cannot."""
    key: str
    """Its property that holds its key; "" where it has none."""
    leaf: dict[str, Json]
    """What the key must be."""
    shape: dict[str, Json]
    """Its properties."""
    noun: str
    """What the write is about."""

    @property
    def ends(self) -> bool:
        """Whether it tells what came out of it."""
        return is_operation(self.shape)

    def known(self, value: Mapping[str, Json], fields: Mapping[str, View], key: Json, seed: int) -> dict[str, Json]:
        """What is known of it: its key, and the thing that came out, by the fields that readers show of it."""
        own = {self.key: self._name(str(key), seed)} if self.key else {}
        if not self.ends:
            return own
        # No more than readers show of it.
        thing = Whole(
            {n: visible(part, fields[n]) for n, part in value.items() if n in fields and _is_open(fields[n], n)}
        )
        told = {"done": True, "response": thing, "metadata": Whole({self.noun: dict(thing)})}
        return {**own, **{name: part for name, part in told.items() if name in self.shape}}

    def put(self, content: Json) -> tuple[Put, ...]:
        """The change that keeps an operation, so that it can be asked for."""
        if not self.ends or not self.resource or not isinstance(content, dict) or self.key not in content:
            return ()
        return (Put(Place(self.resource), content[self.key], content, "created", tuple(content)),)

    def _name(self, key: str, seed: int) -> Json:
        """Its key: under the thing or what holds it where keys are paths."""
        view, token = View(self.leaf, self.leaf), f"{seed & 0xFFFFFFFFFFFF:012x}"
        steps = key.split("/")
        paths = ("/".join((*steps[:end], "operations", token)) for end in range(len(steps), 1, -1))
        return next((path for path in paths if takes(view, path)), None) or services.valid_key(
            self.key, self.leaf, seed
        )


def _is_open(place: View, name: str) -> bool:
    return not is_secret(place, name)


def is_operation(shape: Mapping[str, Json]) -> bool:
    """Whether properties are those of an operation that ends with a response or an error."""
    kinds = {name: leaf.get("type") for name, leaf in shape.items() if isinstance(leaf, dict)}
    told = kinds.get("done") == "boolean" and kinds.get("response") == "object" and "name" in kinds
    return told and ("metadata" in kinds or "error" in kinds)


def ended(shape: dict[str, Json]) -> dict[str, Json]:
    """The shape of an answer; of operations, what finished ones say that went well."""
    properties = shape.get("properties") or {}
    lists = {n: leaf for n, leaf in properties.items() if leaf.get("type") == "array" and _holds(leaf.get("items"))}
    if lists:
        several = {name: {**leaf, "items": ended(leaf["items"])} for name, leaf in lists.items()}
        return {**shape, "properties": {**properties, **several}}
    if not is_operation(properties):
        return shape
    told = {name: leaf for name, leaf in properties.items() if name != "error"}
    return {**shape, "properties": {**told, "done": {"type": "boolean", "const": True}}, "required": list(told)}


def _holds(items: Json) -> bool:
    return isinstance(items, dict) and is_operation(items.get("properties") or {})


class Receipts:
    """Which writes of a toolset answer what the writes of other resources answer too."""

    def __init__(
        self,
        tools: Sequence[Tool],
        effects: Mapping[str, Effect],
        shape_of: ShapeOf,
        keys_of: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._tools, self._effects, self._shape_of, self._keys_of = tools, effects, shape_of, keys_of
        self._writers: dict[frozenset[str], set[str]] = {}
        self._shown: dict[str, set[str]] = {}
        for tool in tools:
            effect = effects[tool.name]
            if effect.kind in _WRITES and effect.resource:
                self._writers.setdefault(self._top(tool), set()).add(effect.resource)
            elif effect.kind == "read" and effect.resource:
                self._shown.setdefault(effect.resource, set()).update(self._top(tool), self._inner(tool))

    def holds(self, tool: Tool) -> bool:
        """Whether a tool answers one."""
        effect = self._effects[tool.name]
        names = self._top(tool)
        if effect.kind not in _WRITES or len(names) < FEWEST or len(self._writers.get(names, ())) < 2:
            return False
        if any(flat(key) not in ALWAYS and key in names for key in self._keys_of(effect.resource or "")):
            return False  # what shows the thing's own key is about the thing
        shown = self._shown.get(effect.resource or "")
        return bool(shown) and 2 * len(names - (shown or set())) > len(names)

    def read_as(self, tool: Tool) -> str | None:
        """The resource as which a tool's receipts can be read: the nearest to the tool's things."""
        names = self._top(tool)
        readers = [
            effect.resource
            for other in self._tools
            if (effect := self._effects[other.name]).kind == "read" and effect.resource and self._top(other) == names
        ]
        own = (self._effects[tool.name].resource or "").split("/")
        return max(readers, key=lambda name: (_shared(own, name.split("/")), -len(name)), default=None)

    def of(self, tool: Tool, resource: Callable[[str], Resource]) -> Receipt | None:
        """A tool's receipt; None where it answers none."""
        if not self.holds(tool):
            return None
        near, noun = self.read_as(tool) or "", last_noun(self._effects[tool.name].resource or "")
        shape = (self._shape_of(tool) or {}).get("properties") or {}
        thing = resource(near) if near else None
        return Receipt(near, (thing and thing.key) or "", thing.key_leaf if thing else {}, shape, noun)

    def _inner(self, tool: Tool) -> frozenset[str]:
        """The names one level below, where a reader wraps its thing."""
        inner = ((self._shape_of(tool) or {}).get("properties") or {}).values()
        return frozenset(name for sub in inner for name in sub.get("properties") or ())

    def _top(self, tool: Tool) -> frozenset[str]:
        """The names an answer has at its top."""
        return frozenset((self._shape_of(tool) or {}).get("properties") or ())


def _shared(own: list[str], other: list[str]) -> int:
    """How many leading parts two resources share."""
    return next((at for at, (a, b) in enumerate(zip(own, other, strict=False)) if a != b), min(len(own), len(other)))
