"""The generate step: the unknown part of an answer, written, read, checked and mended.

Keys and times come from seeded services before the engine is asked; what the engine leaves out or gets wrong comes
from the seeded sampler and is tagged `default`. A success validates against the tool's output schema, always.
"""

import base64
import json
import random
import re
from dataclasses import dataclass, field, replace

from gtm import prompt
from gtm.engines.base import Engine, Request
from gtm.errors import SpecError
from gtm.prompt import Ask, Ending
from gtm.simulator.definitions import TEXT_FIELDS, Definition
from gtm.simulator.prefill import complete, fill, prefill
from gtm.simulator.validation import compile_validator, conform
from gtm.tools.shape import Unsatisfiable, escape, output_shape
from gtm.types import Json, Source, Tool
from gtm.world import services
from gtm.world.filters import tallied
from gtm.world.outcome import Plan
from gtm.world.tree import UNKNOWN, leaves, missing, overlay, plain

MAX_PROPOSED = 5
"""Fields of a proposed shape: a small model names that many sensibly."""

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel: the stand-in for any image."""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished answer."""

    content: Json
    provenance: dict[str, Source] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    shown: Json = UNKNOWN
    """What the agent gets, where that is not the content itself."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What an engine wrote of an answer."""

    value: Json
    warnings: tuple[str, ...]


class Writer:
    """Writes answers with one engine. Proposed shapes are kept for the life of the simulator."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._proposed: dict[str, dict[str, Json]] = {}

    async def write(self, definition: Definition, ask: Ask, plan: Plan) -> Written:
        """The whole answer of a call that succeeds."""
        if definition.form == "empty":
            return Written(None)
        if definition.form == "placeholder":
            assert definition.tool.http is not None
            return _placeholder(definition.tool.http.media_type or "")
        if definition.form == "text":
            return await self._text(ask, plan)
        if definition.shape is not None and definition.tool.output_schema is not None:
            schema, shape = definition.tool.output_schema, definition.shape.schema
        else:
            schema = shape = await self._propose(definition.tool, ask.notes)
        content = complete(shape, plan.known)
        # Nothing to write and, nearly always, nothing to mend: the way of every read of a stored thing.
        if content is not UNKNOWN and compile_validator(schema).is_valid(content):
            return _shown(definition, content, plan.sources, ())
        seed = services.seed_of(*plan.seed_parts)
        known, sources = prefill(shape, plan.known, plan.sources, seed)
        part = await self._generate(shape, known, ask, seed)
        content, filled = fill(shape, overlay(known, part.value), _random(seed, "fill"))
        if not definition.bound.stored and isinstance(content, dict):
            told = {n: v for n, v in tallied(shape, content).items() if f"/{escape(n)}" not in sources}
            content, sources = {**content, **told}, {**sources, **{f"/{escape(n)}": "computed" for n in told}}
        provenance: dict[str, Source] = {**dict.fromkeys((p for p, _ in leaves(part.value)), "model"), **sources}
        repaired: tuple[str, ...] = ()
        warnings = part.warnings
        try:
            conformed = conform(schema, content, _random(seed, "repair"), protected=frozenset(sources))
            content, repaired = conformed.value, conformed.repaired
        except (Unsatisfiable, SpecError) as error:
            warnings = (*warnings, f"the output schema is unsatisfiable ({error}): not validated")
        return _shown(definition, content, _defaulted(provenance, (*filled, *repaired)), warnings)

    async def _generate(self, shape: dict[str, Json], known: Json, ask: Ask, seed: int) -> "_Part":
        unknown = missing(shape, known)
        if unknown is None:
            return _Part(UNKNOWN, ())
        ask = replace(ask, shape=unknown, known=plain(known), variation=seed)
        rendered = prompt.render(ask)
        request = Request(rendered.messages, unknown, prompt.completion_budget(unknown), seed)
        [completion] = await self._engine.generate([request])
        parsed = prompt.parse(completion.text, unknown)
        warnings = [f"prompt: {cut} cut to fit" for cut in rendered.cuts]
        if parsed.ending is not Ending.COMPLETE:
            warnings.append(f"generation {parsed.ending.value}: what is missing is filled by default")
        return _Part(UNKNOWN if parsed.value is None else parsed.value, tuple(warnings))

    async def _text(self, ask: Ask, plan: Plan) -> Written:
        seed = services.seed_of(*plan.seed_parts)
        rendered = prompt.render(replace(ask, shape=None, variation=seed), "text")
        request = Request(rendered.messages, None, prompt.completion_budget(None), seed)
        [completion] = await self._engine.generate([request])
        parsed = prompt.parse(completion.text, None)
        if parsed.ending is Ending.EMPTY:
            return Written("Done.", {"": "default"}, ("generation empty: filled by default",))
        text = _whole_sentences(parsed.value) if completion.ending == "length" else parsed.value
        return Written(text, {"": "model"}, tuple(f"prompt: {cut} cut to fit" for cut in rendered.cuts))

    async def _propose(self, tool: Tool, notes: str) -> dict[str, Json]:
        """Shape memory: fields for a tool that declares none, a function of definition, model and prompt only."""
        if tool.name not in self._proposed:
            ask = Ask(tool, {}, _PROPOSAL, notes=notes)
            rendered = prompt.render(ask, "shape")
            request = Request(rendered.messages, _PROPOSAL, prompt.completion_budget(_PROPOSAL), 0)
            [completion] = await self._engine.generate([request])
            parsed = prompt.parse(completion.text, _PROPOSAL)
            self._proposed[tool.name] = output_shape(_as_schema(parsed.value)).schema
        return self._proposed[tool.name]


_PROPOSAL: dict[str, Json] = {
    "type": "object",
    "properties": {
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 24},
                    "type": {"enum": ["string", "integer", "number", "boolean", "string[]"]},
                },
                "required": ["name", "type"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "maxItems": MAX_PROPOSED,
        }
    },
    "required": ["fields"],
    "additionalProperties": False,
}


def _as_schema(proposal: Json) -> dict[str, Json]:
    """A proposal read as a closed object schema; `result` where nothing usable was proposed."""
    fields: dict[str, Json] = {}
    for item in (proposal or {}).get("fields", []) if isinstance(proposal, dict) else []:
        name = (
            re.sub(r"\W+", "_", str(item.get("name", ""))).strip("_").lower()[:24] if isinstance(item, dict) else ""
        )
        if not name or name[0].isdigit():
            continue
        kind = item.get("type", "string")
        array = {"type": "array", "items": {"type": "string"}}
        fields.setdefault(name, array if kind == "string[]" else {"type": kind})
    fields = fields or {"result": {"type": "string"}}
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _shown(
    definition: Definition, content: Json, provenance: dict[str, Source], warnings: tuple[str, ...]
) -> Written:
    if definition.form != "document":
        return Written(content, provenance, warnings)
    return Written(content, {"": _weakest(provenance)}, warnings, _as_text(definition, content))


def _random(seed: int, purpose: str) -> random.Random:
    return random.Random(services.seed_of(seed, purpose))


def _defaulted(provenance: dict[str, Source], pointers: tuple[str, ...]) -> dict[str, Source]:
    """Provenance after some places were replaced: what lay below them is gone."""
    for pointer in pointers:
        below = pointer + "/"
        provenance = {at: source for at, source in provenance.items() if at != pointer and not at.startswith(below)}
        provenance[pointer] = "default"
    return provenance


_TRUST: tuple[Source, ...] = ("default", "model", "argument", "computed", "state", "cassette")


def _weakest(provenance: dict[str, Source]) -> Source:
    """What a text made of several sources is called: by its least certain part."""
    return min(provenance.values(), key=_TRUST.index, default="default")


def _as_text(definition: Definition, content: Json) -> str:
    """A document as an MCP tool prints it: a reader's one text field as it is, else JSON."""
    if definition.bound.effect.kind == "read" and isinstance(content, dict):
        texts = [content[name] for name in TEXT_FIELDS if isinstance(content.get(name), str)]
        if len(texts) == 1 and len(content) <= 2:
            return str(texts[0])
    return json.dumps(content, ensure_ascii=False, indent=2)


def _whole_sentences(text: str) -> str:
    """A text that ran out of tokens, cut after its last whole sentence or word."""
    at = max(text.rfind(mark) for mark in (". ", ".\n", "! ", "? ", "\n"))
    return text[: at + 1].rstrip() if at > 20 else text.rpartition(" ")[0] or text


def _placeholder(media: str) -> Written:
    """The documented stand-in for what is not simulated: images, binaries, CSV."""
    if media == "text/csv":
        content = "id,name\r\n1,example\r\n"
    else:
        content = base64.b64encode(PIXEL if media.startswith("image/") else b"").decode()
    return Written(content, {"": "default"}, (f"{media} is not simulated: a placeholder",))
