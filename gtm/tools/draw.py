"""A value for a shape, drawn from a seeded generator: no validation, no search.

What it returns has the shape's structure; hints (`format`, `pattern`, bounds, `uniqueItems`) are followed as far as
`gtm.tools.plausible` can. Whoever needs a valid value validates and repairs (`gtm.tools.repair`).
"""

import random
from collections.abc import Callable

from gtm.tools import plausible
from gtm.tools.merge import Schema
from gtm.types import Json


def draw(shape: Schema, rng: random.Random, hint: str = "") -> Json:
    """A value for a shape; `hint` is the name the place goes by."""
    if "const" in shape:
        return copy_json(shape["const"])
    if "enum" in shape:
        return copy_json(rng.choice(shape["enum"]))
    return _BY_TYPE[shape["type"]](shape, rng, hint)


def copy_json(value: Json) -> Json:
    """A copy whose containers are not shared with the original."""
    if isinstance(value, dict):
        return {key: copy_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copy_json(inner) for inner in value]
    return value


def _object(shape: Schema, rng: random.Random, hint: str) -> Json:
    return {name: draw(inner, rng, name) for name, inner in shape["properties"].items()}


def _array(shape: Schema, rng: random.Random, hint: str) -> Json:
    count = rng.randint(shape["minItems"], shape["maxItems"])
    singular = hint[:-1] if hint.endswith("s") else hint
    items: list[Json] = []
    for _ in range(count):
        item = draw(shape["items"], rng, singular)
        for _ in range(20 if shape.get("uniqueItems") else 0):
            if item not in items:
                break
            item = draw(shape["items"], rng, singular)
        items.append(item)
    return items


def _boolean(shape: Schema, rng: random.Random, hint: str) -> Json:
    return rng.random() < 0.5


def _null(shape: Schema, rng: random.Random, hint: str) -> Json:
    return None


_BY_TYPE: dict[str, Callable[[Schema, random.Random, str], Json]] = {
    "object": _object,
    "array": _array,
    "string": plausible.text,
    "integer": plausible.integer,
    "number": plausible.number,
    "boolean": _boolean,
    "null": _null,
}
