"""A shape (a closed, fully required subset of JSON Schema) as an EBNF grammar of compact JSON.

Invariant: what the grammar generates to its end is JSON, parses, and has exactly the shape's keys, in order, with no
whitespace. Limits: a string's length, format and pattern are not held (see `STRING`), and a number is held to its
digits and sign, not to its exact bounds, unless the range is small.

The dialect is xgrammar's GBNF. Its JSON Schema mode is not used: it lets whitespace through, which a small model
then writes for ever, and it compiles `maxLength` into one state a character (5 ms each, 0.3-0.7 s a new schema).
"""

import json
import math
from collections.abc import Callable, Mapping

from gtm.errors import EngineError
from gtm.types import Json

MAX_DEPTH = 48
"""Nesting that no pruned shape reaches; beyond it the shape is a mistake."""

MAX_DIGITS = 10
"""Digits of a number without bounds: the small model repeats a digit until its budget ends."""

MAX_LISTED = 20
"""An integer range up to this size is spelled out, so that every written value is inside it."""

STRING = r'"\"" first char* "\""'
"""Not empty; unbounded on purpose: a bound costs compile time for everybody, a runaway string its own budget only."""

FIRST = r"first ::= [^\x00-\x20!\x22%&'()*,.:;<=>?\x5b-\x5e\x60{|}]"
"""A string does not start with a space or a closing mark: there a small model goes on about something else."""

CHAR = r'char ::= [^"\\\x00-\x1f] | "\\" ["\\/bfnrt]'


def shape_to_ebnf(shape: Mapping[str, Json]) -> str:
    """The grammar whose sentences are the shape's values. Raises EngineError for what is not a shape."""
    grammar = _Grammar()
    root = grammar.expression(shape, 0)
    return "\n".join(
        [f"root ::= {root}", *(f"{name} ::= {body}" for body, name in grammar.rules.items()), FIRST, CHAR]
    )


def literal(text: str) -> str:
    """A terminal that matches exactly this text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escape(c) for c in escaped) + '"'


def dump(value: Json) -> str:
    """Compact JSON; text that UTF-8 cannot hold (lone surrogates) is written as escapes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if any("\ud800" <= c <= "\udfff" for c in text):
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Grammar:
    """Rules shared by equal sub-shapes: body -> name."""

    def __init__(self) -> None:
        self.rules: dict[str, str] = {}

    def expression(self, shape: Mapping[str, Json], depth: int) -> str:
        if depth > MAX_DEPTH:
            raise EngineError(f"the shape is nested deeper than {MAX_DEPTH} levels; prune it before generating")
        if "const" in shape:
            return literal(dump(shape["const"]))
        if "enum" in shape:
            return self._enum(shape)
        kind = shape.get("type")
        if kind == "object":
            return self._object(shape, depth)
        if kind == "array":
            return self._array(shape, depth)
        return self._scalar(kind, shape)

    def rule(self, body: str) -> str:
        return self.rules.setdefault(body, f"r{len(self.rules)}")

    def _scalar(self, kind: Json, shape: Mapping[str, Json]) -> str:
        if kind == "string":
            return self.rule(STRING)
        if kind == "integer":
            return self.rule(_integer(shape.get("minimum"), shape.get("maximum")))
        if kind == "number":
            return self.rule(_number(shape.get("minimum"), shape.get("maximum")))
        if kind == "boolean":
            return self.rule('"true" | "false"')
        if kind == "null":
            return '"null"'
        raise EngineError(f"{kind!r} is not a type of a shape; shapes come from gtm.tools.shape")

    def _enum(self, shape: Mapping[str, Json]) -> str:
        if not shape["enum"]:
            raise EngineError("the shape has an empty enum, which no value satisfies; prune it before generating")
        return self.rule(" | ".join(dict.fromkeys(literal(dump(value)) for value in shape["enum"])))

    def _object(self, shape: Mapping[str, Json], depth: int) -> str:
        parts: list[str] = []
        for key, value in shape.get("properties", {}).items():
            opening = ("," if parts else "{") + dump(key) + ":"
            parts.append(f"{literal(opening)} {self.expression(value, depth + 1)}")
        return " ".join(parts) + ' "}"' if parts else '"{}"'

    def _array(self, shape: Mapping[str, Json], depth: int) -> str:
        least, most = shape.get("minItems", 0), shape.get("maxItems")
        if most is not None and (most < least or most < 0):
            raise EngineError(f"the shape wants {least} to {most} items, which no array has; prune it")
        if most == 0:
            return '"[]"'
        item = self.rule(self.expression(shape.get("items", {"type": "null"}), depth + 1))
        more = f'("," {item})'
        first = max(least, 1)
        tail = f"{more}*" if most is None else _optional(more, most - first)
        filled = " ".join(['"["', item, *[more] * (first - 1), *([tail] if tail else []), '"]"'])
        return filled if least else self.rule(f'"[]" | {filled}')


def _optional(part: str, times: int) -> str:
    """`part` up to that many times, nested so that each step has one way on."""
    return f"({part} " * (times - 1) + f"{part}?" + ")?" * (times - 1) if times > 0 else ""


def _integer(least: Json, most: Json) -> str:
    low, high = _bound(least, math.ceil), _bound(most, math.floor)
    if low is not None and high is not None and 0 <= high - low < MAX_LISTED:
        return " | ".join(f'"{value}"' for value in range(low, high + 1))
    return _whole(low, high)


def _number(least: Json, most: Json) -> str:
    low, high = _bound(least, math.floor), _bound(most, math.ceil)
    return f'{_whole(low if low is None else min(low, 0), high)} ("." [0-9] [0-9]? [0-9]?)?'


def _bound(value: Json, rounded: Callable[[float], int]) -> int | None:
    """A bound as an integer; None where it is absent or beyond every number that is written."""
    if not isinstance(value, int | float) or not abs(value) < 10**MAX_DIGITS:
        return None
    return rounded(value)


def _whole(low: int | None, high: int | None) -> str:
    """Digits and sign as the bounds allow."""
    digits = MAX_DIGITS if low is None or high is None else len(str(max(abs(low), abs(high))))
    body = f"[1-9] {_optional('[0-9]', digits - 1)}".strip()
    if (low is None or low <= 0) and (high is None or high >= 0):
        body = f'"0" | {body}'
    if low is not None and low >= 0:
        return f"({body})"
    return f'"-" ({body})' if high is not None and high < 0 else f'"-"? ({body})'
