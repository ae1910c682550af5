"""The prompt, both sides: `render` writes it, `parse` reads what came back. The only prompt there is, for all uses.

Stable things come first (instructions, tool, notes, examples), so that an engine's prefix cache hits; the call comes
last. A prompt stays under BUDGET tokens by a fixed rule, and says what was cut. Knows nothing of engines' formats.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic_core import from_json

from gtm.tools.shape import render_type
from gtm.types import Example, Json, Message, Tool

VERSION = "1"
"""Part of every cache key and Episode; raise it with any change of the texts or of `render`."""

BUDGET = 2000
"""Tokens a prompt may take, estimated by `tokens`: what the small model reads well, and prefill time."""

Kind = Literal["system", "text", "shape"]
Text = Literal["system", "text", "shape", "example_call", "example_answer", "judge"]

_LIMITS = {
    "description": 700,
    "notes": 1600,
    "example": 900,
    "history": 700,
    "document": 900,
    "call": 2400,
    "known": 1500,
}
"""Characters a part may take before it is cut; together with the type they fit the budget in most cases."""

HISTORY = 4
"""Earlier turns shown for tools whose effect is unknown."""

_TYPE_LIMIT = 2400
STRING_LIMIT = 200
"""Characters of a written string that no schema bounds; beyond it a small model repeats itself."""


class Ending(Enum):
    """How a completion ended."""

    COMPLETE = "complete"
    CUT = "cut"
    """It stopped before the JSON was closed; what was there is kept."""
    MALFORMED = "malformed"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a prompt is made of. `shape` None asks for text."""

    tool: Tool
    arguments: dict[str, Json]
    shape: dict[str, Json] | None
    known: Json = None
    notes: str = ""
    documents: tuple[Json, ...] = ()
    history: tuple[tuple[str, dict[str, Json], str], ...] = ()
    """(tool, arguments, answer as text) of earlier turns, oldest first."""
    examples: tuple[Example, ...] = ()
    variation: int = 0


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt, and the parts that were cut to fit."""

    messages: tuple[Message, ...]
    cuts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a completion holds."""

    value: Json
    ending: Ending


def render(ask: Ask, kind: Kind = "system") -> Rendered:
    """The messages for one call."""
    cuts: list[str] = []

    def clip(name: str, text: str, limit: int) -> str:
        if len(text) <= limit:
            return text
        cuts.append(name)
        return text[: limit - 1] + "…"

    tool = ask.tool
    stable = [f"Tool: {tool.name}"]
    if tool.description:
        stable.append(clip("description", " ".join(tool.description.split()), _LIMITS["description"]))
    if ask.notes:
        stable.append("Notes: " + clip("notes", ask.notes, _LIMITS["notes"]))
    examples = [
        f"Example: {_json(e.arguments, 300)} answers {clip('example', _json(e.response), _LIMITS['example'])}"
        for e in ask.examples[:2]
    ]
    documents = ["Stored: " + clip("document", _json(d), _LIMITS["document"]) for d in ask.documents[:3]]
    history = [
        f"Earlier: {name}({_json(arguments, 300)}) answered {clip('history', text, _LIMITS['history'])}"
        for name, arguments, text in ask.history[-HISTORY:]
    ]
    tail = [f"Call: {tool.name}({clip('call', _json(ask.arguments), _LIMITS['call'])})"]
    if ask.known:
        tail.append("Known: " + clip("known", _json(ask.known), _LIMITS["known"]))
    tail.append(f"Variation: {ask.variation % 10_000}")
    if ask.shape is not None:
        tail.append("Write: " + render_type(ask.shape, limit=_TYPE_LIMIT))
    head = [Message("system", text_of(kind))]
    if kind == "system":
        # One worked call: without it the untrained small model repeats the type instead of filling it in.
        head += [Message("user", text_of("example_call")), Message("assistant", text_of("example_answer"))]
    fixed = sum(tokens(message.content) for message in head)
    parts = [stable, examples, documents, history, tail]
    body = _fit(BUDGET - fixed, parts, cuts)
    return Rendered((*head, Message("user", body)), tuple(dict.fromkeys(cuts)))


def _fit(budget: int, parts: list[list[str]], cuts: list[str]) -> str:
    """Drop examples, then history, then documents until the prompt fits; last, the tail's end is kept."""
    names = ("", "examples", "documents", "history", "")
    for victim in (None, 1, 3, 2):
        if victim is not None and parts[victim]:
            parts[victim] = []
            cuts.append(names[victim])
        body = "\n".join(line for part in parts for line in part)
        if tokens(body) <= budget:
            return body
    cuts.append("prompt")
    while tokens(body) > budget:
        body = body[: len(body) // 4] + "…" + body[len(body) // 4 + max(200, len(body) // 10) :]
    return body


def parse(text: str, shape: dict[str, Json] | None) -> Parsed:
    """The value in a completion: as written, as far as it got, or nothing."""
    text = text.strip()
    if not text:
        return Parsed(None, Ending.EMPTY)
    if shape is None:
        return Parsed(text, Ending.COMPLETE)
    start = min((at for at in (text.find(c) for c in '{["') if at >= 0), default=0)
    for partial, ending in ((False, Ending.COMPLETE), (True, Ending.CUT)):
        try:
            value = from_json(text[start:], allow_partial="trailing-strings" if partial else False)
        except ValueError:
            continue
        return Parsed(tidy(value, shape), ending)
    return Parsed(None, Ending.MALFORMED)


def tidy(value: Json, shape: dict[str, Json]) -> Json:
    """Only what the shape names, strings cut at a word to a sane length, arrays to their `maxItems`."""
    if isinstance(value, dict) and shape.get("type") == "object":
        properties = shape.get("properties", {})
        return {name: tidy(value[name], sub) for name, sub in properties.items() if name in value}
    if isinstance(value, list) and shape.get("type") == "array":
        return [tidy(item, shape.get("items", {})) for item in value[: shape.get("maxItems", len(value))]]
    if isinstance(value, str) and "enum" not in shape and "const" not in shape:
        limit = min(int(shape.get("maxLength", STRING_LIMIT)), STRING_LIMIT * 4)
        return value if len(value) <= limit else _cut(value, limit)
    return value


def completion_budget(shape: dict[str, Json] | None) -> int:
    """Tokens a completion may take: enough for every leaf, little enough that a runaway string ends."""
    return 160 if shape is None else min(768, 8 + _budget(shape))


def tokens(text: str) -> int:
    """Tokens of a text, estimated from above without a tokenizer (measured: 3.4 to 4.6 characters a token)."""
    ascii_letters = len(text.encode("ascii", "ignore"))
    return ascii_letters * 10 // 34 + (len(text) - ascii_letters) * 2


@cache
def text_of(name: Text) -> str:
    """A text of `prompts/`."""
    return (Path(__file__).parent / "prompts" / f"{name}.txt").read_text(encoding="utf-8").strip()


def _budget(shape: dict[str, Json]) -> int:
    if "enum" in shape or "const" in shape:
        values: Sequence[Json] = shape.get("enum", [shape.get("const")])
        return 2 + max((len(str(value)) for value in values), default=0) // 2
    kind = shape.get("type")
    if kind == "object":
        return 2 + sum(3 + len(name) // 2 + _budget(sub) for name, sub in shape.get("properties", {}).items())
    if kind == "array":
        return 2 + int(shape.get("maxItems", 1)) * (1 + _budget(shape.get("items", {})))
    if kind == "string":
        return 4 + min(36, int(shape.get("maxLength", 108)) // 3)
    return 8


def _cut(text: str, limit: int) -> str:
    head = text[:limit]
    at = head.rfind(" ")
    return head[:at].rstrip(" ,;:-") if at > limit // 2 else head


def _json(value: Json, limit: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=repr)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"
