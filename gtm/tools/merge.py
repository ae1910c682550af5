"""One schema out of many: `$ref`, `allOf`, `anyOf` and `oneOf` folded into a flat schema of a single place.

The result accepts no value that the parts refuse, as far as flat keywords can say it; conditionals, `not` and
dependencies are left for the validator. Bounded: a reference that only leads to itself means anything, and the number
of schemas looked at is limited. None stands for "nothing satisfies this".
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jsonschema_rs

from gtm.tools.validator import prepare, resolve
from gtm.types import Json

Schema = dict[str, Json]

MAX_EXPANSIONS = 20_000
"""Schemas one `Expander` looks at; the largest real ones need some 2,000."""

_COMBINATORS = ("$ref", "allOf", "anyOf", "oneOf", "$defs", "definitions")
_LARGER: dict[str, Callable[[Json, Json], Json]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


@dataclass(frozen=True, slots=True)
class Expanded:
    """A place's flat schema."""

    schema: Schema
    refs: frozenset[str]
    """References followed on the way, to notice recursion."""


class Expander:
    """Folds the schemas of one document."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._left = MAX_EXPANSIONS

    def expand(
        self, schema: Json, values: Sequence[Json] = (), avoid: frozenset[str] = frozenset(), skip: int = 0
    ) -> Expanded | None:
        """The flat schema of a place, or None where nothing satisfies it.

        `values` are examples seen there: the branch that accepts one is taken. `avoid` are references already open
        above: a branch through them is the last choice. `skip` passes over that many good branches.
        """
        return self._expand(schema, tuple(values[:4]), avoid, skip, frozenset())

    def _expand(
        self, schema: Json, values: Sequence[Json], avoid: frozenset[str], skip: int, path: frozenset[str]
    ) -> Expanded | None:
        self._left -= 1
        if schema is True or self._left < 0:
            return Expanded({}, frozenset())
        if not isinstance(schema, dict) or schema.get("not") in ({}, True):
            return None
        flat: Schema | None = {}
        refs: frozenset[str] = frozenset()
        reference = schema.get("$ref")
        parts: list[tuple[Json, frozenset[str]]] = []
        if isinstance(reference, str):
            refs |= {reference}
            if reference not in path:
                parts.append((resolve(self._root, reference), path | {reference}))
        parts.extend((part, path) for part in schema.get("allOf", ()))
        for part, below in parts:
            expanded = self._expand(part, values, avoid, skip, below)
            flat = merge(flat, expanded.schema) if expanded and flat is not None else None
            if flat is None or expanded is None:
                return None
            refs |= expanded.refs
        flat = merge(flat or {}, {key: value for key, value in schema.items() if key not in _COMBINATORS})
        for key in ("anyOf", "oneOf"):
            if flat is not None and isinstance(schema.get(key), list):
                chosen = self._choose(flat, schema[key], values, avoid, skip, path)
                if chosen is None:
                    return None
                flat, refs = chosen.schema, refs | chosen.refs
        return Expanded(flat, refs) if flat is not None else None

    def _choose(
        self,
        base: Schema,
        branches: Sequence[Json],
        values: Sequence[Json],
        avoid: frozenset[str],
        skip: int,
        path: frozenset[str],
    ) -> Expanded | None:
        ranked: list[tuple[int, int, Expanded]] = []
        for index, branch in enumerate(branches):
            expanded = self._expand(branch, values, avoid, skip, path)
            merged = merge(base, expanded.schema) if expanded else None
            if expanded is None or merged is None:
                continue
            rank = _rank(merged, bool(expanded.refs & avoid))
            if rank and any(value is not None and self._accepts(branch, value) for value in values):
                rank += 10
            ranked.append((-rank, index, Expanded(merged, expanded.refs)))
            if not values and not skip and rank == _BEST:
                break
        ranked.sort(key=lambda entry: entry[:2])
        return ranked[skip % len(ranked)][2] if ranked else None

    def _accepts(self, branch: Json, value: Json) -> bool:
        holder: Schema = {key: self._root[key] for key in ("$defs", "definitions") if key in self._root}
        try:
            return prepare({**holder, "allOf": [branch]}).validator.is_valid(value)
        except (ValueError, jsonschema_rs.ReferencingError):
            return False


_BEST = 4


def _rank(schema: Schema, recursive: bool) -> int:
    kinds = types_of(schema)
    if kinds == ("null",) or ("enum" in schema and schema["enum"] == [None]) or schema.get("const", 0) is None:
        return 1
    if recursive:
        return 0
    return _BEST if kinds or "enum" in schema or "const" in schema else 3


def types_of(schema: Schema) -> tuple[str, ...]:
    """The types a flat schema names, or implies by its keywords; empty where it says nothing."""
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return (kinds,)
    if isinstance(kinds, list):
        return tuple(kinds)
    for kind, keywords in _IMPLIED:
        if any(keyword in schema for keyword in keywords):
            return (kind,)
    return ()


_IMPLIED = (
    ("object", ("properties", "required", "patternProperties", "minProperties", "propertyNames")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems")),
    ("string", ("pattern", "minLength", "maxLength")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ("object", ("additionalProperties",)),
)


def merge(a: Schema, b: Schema) -> Schema | None:
    """A flat schema that both allow, or None where they contradict each other."""
    if not a or not b:
        return b or a
    merged = dict(a)
    for key, value in b.items():
        if key not in merged:
            merged[key] = value
        elif key in _LARGER:
            merged[key] = _LARGER[key](merged[key], value)
        elif key in _SPECIAL:
            merged[key] = _SPECIAL[key](merged[key], value)
            if merged[key] is None and key != "const":
                return None
        elif key == "const" and merged[key] != value:
            return None
        elif merged[key] != value:
            merged[key] = value
    _close(merged, a, b)
    return merged


def _close(merged: Schema, a: Schema, b: Schema) -> None:
    """A property that one side does not know is not allowed where that side is closed."""
    for side, other in ((a, b), (b, a)):
        if side.get("additionalProperties") is False and not side.get("patternProperties"):
            known = side.get("properties") or {}
            extra = [name for name in other.get("properties") or {} if name not in known]
            if extra:
                merged["properties"] = {k: v for k, v in merged["properties"].items() if k not in extra}


def _types(a: Json, b: Json) -> Json:
    left = a if isinstance(a, list) else [a]
    right = b if isinstance(b, list) else [b]
    both = [kind for kind in left if kind in right]
    if "integer" not in both and (
        ("integer" in left and "number" in right) or ("number" in left and "integer" in right)
    ):
        both.append("integer")
    return (both[0] if len(both) == 1 else both) if both else None


def _both(a: Json, b: Json) -> Json:
    if a == b or b is True:
        return a
    if a is True:
        return b
    if a is False or b is False:
        return False
    return {"allOf": [a, b]}


def _properties(a: Json, b: Json) -> Json:
    merged = dict(a)
    for name, schema in b.items():
        merged[name] = _both(merged[name], schema) if name in merged else schema
    return merged


def _enums(a: Json, b: Json) -> Json:
    return [value for value in a if value in b] or None


def _multiples(a: Json, b: Json) -> Json:
    if isinstance(a, int) and isinstance(b, int):
        return math.lcm(a, b)
    return max(a, b)


_SPECIAL: dict[str, Callable[[Json, Json], Json]] = {
    "type": _types,
    "properties": _properties,
    "patternProperties": _properties,
    "required": lambda a, b: list(dict.fromkeys([*a, *b])),
    "enum": _enums,
    "items": _both,
    "additionalProperties": _both,
    "propertyNames": _both,
    "contains": _both,
    "uniqueItems": lambda a, b: a or b,
    "readOnly": lambda a, b: a or b,
    "writeOnly": lambda a, b: a or b,
    "multipleOf": _multiples,
    "prefixItems": lambda a, b: (
        [_both(x, y) for x, y in zip(a, b, strict=False)] + (a if len(a) > len(b) else b)[min(len(a), len(b)) :]
    ),
}
