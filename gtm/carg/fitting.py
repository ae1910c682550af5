"""Whether a scalar can stand in a place of a shape: type, bounds, pattern and format, in some microseconds."""

from functools import lru_cache

from gtm.tools.leaf import json_type
from gtm.tools.merge import Schema
from gtm.tools.validator import Prepared, matcher, prepare
from gtm.types import Json

MAX_TEXT = 300
"""Characters of a text that is drawn again."""


def fits(value: Json, shape: Schema) -> bool:
    """Whether a scalar can stand in a place of a shape."""
    if "enum" in shape:
        return value in shape["enum"]
    if "const" in shape:
        return bool(value == shape["const"])
    kind = shape.get("type")
    if kind == "string":
        return isinstance(value, str) and _fits_text(value, shape)
    if kind in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else int | float):
            return False
        return _fits_number(value, shape)
    return json_type(value) == kind


def _fits_text(value: str, shape: Schema) -> bool:
    if not shape.get("minLength", 0) <= len(value) <= shape.get("maxLength", MAX_TEXT):
        return False
    pattern = shape.get("pattern")
    if isinstance(pattern, str):
        check = matcher(pattern)
        if check is not None and not check.is_valid(value):
            return False
    form = shape.get("format")
    if not isinstance(form, str):
        return True
    if form in _NUMERIC_TEXT:
        return value.lstrip("-").isdigit()
    if form in ("byte", "binary", "base64"):
        return value.isascii() and " " not in value
    if form in _DATE_TIMES:
        form = "date-time"
    return bool(_format(form).validator.is_valid(value))


_NUMERIC_TEXT = frozenset({"int64", "uint64", "int32", "uint32", "integer", "unixtime"})
_DATE_TIMES = frozenset({"google-datetime", "datetime", "dateTime", "iso-datetime"})


@lru_cache(maxsize=256)
def _format(form: str) -> Prepared:
    return prepare({"type": "string", "format": {"guid": "uuid", "url": "uri", "ip": "ipv4"}.get(form, form)})


def _fits_number(value: int | float, shape: Schema) -> bool:
    if not shape.get("minimum", value) <= value <= shape.get("maximum", value):
        return False
    if "exclusiveMinimum" in shape and value <= shape["exclusiveMinimum"]:
        return False
    if "exclusiveMaximum" in shape and value >= shape["exclusiveMaximum"]:
        return False
    step = shape.get("multipleOf")
    if shape.get("format") == "int32" and not -(2**31) <= value < 2**31:
        return False
    return not step or abs(value / step - round(value / step)) < 1e-9
