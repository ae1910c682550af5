"""A JSON Schema from example values: what is in all of them is required. Nothing is guessed beyond what they show."""

from collections.abc import Mapping, Sequence

from gtm.types import Json

_SCALARS = ("string", "integer", "number", "boolean")
MAX_DEPTH = 12
"""Levels read; deeper parts stay open."""


def schema_of(values: Sequence[Json], depth: int = 0) -> dict[str, Json]:
    """The schema that all values satisfy."""
    kinds = list(dict.fromkeys(_kind(value) for value in values))
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    if not kinds or depth > MAX_DEPTH:
        return {}
    if len(kinds) > 1:
        return (
            {"type": kinds}
            if not {"object", "array"} & set(kinds)
            else {"anyOf": [schema_of([v for v in values if _fits(v, kind)], depth + 1) for kind in kinds]}
        )
    schema: dict[str, Json] = {"type": kinds[0]}
    if kinds[0] == "object":
        names = dict.fromkeys(name for value in values for name in value)
        schema["properties"] = {n: schema_of([v[n] for v in values if n in v], depth + 1) for n in names}
        schema["required"] = [name for name in names if all(name in value for value in values)]
    if kinds[0] == "array":
        schema["items"] = schema_of([item for value in values for item in value], depth + 1)
    return schema


def scalar_kinds(schema: Json, found: dict[str, dict[str, None]], depth: int = 0) -> None:
    """Adds what types properties of a name are said to have, anywhere in a schema."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return
    for name, inner in (schema.get("properties") or {}).items():
        kinds = inner.get("type") if isinstance(inner, dict) else None
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind in _SCALARS:
                found.setdefault(name, {})[kind] = None
        scalar_kinds(inner, found, depth + 1)
    scalar_kinds(schema.get("items"), found, depth + 1)


def widened(schema: Json, told: Mapping[str, Mapping[str, None]], depth: int = 0) -> Json:
    """An inferred schema whose scalars may be what is told of their names too: an example shows one case."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return schema
    result = dict(schema)
    if isinstance(schema.get("properties"), dict):
        result["properties"] = {
            name: _also(widened(inner, told, depth + 1), told.get(name, {}))
            for name, inner in schema["properties"].items()
        }
    if "items" in schema:
        result["items"] = widened(schema["items"], told, depth + 1)
    return result


def _also(schema: Json, kinds: Mapping[str, None]) -> Json:
    own = schema.get("type") if isinstance(schema, dict) else None
    known = own if isinstance(own, list) else [own]
    if not kinds or not all(kind in (*_SCALARS, "null") for kind in known):
        return schema
    every = list(dict.fromkeys([kind for kind in known if kind != "null"] + list(kinds) + known))
    return {**schema, "type": every if len(every) > 1 else every[0]}


def _fits(value: Json, kind: str) -> bool:
    return _kind(value) == kind or (kind == "number" and _kind(value) == "integer")


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds = {int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")
