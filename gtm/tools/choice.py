"""Which places of a schema a shape shows, chosen breadth first so that shallow leaves win.

A function of schema, examples and limits alone. A place that cannot be filled takes the smallest thing around it that
may be left out with it. The rule itself is told in `gtm.tools.shape`, whose only servant this is.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from gtm.tools.leaf import RELAXED, leaf_shape, pick_type
from gtm.tools.merge import Expander, Schema
from gtm.tools.patterns import string_for
from gtm.tools.validator import matcher
from gtm.types import Json

MAX_ITEMS = 20
"""Array items a generator is asked for, whatever `minItems` says; the sampler adds the rest."""
USUAL_ITEMS = 3
MAX_MINIMUM = 2_000
"""A `minItems` above this cannot be met: nobody reads such an answer, and nobody could write it."""
MAX_WRITTEN = 400
"""Leaves that arrays inside arrays may multiply to before their sizes are cut."""
MAX_LEVEL = 30
"""Objects and arrays inside each other that are followed because the schema requires them."""
MAX_VALUES = 8
"""Example values looked at in one place."""
_TELLING = frozenset("id identifier uuid arn name key status state".split())
"""What the most important properties of a thing are called, its own noun before them left out."""
MAP_KEY = "default"
"""The key of a map's one entry where no example names a better one."""


class NothingFits(Exception):
    """No value satisfies the schema."""


@dataclass(slots=True, eq=False)
class _Node:
    """A place in the result while the shape is being chosen."""

    schema: Schema
    kind: str
    parent: "_Node | None"
    key: str
    required: bool
    depth: int
    """Objects around it."""
    level: int
    """Objects and arrays around it."""
    refs: frozenset[str]
    values: list[Json]
    children: dict[str, "_Node"] = field(default_factory=dict)
    item: "_Node | None" = None
    fixed: Schema | None = None
    """The finished shape, where nothing below is to be chosen."""

    @property
    def forced(self) -> bool:
        """Whether the place cannot be left out of its parent object."""
        node = self
        while node.parent is not None and node.parent.kind == "array":
            node = node.parent
        return node.required


class Chooser:
    """Chooses breadth first, so that shallow leaves win, then writes the shape down."""

    def __init__(self, root: Schema, max_depth: int, max_leaves: int, omit: str) -> None:
        self._root = root
        self._expander = Expander(root)
        self._max_depth = max_depth
        self._max_leaves = max_leaves
        self._left = max_leaves
        self._omit = omit
        self._order: list[_Node] = []
        self._notes: dict[str, None] = {}
        self._relaxed: dict[str, None] = {}
        self._cut = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was relaxed or cut."""
        notes = list(self._notes)
        if self._relaxed:
            notes.append(f"relaxed for generation, checked and repaired after it: {', '.join(self._relaxed)}")
        if self._cut:
            notes.append(f"{self._cut} optional properties are never shown (depth {self._max_depth}, "
                         f"{self._max_leaves} leaves)")  # fmt: skip
        return tuple(notes)

    def build(self, values: Sequence[Json]) -> Schema:
        """The shape. Raises `NothingFits`."""
        root = self._node(self._root, None, "", True, values)
        if root is None:
            raise NothingFits
        self._run(root)
        index = len(self._order) - 1
        while index >= 0:
            self._mend(self._order[index])
            index -= 1
        return self._write(root)

    def _node(
        self, schema: Json, parent: _Node | None, key: str, required: bool, values: Sequence[Json]
    ) -> _Node | None:
        above = parent.refs if parent else frozenset()
        seen = [value for value in values if value is not None][:MAX_VALUES]
        expanded = self._expander.expand(schema, seen, above)
        depth = 0 if parent is None else parent.depth + (parent.kind == "object")
        level = 0 if parent is None else parent.level + 1
        if expanded is None or level > MAX_LEVEL:
            return None
        flat = expanded.schema
        for keyword in RELAXED:
            if keyword in flat:
                self._relaxed[keyword] = None
        kind = pick_type(flat, seen)
        node = _Node(flat, kind, parent, key, required, depth, level, above | expanded.refs, seen)
        if "const" in flat or "enum" in flat or kind not in ("object", "array"):
            node.kind = "leaf"
            node.fixed = leaf_shape(flat, kind, seen)
            if node.fixed is None:
                return None
            if kind == "any" and not {"const", "enum"} & flat.keys():
                self._notes["a value of no declared type is written as a short string"] = None
        elif expanded.refs & above and (_may_be_absent(node) or depth > self._max_depth + 3):
            # The second visit of a recursive reference: left out where the schema allows it, followed where not.
            self._notes["a recursive part is shown once"] = None
            return None
        return node

    def _run(self, start: _Node) -> None:
        queue = deque([start])
        while queue:
            node = queue.popleft()
            self._order.append(node)
            if node.kind == "array":
                self._open_array(node)
            elif node.kind == "object":
                self._open_object(node)
            if node.item is not None:
                queue.append(node.item)
            queue.extend(child for child in node.children.values() if child.kind != "leaf")

    def _open_array(self, node: _Node) -> None:
        schema = node.schema
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        if low > (MAX_MINIMUM if high is None else min(high, MAX_MINIMUM)):
            self._kill(node)
            return
        prefix = schema.get("prefixItems")
        items = prefix[0] if prefix else schema.get("items", schema.get("contains", True))
        if prefix and any(other != items for other in prefix):
            self._relaxed["prefixItems"] = None
        values = [item for value in node.values if isinstance(value, list) for item in value[:3]]
        if high != 0:
            node.item = self._node(items, node, "", True, values)
        if node.item is None:
            self._empty(node)

    def _empty(self, node: _Node) -> None:
        """An array whose items cannot be: empty where allowed, else it cannot be either."""
        if node.schema.get("minItems", 0) > 0:
            self._kill(node)
        else:
            node.item, node.fixed = None, {"const": []}

    def _open_object(self, node: _Node) -> None:
        self._left += node.depth > 0  # what was set aside for it when it was admitted
        shown = {name: None for value in node.values if isinstance(value, dict) for name in value}
        declared = self._declared(node, shown)
        required = [name for name in node.schema.get("required", ()) if name not in declared]
        for name in required:
            declared[name] = self._undeclared(node, name)
        must = set(node.schema.get("required", ()))
        by_example = any(name in shown for name in declared)
        noun = _noun(node.parent.key if node.parent is not None and node.parent.kind == "array" else node.key)
        for name in sorted(declared, key=lambda name: (name not in must, not _tells(name, noun))):
            wanted = name in shown if by_example else node.depth < self._max_depth
            if name in must:
                if self._admit(node, name, declared[name], True) is None:
                    self._kill(node)
                    return
            elif not wanted or self._left <= 0:
                self._cut += 1
            else:
                self._admit(node, name, declared[name], False)
        node.children = {name: node.children[name] for name in declared if name in node.children}

    def _admit(self, node: _Node, name: str, schema: Json, required: bool) -> _Node | None:
        values = [value[name] for value in node.values if isinstance(value, dict) and name in value]
        child = self._node(schema, node, name, required, values)
        if child is None or (not required and child.schema.get(self._omit) is True):
            return None
        self._left -= 1
        node.children[name] = child
        return child

    def _declared(self, node: _Node, shown: dict[str, None]) -> dict[str, Json]:
        """The properties an object may show: declared ones, else those of a map."""
        schema = node.schema
        properties = schema.get("properties")
        if properties:
            return dict(properties)
        least = schema.get("minProperties", 0)
        extra = schema.get("additionalProperties", True)
        is_map = (isinstance(extra, dict) and bool(extra)) or bool(schema.get("patternProperties"))
        keys = list(shown)[: max(USUAL_ITEMS, least)] if is_map else list(shown)[: self._max_leaves]
        if not keys and (least or (is_map and node.depth < self._max_depth)):
            keys = self._keys(schema, max(1, least))
        if not keys and not is_map and not schema.get("required"):
            self._notes["a free-form object is left empty"] = None
        return {key: self._undeclared(node, key) for key in keys[:MAX_ITEMS]}

    def _keys(self, schema: Schema, count: int) -> list[str]:
        names = schema.get("propertyNames")
        if isinstance(names, dict) and names.get("enum"):
            return [name for name in names["enum"] if isinstance(name, str)][:count]
        pattern = names.get("pattern") if isinstance(names, dict) else None
        if pattern is None and schema.get("patternProperties"):
            pattern = next(iter(schema["patternProperties"]))
        if pattern is not None:
            made = [string_for(pattern, random.Random(number)) for number in range(4 * count)]
            return list(dict.fromkeys(name for name in made if name is not None))[:count]
        return [MAP_KEY if number == 0 else f"key{number + 1}" for number in range(count)]

    def _undeclared(self, node: _Node, name: str) -> Json:
        for pattern, schema in (node.schema.get("patternProperties") or {}).items():
            accepts = matcher(pattern)
            if accepts is not None and accepts.is_valid(name):
                return schema
        return node.schema.get("additionalProperties", True)

    def _mend(self, node: _Node) -> None:
        """An object that declares properties is never empty: it goes, or shows one."""
        if node.kind != "object" or node.children or not self._alive(node):
            return
        if not node.schema.get("properties"):
            return
        if not node.forced:
            self._kill(node)
            return
        for name, schema in node.schema["properties"].items():
            child = self._admit(node, name, schema, True)
            if child is None:
                continue
            child.required = False
            mark = len(self._order)
            self._run(child)
            if name in node.children:
                child.required = True
                for below in reversed(self._order[mark:]):
                    self._mend(below)
                return

    def _alive(self, node: _Node) -> bool:
        while node.parent is not None:
            if node.parent.children.get(node.key) is not node and node.parent.item is not node:
                return False
            node = node.parent
        return True

    def _kill(self, node: _Node) -> None:
        """A place that cannot be filled: leave it out, or the smallest thing around it that can be left out."""
        node.children = {}
        parent = node.parent
        if parent is None:
            raise NothingFits
        if parent.kind == "array":
            self._empty(parent)
        elif node.required:
            self._kill(parent)
        else:
            parent.children.pop(node.key, None)

    def _write(self, node: _Node) -> Schema:
        if node.fixed is not None:
            return node.fixed
        described = {"description": node.schema["description"][:160]} if "description" in node.schema else {}
        if node.kind == "array" and node.item is not None:
            items = self._write(node.item)
            low, high = self._sizes(node.schema, items)
            unique = {"uniqueItems": True} if node.schema.get("uniqueItems") else {}
            return {"type": "array", "items": items, "minItems": low, "maxItems": high, **unique, **described}
        properties = {name: self._write(child) for name, child in node.children.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
            **described,
        }

    def _sizes(self, schema: Schema, items: Schema) -> tuple[int, int]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", USUAL_ITEMS)
        if "prefixItems" in schema and "items" not in schema:
            most = min(most, len(schema["prefixItems"]))
            least = max(least, most)
        # A list of large things is short, so that a result stays near `max_leaves`.
        room = max(1, self._max_leaves // max(1, _count(items)))
        low = min(max(1, least), max(1, MAX_WRITTEN // max(1, _count(items, many=True))))
        high = max(low, min(most, USUAL_ITEMS, room))
        if schema.get("uniqueItems"):
            kinds = len(items["enum"]) if "enum" in items else 2 if items.get("type") == "boolean" else high
            high = max(min(high, kinds), 1)
        if least > min(low, MAX_ITEMS):
            self._notes[f"of at least {least} array items {min(low, MAX_ITEMS)} are generated, the rest sampled"] = (
                None
            )
        return min(low, high, MAX_ITEMS), min(high, MAX_ITEMS)


def _noun(key: str) -> str:
    """What the things below a property are called: `instance` below `Instances`."""
    flat = _flat(key)
    return f"{flat[:-3]}y" if flat.endswith("ies") else flat.removesuffix("s")


def _tells(name: str, noun: str) -> bool:
    """Whether a property says which thing it is, or how it is: these are shown before others."""
    return _flat(name).removeprefix(noun) in _TELLING


def _flat(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _may_be_absent(node: _Node) -> bool:
    """Whether a place can be left out, or the array around it be empty."""
    parent = node.parent
    if parent is not None and parent.kind == "array":
        return not parent.schema.get("minItems", 0)
    return not node.required


def _count(shape: Schema, many: bool = False) -> int:
    """Leaves of a finished shape, an array counted as one item or (`many`) as its fewest."""
    if shape.get("type") == "object":
        return sum(_count(inner, many) for inner in shape["properties"].values())
    if shape.get("type") != "array":
        return 1
    return _count(shape["items"], many) * (shape["minItems"] if many else 1)
