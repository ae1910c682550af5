"""Texts of a URL, header or form as the JSON values that a tool's schema asks for.

A text that is not of a type its schema allows stays a text: the tool's own argument check then refuses it in the
tool's own way. Schemas are read once, when a server starts.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from gtm.tools.view import View
from gtm.types import Json

MAX_HOPS = 16
"""References and unions followed to learn a type."""

MAX_DEPTH = 3
"""Levels of a parameter's items and properties that are read: no style of OpenAPI writes more."""

_INTEGER = re.compile(r"-?(0|[1-9]\d{0,308})")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,308})(\.\d{1,308})?([eE][+-]?\d{1,3})?")
_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}


@dataclass(frozen=True, slots=True)
class Form:
    """What a text may become."""

    kinds: frozenset[str]
    items: "Form | None" = None
    properties: dict[str, "Form"] = field(default_factory=dict)

    def one(self, text: str) -> Json:
        """A single text as a value."""
        kinds = self.kinds
        if "string" in kinds or not kinds:
            return text
        if "integer" in kinds and _INTEGER.fullmatch(text):
            return int(text)
        if "number" in kinds and _NUMBER.fullmatch(text):
            number = int(text) if _INTEGER.fullmatch(text) else float(text)
            return number if math.isfinite(number) else text
        if "boolean" in kinds and text in ("true", "false"):
            return text == "true"
        if "null" in kinds and text in ("", "null"):
            return None
        return self._structured(text)

    def many(self, texts: Sequence[str]) -> list[Json]:
        """Several texts as the items of an array."""
        items = self.items or _TEXT
        return [items.one(text) for text in texts]

    def delimited(self, text: str) -> Json:
        """A text with commas, as arrays and objects travel in paths and headers."""
        if "array" in self.kinds:
            return self.many([unquote(part) for part in text.split(",")]) if text else []
        if "object" in self.kinds and text:
            parts = text.split(",")
            if all("=" in part for part in parts):
                return self.fields({name: value for name, _, value in (part.partition("=") for part in parts)})
            if len(parts) % 2 == 0:
                return self.fields(dict(zip(parts[::2], parts[1::2], strict=True)))
        return self.one(text)

    def fields(self, texts: dict[str, str]) -> dict[str, Json]:
        """Several named texts as an object."""
        return {name: self.properties.get(name, _TEXT).one(text) for name, text in texts.items()}

    def _structured(self, text: str) -> Json:
        """JSON inside a text, as parameters with `content` travel."""
        if text[:1] in ("{", "[") and self.kinds & {"object", "array"}:
            try:
                return json.loads(text, parse_constant=_refuse)
            except (ValueError, RecursionError):
                return text
        return text


_TEXT = Form(frozenset())


def form_of(schema: Json, root: Json, depth: int = 0) -> Form:
    """How to read the values of a schema inside `root`."""
    kinds = frozenset(_kinds(schema, root))
    if depth >= MAX_DEPTH:
        return Form(kinds)
    view = View(root, schema)
    items = form_of(view.items.node, root, depth + 1) if "array" in kinds and view.items is not None else None
    properties: dict[str, Form] = {}
    if "object" in kinds:
        properties = {name: form_of(inner, root, depth + 1) for name, inner in view.properties.items()}
    return Form(kinds, items, properties)


def _kinds(schema: Json, root: Json, hops: int = 0) -> Iterator[str]:
    """Every JSON type that a schema names."""
    if not isinstance(schema, dict) or hops > MAX_HOPS:
        return
    given = schema.get("type")
    yield from given if isinstance(given, list) else [given] if isinstance(given, str) else []
    if given is None:
        values = [*_list(schema.get("enum")), *([schema["const"]] if "const" in schema else [])]
        yield from ("null" if value is None else _NAMES[type(value)] for value in values)
        if "properties" in schema:
            yield "object"
        if "items" in schema:
            yield "array"
        if isinstance(schema.get("$ref"), str):
            yield from _kinds(View(root, schema).flat, root, hops + 1)
        for keyword in ("anyOf", "oneOf", "allOf"):
            for branch in _list(schema.get(keyword)):
                yield from _kinds(branch, root, hops + 1)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
