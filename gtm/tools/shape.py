"""The shape of a result: the part of a schema that a generator writes, closed and concrete.

A shape is a JSON Schema of a few forms only: objects with every property required and no others; arrays of one shape
with `minItems` and `maxItems`; strings, integers, numbers, booleans, null; `enum`; `const`. Other keywords in it
(`format`, `pattern`, bounds, `description`) are hints for prompt and repair; no grammar needs them. It is a function
of schema and examples alone: which optional properties a tool shows never changes from call to call.
What a shape cannot say (conditionals, dependencies, tuples) is noted, and checked and repaired after generation.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gtm.tools.choice import Chooser, NothingFits
from gtm.tools.merge import Expander, Schema, types_of
from gtm.tools.validator import prepare
from gtm.types import Json

MAX_SHOWN_DEPTH = 12
MAX_CHOICES = 12
MAX_COMMENT = 60


class Unsatisfiable(ValueError):
    """No value satisfies the schema, or none was found within bounds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a generator writes for a schema."""

    schema: Schema
    notes: tuple[str, ...]
    """What was relaxed or cut, one short sentence each."""
    leaves: int
    """Places where a value is written, an array counted as one item."""


def output_shape(
    schema: dict[str, Json] | bool,
    *,
    examples: Sequence[Json] = (),
    max_depth: int = 3,
    max_leaves: int = 40,
    omit: str = "writeOnly",
) -> Shape:
    """The shape of a schema.

    Required properties are always in. Of the optional ones: those that an example shows, else all to `max_depth`;
    in both cases shallow ones first, until `max_leaves`. An object that declares properties is never empty. A map
    (`additionalProperties` alone) gets the keys of an example, else one entry; a free-form object (`{"type":
    "object"}`) gets the fields of an example, else stays empty. Optional properties marked `omit` are left out.

    Raises:
        Unsatisfiable: nothing satisfies the schema.
        SpecError: the schema is above a limit, or none at all.
    """
    prepared = prepare(schema)
    chooser = Chooser(prepared.schema, max_depth, max_leaves, omit)
    try:
        shape = chooser.build(examples)
    except NothingFits:
        raise Unsatisfiable("nothing satisfies the schema") from None
    return Shape(shape, (*prepared.notes, *chooser.notes), len(leaf_pointers(shape)))


def leaf_pointers(shape: Schema) -> tuple[str, ...]:
    """JSON pointers of the places where a value is written; `*` stands for every item of an array."""
    return tuple(_leaves(shape, ""))


def render_type(schema: dict[str, Json] | bool, *, limit: int = 1_200) -> str:
    """A schema as one line of TypeScript-like notation, never longer than `limit`.

    `{id: integer, name?: string // shown to users, status: "a"|"b", tags: string[]}`. A recursive reference is shown
    by its name, and what does not fit as `…`. Raises `SpecError` where it is no schema.
    """
    if isinstance(schema, bool):
        return "any" if schema else "never"
    root = prepare(schema).schema
    text = _Writer(root, limit).write(root, frozenset(), 0)
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def escape(name: str) -> str:
    """A property name as one part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _leaves(shape: Schema, pointer: str) -> Iterable[str]:
    kind = shape.get("type")
    if kind == "object":
        for name, inner in shape["properties"].items():
            yield from _leaves(inner, f"{pointer}/{escape(name)}")
    elif kind == "array":
        yield from _leaves(shape["items"], f"{pointer}/*")
    else:
        yield pointer


class _Writer:
    def __init__(self, root: Schema, limit: int) -> None:
        self._expander = Expander(root)
        self._left = limit

    def write(self, schema: Json, path: frozenset[str], depth: int) -> str:
        if isinstance(schema, bool):
            return "any" if schema else "never"
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference in path:
            return reference.rsplit("/", 1)[-1] or "self"
        if depth > MAX_SHOWN_DEPTH or self._left <= 0:
            return "…"
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives and not types_of(schema) and "$ref" not in schema:
            texts = dict.fromkeys(self.write(branch, path, depth + 1) for branch in alternatives[:MAX_CHOICES])
            return "|".join(texts)
        expanded = self._expander.expand(schema, avoid=path)
        if expanded is None:
            return "never"
        text = self._flat(expanded.schema, path | expanded.refs, depth)
        self._left -= 0 if text.startswith("{") else len(text)
        return text

    def _flat(self, flat: Schema, path: frozenset[str], depth: int) -> str:
        if "const" in flat:
            return _value(flat["const"])
        if "enum" in flat:
            shown = [_value(value) for value in flat["enum"][:MAX_CHOICES]]
            return "|".join(shown + (["…"] if len(flat["enum"]) > MAX_CHOICES else []))
        kinds = types_of(flat)
        return "|".join(self._kind(kind, flat, path, depth) for kind in kinds) or "any"

    def _kind(self, kind: str, flat: Schema, path: frozenset[str], depth: int) -> str:
        if kind == "array":
            inner = self.write(flat.get("items", True), path, depth + 1)
            return f"({inner})[]" if "|" in inner and not inner.startswith("{") else f"{inner}[]"
        if kind == "object":
            return self._object(flat, path, depth)
        form = flat.get("format")
        return f"{kind}<{form}>" if kind == "string" and isinstance(form, str) and len(form) <= 20 else kind

    def _object(self, flat: Schema, path: frozenset[str], depth: int) -> str:
        properties = flat.get("properties") or {}
        extra = flat.get("additionalProperties")
        if not properties:
            return (
                f"{{[key]: {self.write(extra, path, depth + 1)}}}" if isinstance(extra, dict) and extra else "object"
            )
        required = set(flat.get("required", ()))
        parts: list[str] = []
        for name, schema in properties.items():
            if self._left <= 0:
                parts.append("…")
                break
            mark = "" if name in required else "?"
            self._left -= len(name) + 5
            text = self.write(schema, path, depth + 1)
            comment = _comment(schema)
            self._left -= len(comment)
            parts.append(f"{name}{mark}: {text}{comment}")
        return "{" + ", ".join(parts) + "}"


def _value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def _comment(schema: Json) -> str:
    text = schema.get("description") if isinstance(schema, dict) else None
    if not isinstance(text, str) or not text.strip():
        return ""
    line = " ".join(text.split())
    sentence = line.split(". ", 1)[0].rstrip(".")
    return f" // {sentence if len(sentence) <= MAX_COMMENT else sentence[: MAX_COMMENT - 1] + '…'}"
