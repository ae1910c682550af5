"""JSON values as the metrics see them: one form of nothing, leaves with their places, names without punctuation.

A place is a path of keys in which every array index is `[]`.
"""

import json
import re
from collections.abc import Iterator

from gtm.types import Json

MISSING = object()
"""There is nothing at this place."""

_NAMING = re.compile(
    r"(id|ids|arn|arns|name|names|key|keys|url|uri|link|href|token|etag|fingerprint|number|path|version|revision"
    r"|sha|ref|hash|slug|cursor|address|identifier|handle|login|email|self|node|urn|guid|uuid|selflink|code)\Z"
)


def content_of(value: Json) -> Json:
    """A response with one form of nothing (no body, an empty text, an empty object), JSON inside a text read."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    return None if value in ("", {}) else value


def text_of(value: Json) -> str:
    """A response as the one text that text metrics compare."""
    if value is None:
        return "{}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def plain(name: str) -> str:
    """A field's name without case and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def names_a_thing(name: str) -> bool:
    """Whether a field of this name usually holds an identifier."""
    return bool(_NAMING.search(plain(name)))


def field_of(path: str) -> str:
    """The last name of a place, without case and punctuation."""
    return plain(path.replace("[]", "").rpartition(".")[2])


def below(path: str, key: str) -> str:
    """The place of a property."""
    return f"{path}.{key}" if path else key


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """(place, scalar) for every scalar but null."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, below(path, key))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")
    elif value is not None:
        yield path, value


def scalar_text(value: Json) -> str:
    """A scalar as text: a whole number reads the same as an integer, as a float and as digits in a text."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def same(one: Json, other: Json) -> bool:
    """Whether two scalars are the same value of the same JSON type."""
    return one is not MISSING and other is not MISSING and json_type(one) == json_type(other) and one == other


def json_type(value: Json) -> str:
    """The JSON type; whole and broken numbers are one type. What is missing has none."""
    if value is None or value is MISSING:
        return "null" if value is None else ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
