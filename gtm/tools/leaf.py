"""One place of a shape: which type a flat schema is written as, and the shape of a scalar.

Knows nothing of what surrounds the place. Bounds that contradict each other mean that nothing fits (None).
"""

import math
from collections.abc import Sequence

from gtm.tools.merge import Schema, types_of
from gtm.types import Json

MAX_ENUM = 100
"""Values of an enumeration that a generator chooses from: currencies fit, a table of postcodes would not."""
MAX_DESCRIPTION = 160
SHORT_STRING = 40
LARGEST = 1e308
"""Numbers beyond it are no JSON that every reader can take."""
MAX_STRING = 20_000
"""A `minLength` above this cannot be met."""

RELAXED = (
    "pattern",
    "not",
    "if",
    "contains",
    "uniqueItems",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
)
"""Keywords that a shape only hints at."""

_STRING_HINTS = ("format", "pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType")
_NUMBER_HINTS = ("format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def pick_type(schema: Schema, values: Sequence[Json]) -> str:
    """The one type a place is written as: an example's where allowed, else the most telling; `any` where unsaid."""
    kinds = types_of(schema)
    shown = [json_type(value) for value in values]
    for kind in shown:
        if not kinds or kind in kinds:
            return kind
        if kind == "integer" and "number" in kinds:
            return "number"
    if not kinds:
        return "any"
    if "object" in kinds and "properties" in schema:
        return "object"
    if "array" in kinds and ("items" in schema or "prefixItems" in schema):
        return "array"
    return next((kind for kind in kinds if kind != "null"), kinds[0])


def json_type(value: Json) -> str:
    """The JSON Schema type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def leaf_shape(schema: Schema, kind: str, values: Sequence[Json]) -> Schema | None:
    """The shape of a place that holds a scalar or one of given values, or None where nothing fits."""
    note = _description(schema)
    if "const" in schema or "enum" in schema:
        return _choices(schema, values, note)
    if kind == "any":
        return {"type": "string", "maxLength": SHORT_STRING, **note}
    if kind == "string":
        hints = {key: schema[key] for key in _STRING_HINTS if key in schema}
        if hints.get("minLength", 0) > min(hints.get("maxLength", math.inf), MAX_STRING):
            return None
        return {"type": "string", **hints, **note}
    if kind in ("integer", "number"):
        bounds = _number_hints(schema, kind)
        return None if bounds is None else {"type": kind, **bounds, **note}
    return {"type": kind, **note}


def _description(schema: Schema) -> Schema:
    text = schema.get("description") or schema.get("title")
    if not isinstance(text, str) or not text.strip():
        return {}
    return {"description": " ".join(text.split())[:MAX_DESCRIPTION]}


def _choices(schema: Schema, values: Sequence[Json], note: Schema) -> Schema | None:
    if "const" in schema:
        value = schema["const"]
        fits = _allowed(schema, value) and ("enum" not in schema or value in schema["enum"])
        return {"const": value, **note} if fits else None
    allowed = [value for value in schema["enum"] if _allowed(schema, value)]
    telling = [value for value in allowed if value is not None] or allowed
    if not telling:
        return None
    if len(telling) > MAX_ENUM:
        shown = [value for value in telling[MAX_ENUM:] if value in values]
        telling = (shown + telling)[:MAX_ENUM]
    return {"enum": telling, **note}


def _allowed(schema: Schema, value: Json) -> bool:
    kinds = types_of({"type": schema.get("type")})
    if not kinds:
        return True
    kind = json_type(value)
    whole = kind == "number" and float(value).is_integer()
    return kind in kinds or (kind == "integer" and "number" in kinds) or (whole and "integer" in kinds)


def _number_hints(schema: Schema, kind: str) -> Schema | None:
    hints = {key: schema[key] for key in _NUMBER_HINTS if key in schema}
    if max(hints.get("minimum", 0), hints.get("exclusiveMinimum", 0)) > LARGEST:
        return None
    if min(hints.get("maximum", 0), hints.get("exclusiveMaximum", 0)) < -LARGEST:
        return None
    if kind == "integer":
        low, high = integer_bounds(hints)
        if low is not None and high is not None and low > high:
            return None
        hints.pop("exclusiveMinimum", None)
        hints.pop("exclusiveMaximum", None)
        hints |= {key: value for key, value in (("minimum", low), ("maximum", high)) if value is not None}
        return hints
    low_open, high_open = hints.get("exclusiveMinimum", -math.inf), hints.get("exclusiveMaximum", math.inf)
    low, high = max(hints.get("minimum", -math.inf), low_open), min(hints.get("maximum", math.inf), high_open)
    if low > high or (low == high and low in (low_open, high_open) and math.isfinite(low)):
        return None
    return hints


def integer_bounds(schema: Schema) -> tuple[int | None, int | None]:
    """The smallest and the largest integer the bounds allow, inclusive."""
    lows = [math.ceil(schema["minimum"])] if "minimum" in schema else []
    if "exclusiveMinimum" in schema:
        lows.append(math.floor(schema["exclusiveMinimum"]) + 1)
    highs = [math.floor(schema["maximum"])] if "maximum" in schema else []
    if "exclusiveMaximum" in schema:
        highs.append(math.ceil(schema["exclusiveMaximum"]) - 1)
    return max(lows, default=None), min(highs, default=None)
