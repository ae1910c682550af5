"""A JSON Schema made safe and compiled: what every check of a value goes through.

`prepare` drops what cannot be used (remote references, broken patterns, malformed keywords), says so in `notes`, and
compiles the rest once per schema. Nothing is fetched, backtracking and compiled sizes are bounded, and depth, size
and branching are refused above fixed limits. Schemas are read-only once seen here: they are remembered by identity.
"""

import json
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from gtm.errors import SpecError
from gtm.types import Json

MAX_SCHEMA_DEPTH = 150
"""JSON levels; the validator itself gives up at 255, and real specs stay below 60."""
MAX_SCHEMA_NODES = 400_000
"""JSON values in one schema; the largest of 46,000 real ones holds a hundredth of it."""
MAX_PATTERN = 1_000
"""Characters in one regular expression."""
MAX_BRANCHING = 20_000
"""Schemas one value may be checked against in place: `anyOf` of `anyOf` of ... doubles with each step."""

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLES = (
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_HOLDERS = frozenset((*_MAPS, *_LISTS, *_SINGLES))
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_IDENTITY = frozenset(("$schema", "$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$vocabulary"))
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")


class Identity(Hashable):
    """A value as a cache key by who it is, not what it holds; keeps it alive, so an id is never taken twice."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.value is self.value


@dataclass(frozen=True, slots=True)
class Prepared:
    """A schema fit for use."""

    schema: dict[str, Json]
    """As given, without what was dropped."""
    validator: jsonschema_rs.Validator
    notes: tuple[str, ...]
    """What was dropped, a sentence each."""


def prepare(schema: dict[str, Json] | bool) -> Prepared:
    """The schema cleaned and compiled, remembered.

    Raises:
        SpecError: it is above a limit, or no schema at all.
    """
    return _by_identity(Identity(schema))


def matcher(pattern: str) -> jsonschema_rs.Validator | None:
    """A validator for strings of one pattern, or None where the pattern is broken or too long."""
    return _matcher(pattern) if len(pattern) <= MAX_PATTERN else None


def measure(value: Json, max_depth: int, max_nodes: int) -> str | None:
    """What is wrong with the size of a JSON value (one phrase), or None. Never recurses, so depth cannot hurt it."""
    level: list[Json] = [value]
    nodes, depth = 0, 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > max_depth:
            return f"is nested deeper than {max_depth} levels"
        if nodes > max_nodes:
            return f"holds more than {max_nodes:,} values"
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list | tuple):
                below.extend(item)
            if len(below) > max_nodes:
                return f"holds more than {max_nodes:,} values"
        level = below
    return None


def resolve(root: dict[str, Json], reference: str) -> dict[str, Json] | bool | None:
    """What a local `$ref` points at, or None."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    here: Json = root
    for part in unquote(reference[2:]).split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here if isinstance(here, dict | bool) else None


@lru_cache(maxsize=1024)
def _by_identity(key: Identity) -> Prepared:
    schema = key.value
    if not isinstance(schema, dict | bool):
        raise SpecError(f"{schema!r:.80} is no JSON Schema: give an object, true or false")
    problem = measure(schema, MAX_SCHEMA_DEPTH, MAX_SCHEMA_NODES)
    if problem:
        raise SpecError(f"the schema {problem}: make it smaller")
    try:
        return _by_text(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, UnicodeError) as error:
        raise SpecError(
            f"the schema is not plain JSON ({error}): remove NaN, infinities and foreign values"
        ) from error


@lru_cache(maxsize=1024)
def _by_text(text: str) -> Prepared:
    schema: dict[str, Json] | bool = json.loads(text)
    root: dict[str, Json] = ({} if schema else {"not": {}}) if isinstance(schema, bool) else schema
    notes: dict[str, None] = {}
    for node in list(walk(root)):
        _clean(node, root, notes)
    _refuse_branching(root)
    return Prepared(root, _compile(root, notes), tuple(notes))


def walk(schema: Json) -> Iterator[dict[str, Json]]:
    """Every object schema in a schema, outermost first; references are not followed."""
    stack = [schema]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict):
            continue
        yield node
        stack.extend(subschemas(node))


def subschemas(node: dict[str, Json]) -> Iterator[Json]:
    """The schemas directly inside one."""
    if _HOLDERS.isdisjoint(node):  # four of five schemas hold none
        return
    for key in _MAPS:
        inner = node.get(key)
        if isinstance(inner, dict):
            yield from inner.values()
    for key in _LISTS:
        inner = node.get(key)
        if isinstance(inner, list):
            yield from inner
    for key in _SINGLES:
        if key in node:
            yield node[key]


def _clean(node: dict[str, Json], root: dict[str, Json], notes: dict[str, None]) -> None:
    for key in _IDENTITY & node.keys():
        if isinstance(node[key], str | dict):
            del node[key]
    reference = node.get("$ref")
    if reference is not None and (not isinstance(reference, str) or resolve(root, reference) is None):
        del node["$ref"]
        notes[f"dropped the reference {str(reference)[:80]!r}: only references inside the schema are followed"] = None
    pattern = node.get("pattern")
    if pattern is not None and (not isinstance(pattern, str) or matcher(pattern) is None):
        del node["pattern"]
        notes[f"dropped the pattern {str(pattern)[:80]!r}: it is not a usable regular expression"] = None
    patterns = node.get("patternProperties")
    if isinstance(patterns, dict):
        for name in [name for name in patterns if matcher(name) is None]:
            del patterns[name]
            notes[f"dropped the property pattern {name[:80]!r}: it is not a usable regular expression"] = None
    for key in _COUNTS:
        if isinstance(node.get(key), float) and node[key].is_integer():
            node[key] = int(node[key])
    kinds = node.get("type")
    if kinds is not None:
        _clean_type(node, kinds, notes)


def _clean_type(node: dict[str, Json], kinds: Json, notes: dict[str, None]) -> None:
    given = kinds if isinstance(kinds, list) else [kinds]
    known = [kind for kind in _TYPES if kind in given]
    if len(known) < len(given):
        notes[f"dropped the type {str(kinds)[:80]!r}: JSON Schema has no such type"] = None
    if not known:
        del node["type"]
    elif isinstance(kinds, list):
        node["type"] = [kind for kind in given if kind in known]


def _refuse_branching(root: dict[str, Json]) -> None:
    costs: dict[str, int] = {}

    def cost(node: Json, path: tuple[str, ...]) -> int:
        if not isinstance(node, dict):
            return 1
        total = 1
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in path:
            if reference not in costs:
                if len(path) > MAX_SCHEMA_DEPTH:
                    raise SpecError(f"the schema chains more than {MAX_SCHEMA_DEPTH} references: make it smaller")
                costs[reference] = cost(resolve(root, reference), (*path, reference))
            total += costs[reference]
        for key in _IN_PLACE:
            inner = node.get(key)
            total += sum(cost(sub, path) for sub in (inner if isinstance(inner, list) else [inner]))
        if total > MAX_BRANCHING:
            raise SpecError("the schema has too many nested alternatives (anyOf, oneOf, allOf): make it smaller")
        return total

    for node in walk(root):
        if isinstance(node.get("$ref"), str):
            cost(node, ())


def _compile(root: dict[str, Json], notes: dict[str, None]) -> jsonschema_rs.Validator:
    for _ in range(100):
        try:
            return _validator(root)
        except jsonschema_rs.ValidationError as error:
            path = list(error.instance_path)
            while path and not isinstance(path[-1], str):
                path.pop()
            if not path:
                raise SpecError(f"the schema cannot be used: {error.message[:200]}") from error
            holder: Json = root
            for part in path[:-1]:
                holder = holder[part]
            notes[f"dropped the malformed keyword {path[-1]!r} ({error.message[:80]})"] = None
            del holder[path[-1]]
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise SpecError(f"the schema cannot be used: {error}") from error
    raise SpecError("the schema cannot be used: more than 100 of its keywords are malformed")


def _validator(schema: dict[str, Json]) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        ignore_unknown_formats=True,
        offline=True,
        pattern_options=jsonschema_rs.FancyRegexOptions(
            backtrack_limit=20_000, size_limit=1 << 22, dfa_size_limit=1 << 22
        ),
    )


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> jsonschema_rs.Validator | None:
    try:
        # Python's own parser is asked first: it is quick to refuse what would cost the other one megabytes.
        if re.search(r"\{\d{6,}", pattern):
            return None
        return _validator({"type": "string", "pattern": pattern})
    except ValueError:  # what is no pattern, and half a surrogate pair
        return None
