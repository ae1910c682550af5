"""What is wrong with an argument, in words: which argument, what was wrong, what is allowed.

Turns the validator's errors into `Violation`s. A value that looks secret is never repeated, and long ones are
abbreviated. Knows nothing of tools or results.
"""

import difflib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jsonschema_rs

from gtm.errors import SpecError
from gtm.tools.leaf import json_type
from gtm.tools.merge import Expander, Schema
from gtm.tools.shape import render_type
from gtm.tools.workpiece import at, child_schema, pointer_of
from gtm.types import Json

MAX_SHOWN = 60
"""Characters of a value or a choice in a message."""
MAX_CHOICES = 12
MAX_SHOWN_BRANCHES = 4

Path = tuple[str | int, ...]
Error = jsonschema_rs.ValidationError

_SECRET = re.compile(
    r"passw|passphrase|secret|token|api_?key|authorization|credential|private_?key|cvv|\bpin\b", re.I
)
_ARTICLES = {"integer": "an integer", "array": "an array", "object": "an object", "null": "null"}
_FORMAT_EXAMPLES = {
    "date-time": "2024-05-01T12:00:00Z",
    "date": "2024-05-01",
    "time": "12:00:00Z",
    "duration": "PT30M",
    "email": "ada@example.com",
    "uuid": "3f2b8c1e-9a4d-4c6e-8f10-2b7d5e9a1c33",
    "uri": "https://example.com/a",
    "uri-reference": "/a/b",
    "hostname": "www.example.com",
    "ipv4": "203.0.113.7",
    "ipv6": "2001:db8::1",
    "json-pointer": "/a/0",
    "regex": "^a+$",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a call's arguments."""

    pointer: str
    """JSON pointer into the arguments."""
    argument: str
    """Name of the argument at fault; empty where it is all of them."""
    keyword: str
    """The JSON Schema keyword (`required`, `enum`, ...), or `size`, `json` for what no schema says."""
    message: str
    allowed: str = ""
    """What is allowed instead, in short."""


def violations_of(error: Error, root: Schema, arguments: Json) -> list[Violation]:
    """The violations behind one error of the validator: of an alternative, those of the branch that is nearest."""
    for small in _nearest(error):
        if small is not error:
            return [_violation(inner, root, arguments) for inner in _nearest(error)]
    return [_violation(error, root, arguments)]


def label(path: Path) -> str:
    """A path as a person writes it: `'filter.status'`, `'items[0].name'`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f"'{_short(text)}'"


def unknown_hint(name: str, known: Sequence[str]) -> str:
    """`; did you mean 'limit'?`, or nothing."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def article(kinds: str) -> str:
    """A type with its article."""
    return _ARTICLES.get(kinds, f"a {kinds}")


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def show(value: Json) -> str:
    """A value in a message: short, strings in single quotes."""
    if isinstance(value, str):
        return repr(_short(value))
    return _short(json.dumps(value, ensure_ascii=False, default=str))


def _nearest(error: Error) -> list[Error]:
    kinds = jsonschema_rs.ValidationErrorKind
    for _ in range(8):
        if not isinstance(error.kind, kinds.AnyOf | kinds.OneOfNotValid):
            break
        here = error.instance_path
        inside = [
            branch
            for branch in error.kind.context
            if branch and not any(e.kind.name == "type" and e.instance_path == here for e in branch)
        ]
        if not inside:
            break
        branch = min(inside, key=len)
        if len(branch) > 1:
            return list(branch)
        error = branch[0]
    return [error]


def _violation(error: Error, root: Schema, arguments: Json) -> Violation:
    path = tuple(error.instance_path)
    keyword = error.kind.name
    schema = schema_at(root, path, arguments)
    secret = is_secret(path, schema)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        return _missing(error.kind.property, path, [_holder(error, root), schema], root)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return _unexpected(error.kind.unexpected, path, schema)
    says = _MESSAGES.get(keyword)
    allowed = says(error) if says else _alternatives(error, root)
    got = "" if secret or keyword in _SILENT else f"; got {_got(error)}"
    name = label(path) if path else "the arguments"
    message = f"{name} {allowed}{got}" if allowed else f"{name} {_other(error)}"
    short = allowed.removeprefix("must be ").removeprefix("must ").removeprefix("is not ")
    return Violation(pointer_of(path), str(path[0]) if path else "", keyword, message, short)


def _missing(name: str, path: Path, schemas: Sequence[Schema], root: Schema) -> Violation:
    declared = [schema for schema in schemas if name in (schema.get("properties") or {})]
    kind = _type_text(child_schema(declared[0], name), root) if declared else "any"
    where = (*path, name)
    if path:
        message = f"{label(path)} lacks the required property {name!r} ({kind})"
    else:
        message = f"missing required argument {name!r} ({kind})"
    return Violation(pointer_of(where), str(where[0]), "required", message, kind)


def _unexpected(names: Sequence[str], path: Path, schema: Schema) -> Violation:
    known = list(schema.get("properties") or {})
    name = names[0]
    where = (*path, name)
    subject = (
        f"{label(path)} has an unknown property {_short(name)!r}" if path else f"unknown argument {_short(name)!r}"
    )
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    shown = ", ".join(known[:MAX_CHOICES]) + (", …" if len(known) > MAX_CHOICES else "") or "nothing"
    hint = unknown_hint(name, known) or f"; allowed: {shown}"
    return Violation(pointer_of(where), str(where[0]), "additionalProperties", f"{subject}{more}{hint}", shown)


def _holder(error: Error, root: Schema) -> Schema:
    """The schema that an error's keyword stands in."""
    here = at(root, error.schema_path[:-1])
    return here if isinstance(here, dict) else {}


def _type_text(schema: Json, root: Schema) -> str:
    definitions: Schema = {key: root[key] for key in ("$defs", "definitions") if key in root}
    try:
        return render_type({**definitions, "allOf": [schema]}, limit=MAX_SHOWN)
    except SpecError:
        return "any"


def schema_at(root: Schema, path: Path, value: Json) -> Schema:
    """The flat schema of a place in a value; empty where the schema says nothing of it."""
    expander = Expander(root)
    schema: Json = root
    for part in path:
        flat = expander.expand(schema, [value])
        schema = child_schema(flat.schema, part) if flat else True
        value = at(value, (part,))
    flat = expander.expand(schema, [value])
    return flat.schema if flat else {}


def is_secret(path: Path, schema: Schema) -> bool:
    """Whether the value at a place must not be repeated."""
    named = any(isinstance(part, str) and _SECRET.search(part) for part in path)
    return named or schema.get("writeOnly") is True or schema.get("format") == "password"


def _got(error: Error) -> str:
    instance = error.instance
    if error.kind.name == "type":
        return f"{show(instance)} ({article(json_type(instance))})" if instance is not None else "null"
    if error.kind.name in ("minLength", "maxLength"):
        return f"{len(instance)}" if isinstance(instance, str) else show(instance)
    if error.kind.name in ("minItems", "maxItems", "minProperties", "maxProperties"):
        return f"{len(instance)}" if isinstance(instance, list | dict) else show(instance)
    return show(instance)


def _alternatives(error: Error, root: Schema) -> str:
    kinds = jsonschema_rs.ValidationErrorKind
    if not isinstance(error.kind, kinds.AnyOf | kinds.OneOfNotValid):
        return ""
    branches = _holder(error, root).get(error.kind.name, ())
    texts = dict.fromkeys(_type_text(branch, root) for branch in branches[:MAX_CHOICES])
    return f"must be {' or '.join(texts)}" if len(texts) <= MAX_SHOWN_BRANCHES else ""


def _other(error: Error) -> str:
    kinds = jsonschema_rs.ValidationErrorKind
    if isinstance(error.kind, kinds.OneOfMultipleValid):
        return "fits more than one of its alternatives; give exactly one of them"
    if isinstance(error.kind, kinds.AnyOf | kinds.OneOfNotValid):
        return "fits none of its alternatives"
    return f"is not allowed here (schema keyword {error.kind.name!r})"


def _choices(error: Error) -> str:
    shown = [show(option) for option in error.kind.value[:MAX_CHOICES]]
    more = ", …" if len(error.kind.value) > MAX_CHOICES else ""
    if not shown:
        return "has no allowed value"
    return f"must be one of {', '.join(shown)}{more}" if len(shown) > 1 else f"must be {shown[0]}"


def _format(error: Error) -> str:
    form = str(error.kind.value)
    example = _FORMAT_EXAMPLES.get(form)
    return f"is not a valid {_short(form)}" + (f" (e.g. {example})" if example else "")


def _types(error: Error) -> str:
    kinds = error.kind.types if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type) else []
    return f"must be {' or '.join(article(kind) for kind in sorted(kinds, key=lambda kind: kind == 'null'))}"


def _bound(phrase: str) -> Callable[[Error], str]:
    return lambda error: f"must {phrase.format(error.kind.value)}"


_MESSAGES: dict[str, Callable[[Error], str]] = {
    "type": _types,
    "enum": _choices,
    "const": lambda error: f"must be {show(error.kind.value)}",
    "format": _format,
    "pattern": lambda error: f"must match the pattern {_short(str(error.kind.value))!r}",
    "minimum": _bound("be >= {}"),
    "maximum": _bound("be <= {}"),
    "exclusiveMinimum": _bound("be > {}"),
    "exclusiveMaximum": _bound("be < {}"),
    "multipleOf": _bound("be a multiple of {}"),
    "minLength": _bound("have at least {} characters"),
    "maxLength": _bound("have at most {} characters"),
    "minItems": _bound("have at least {} items"),
    "maxItems": _bound("have at most {} items"),
    "minProperties": _bound("have at least {} properties"),
    "maxProperties": _bound("have at most {} properties"),
    "uniqueItems": lambda error: "must not repeat a value",
    "contains": lambda error: "lacks an item of the required kind",
    "not": lambda error: "has a form that is not allowed",
    "falseSchema": lambda error: "must be left out",
}
_SILENT = ("uniqueItems", "contains", "not", "falseSchema", "format")
"""Keywords whose message says it all, or whose value is better not repeated at length."""
