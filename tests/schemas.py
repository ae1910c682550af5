"""Schemas that several tests share: hard ones by hand, and any by hypothesis."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
HARD: dict[str, Schema] = json.loads((Path(__file__).parent / "data" / "hard_schemas.json").read_text("utf-8"))
"""Schemas that have values, but not ones that are found by chance."""


def obj(required: list[str] | None = None, /, **properties: Any) -> Schema:
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


leaves = st.sampled_from(
    [STRING, NUMBER, {"type": "integer", "minimum": 3}, {"type": "boolean"}, {"enum": ["a", 1]}, {}]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4).map(
            lambda p: {"type": "object", "properties": p}
        ),
        inner.map(lambda items: {"type": "array", "items": items}),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3).map(
            lambda p: {"type": "object", "properties": p, "required": sorted(p)}
        ),
    ),
    max_leaves=20,
)
