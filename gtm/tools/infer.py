"""A JSON Schema from example values: what is in all of them is required. Nothing is guessed beyond what they show."""

from collections.abc import Sequence

from gtm.types import Json

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


def _fits(value: Json, kind: str) -> bool:
    return _kind(value) == kind or (kind == "number" and _kind(value) == "integer")


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds = {int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")
