"""References of a converted schema written out, and the measures that decide whether they may be.

Works on what `gtm.tools.schema` made: every reference is `#/$defs/Name` and every keyword that holds schemas holds
schemas. Never changes a schema in place: untouched parts are shared.
"""

from gtm.tools.refs import LISTS, MAPS, SINGLES, parts
from gtm.types import Json

Schema = dict[str, Json]

DEFS = "#/$defs/"
ANNOTATIONS = frozenset(
    ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment")
)
"""Keywords that accept every value: beside a reference they may stand in any dialect."""


def nodes(value: Json) -> int:
    """How many JSON values `value` holds, itself included."""
    total, stack = 0, [value]
    while stack:
        item = stack.pop()
        total += 1
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return total


def name_in(schema: Schema) -> str | None:
    """The definition that a converted schema itself refers to."""
    reference = schema.get("$ref")
    return reference[len(DEFS) :] if isinstance(reference, str) else None


def names_in(schema: Schema) -> list[str]:
    """The definitions that a converted schema refers to, in the order of its text."""
    found: dict[str, None] = {}
    stack: list[Json] = [schema]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            name = name_in(here)
            if name is not None:
                found[name] = None
            stack.extend(inner for _, inner in reversed(list(parts(here))))
    return list(found)


def levels(schema: Schema) -> int:
    """How many schemas stand inside each other at the deepest place."""
    level, depth = [schema], 0
    while level:
        depth += 1
        level = [inner for here in level for _, inner in parts(here) if isinstance(inner, dict)]
    return depth


def write_out(schema: Json, replacements: dict[str, Schema]) -> Schema:
    """A copy of a converted schema with the named references written out; untouched parts are shared."""
    out = dict(schema)
    for keyword in MAPS:
        if keyword in out:
            out[keyword] = {name: _write_out(inner, replacements) for name, inner in out[keyword].items()}
    for keyword in LISTS:
        if keyword in out:
            out[keyword] = [_write_out(inner, replacements) for inner in out[keyword]]
    for keyword in SINGLES:
        if keyword in out:
            out[keyword] = _write_out(out[keyword], replacements)
    name = name_in(out)
    if name not in replacements:
        return out
    beside = {key: value for key, value in out.items() if key != "$ref"}
    target = replacements[name]
    if all(key in ANNOTATIONS or key not in target for key in beside):
        return {**target, **beside}
    return {**beside, "allOf": [target, *beside.get("allOf", [])]}


def _write_out(schema: Json, replacements: dict[str, Schema]) -> Json:
    return write_out(schema, replacements) if isinstance(schema, dict) else schema
