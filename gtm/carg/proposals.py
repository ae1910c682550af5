"""What a teacher is asked for new tools, and what becomes of its proposals: a `Tool`, or a reason why not.

The prompt is `proposing.txt` and what is known of the domain; the answer has a closed shape that any grammar can hold
and small models fill well: flat arguments, flat answers. Nothing here asks anybody.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gtm.carg.read import tokens_of
from gtm.engines.base import Request
from gtm.errors import SpecError
from gtm.tools.gather import read_output, read_parameters
from gtm.tools.validator import prepare
from gtm.types import Frozen, Json, Message, Tool, Toolset
from gtm.world.effects import infer_effects
from gtm.world.services import seed_of
from gtm.world.words import words

COPY = 0.6
"""Jaccard similarity of the words, arguments and answers of two tools from which one is a copy of the other."""
TOKENS = 260
"""Of one proposed tool, a generous answer."""
SHOWN = 200
"""Characters of a neighbour's description."""
_TYPES: dict[str, dict[str, Json]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
    "list of strings": {"type": "array", "items": {"type": "string"}},
    "list of numbers": {"type": "array", "items": {"type": "number"}},
}
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+\Z")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")
_KEYED = ("read", "update", "delete")


class Subject(Frozen):
    """A thin domain: what it is, what it has, and what it should have."""

    domain: str
    terms: str
    """Of the taxonomy: what the domain is about."""
    has: int
    missing: int
    neighbours: tuple[Tool, ...] = ()
    """Tools of the domain first, then of its group."""


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A proposal that is no tool, in a word."""

    reason: str


def request(subject: Subject, number: int, accepted: Sequence[Tool], per_request: int) -> Request:
    """The `number`th question about a subject, which names what was accepted so far."""
    group, _, name = subject.domain.partition("/")
    lines = [
        f"Domain: {name.replace('_', ' ')} ({group.replace('_', ' ')}).",
        f"It is about: {subject.terms.replace('_', ' ')}.",
    ]
    if subject.neighbours:
        lines.append("Tools nearby, as real APIs have them:")
        lines += [f"- {tool.name}: {tool.description[:SHOWN]}" for tool in subject.neighbours]
    if accepted:
        lines.append(f"Already designed: {', '.join(tool.name for tool in accepted)}.")
    lines.append(
        f"Design {per_request} more tools of one API in this domain, all about the same kind of thing, each "
        "different from those above."
    )
    return Request(
        messages=(Message("system", _instructions()), Message("user", "\n".join(lines))),
        schema=_shape(per_request),
        max_tokens=TOKENS * per_request,
        seed=seed_of("tools", subject.domain, number) % 2**31,
    )


def proposals(text: str) -> list[Json]:
    """The single proposals of an answer. Raises Refused where it is none."""
    try:
        answer = json.loads(text)
        return list(answer["tools"])
    except (ValueError, TypeError, KeyError):
        raise Refused("not_json") from None


def accept(proposal: Json, subject: Subject, accepted: Sequence[Tool]) -> tuple[Tool, list[str]]:
    """A proposal as a tool, and what was repaired. Raises Refused."""
    repaired: list[str] = []
    try:
        tool = _tool(proposal, subject, repaired)
        for schema in (tool.parameters, tool.output_schema):
            if schema is not None and prepare(schema).notes:
                raise Refused("bad_schema")
    except (SpecError, KeyError, TypeError, AttributeError):
        raise Refused("bad_schema") from None
    if any(tool.name == other.name for other in accepted):
        raise Refused("name_taken")
    own = set(tokens_of(tool))
    if any(_jaccard(own, set(tokens_of(other))) >= COPY for other in (*subject.neighbours, *accepted)):
        raise Refused("near_copy")
    effect = infer_effects(Toolset(name="one", kind="catalog", tools=(*accepted, tool)))[tool.name]
    if effect.kind in _KEYED and not tool.parameters["properties"]:
        raise Refused("implausible_effect")
    return tool, repaired


def _tool(proposal: dict[str, Json], subject: Subject, repaired: list[str]) -> Tool:
    name = _name(proposal["name"], repaired)
    description = " ".join(proposal["description"].split())
    if len(description) < 15 or re.search(r"lorem|placeholder|<[a-z]+>|\bTODO\b|\.\.\.", description):
        raise Refused("no_description")
    arguments = _fields(proposal["arguments"], repaired, "argument")
    answer = _fields(proposal["answer"], repaired, "answer_field")
    if not answer:
        raise Refused("no_answer")
    required = [field["name"] for field in proposal["arguments"] if field["required"] and field["name"] in arguments]
    output: dict[str, Json] = {"type": "object", "properties": answer, "required": list(answer)}
    if proposal["answers_list"]:
        items = {"type": "array", "items": output}
        output = {
            "type": "object",
            "properties": {"items": items, "total": {"type": "integer"}},
            "required": ["items"],
        }
    schema = read_output(output)[0]
    return Tool(
        name=name,
        description=description,
        parameters=read_parameters(
            {"type": "object", "properties": arguments, **({"required": required} if required else {})}
        ).schema,
        output_schema=schema,
        error_names=tuple(dict.fromkeys(one for one in proposal["errors"] if _FIELD.match(one))),
        domain=f"synthetic/{subject.domain}",
        source=f"synthetic:{subject.domain}:{name}",
    )


def _name(given: str, repaired: list[str]) -> str:
    if _NAME.match(given) and len(given) <= 64:
        return given
    name = "_".join(words(given))[:64].strip("_")
    if not _NAME.match(name):
        raise Refused("bad_name")
    repaired.append("name")
    return name


def _fields(given: list[dict[str, Json]], repaired: list[str], what: str) -> dict[str, Json]:
    """Fields as properties; unusable and repeated ones are left out."""
    properties: dict[str, Json] = {}
    for field in given:
        if not _FIELD.match(field["name"]) or field["name"] in properties:
            repaired.append(what)
            continue
        schema = dict(_TYPES[field["type"]])
        if description := " ".join(field["description"].split()):
            schema["description"] = description
        values = list(dict.fromkeys(value.strip() for value in field.get("values", ()) if value.strip()))
        if field["type"] == "string" and len(values) > 1:
            schema["enum"] = values
        properties[field["name"]] = schema
    return properties


def _shape(per_request: int) -> dict[str, Json]:
    text = {"type": "string"}
    field = {"name": text, "type": {"enum": list(_TYPES)}, "description": text}
    argument = {**field, "required": {"type": "boolean"}, "values": _array(text, 0, 6)}
    tool = {
        "name": text,
        "description": text,
        "arguments": _array(_closed(argument), 0, 6),
        "answers_list": {"type": "boolean"},
        "answer": _array(_closed(field), 1, 8),
        "errors": _array(text, 0, 3),
    }
    return _closed({"tools": _array(_closed(tool), 1, per_request)})


def _closed(properties: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: Json, least: int, most: int) -> dict[str, Json]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(1, len(one | other))


@cache
def _instructions() -> str:
    return files("gtm.carg").joinpath("proposing.txt").read_text("utf-8").strip()
