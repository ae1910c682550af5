"""The words of the system as frozen values, JSON both ways (`model_dump_json`, `model_validate_json`).

One vocabulary travels everywhere: the server's log, a training row and a benchmark item are all `Episode`s.
Knows nothing of files, worlds, engines or servers. JSON payloads (`dict`, `list`, scalars) are held as they are:
treat them as read-only.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with string keys."""

EffectKind = Literal["create", "read", "list", "update", "delete", "compute", "opaque"]
ToolsetKind = Literal["openapi", "mcp", "openai", "anthropic", "catalog"]
ArgumentPlace = Literal["path", "query", "header", "cookie", "form", "body", "whole_body"]
Source = Literal["argument", "state", "computed", "model", "cassette", "default"]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Json) -> bytes:
    """The one byte form of a JSON value: sorted keys, no spaces, UTF-8. Raises ValueError on NaN and infinities."""
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


class Frozen(BaseModel):
    """Base of every value here: immutable, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_list(value: Json) -> Json:
    """One thing, or a list of them, as a list; a text as the requirement it states."""
    items = value if isinstance(value, list | tuple) else [value]
    return [{"that": item} if isinstance(item, str) else item for item in items]


def _as_texts(value: Json) -> Json:
    """Plain numbers, booleans and null as the expressions that say them."""
    if not isinstance(value, dict):
        return value
    plain = (bool, int, float, type(None))
    return {name: json.dumps(part) if isinstance(part, plain) else part for name, part in value.items()}


class Requirement(Frozen):
    """What must be true before a call; else it is the tool's own error and nothing changes."""

    that: str
    """A CEL expression (`gtm.world.expressions`)."""
    error: str = Field(default="", max_length=2000)
    status: int | None = Field(default=None, ge=400, le=599)
    kind: str = Field(default="precondition", pattern=r"^[a-z][a-z_]{0,39}$")


_SetInput = dict[str, str | int | float | bool | None]
_RequireInput = str | Requirement | list[str | Requirement]
Assignments = Annotated[
    dict[str, str], BeforeValidator(_as_texts, json_schema_input_type=_SetInput), Field(max_length=50)
]
"""Field (dotted inside objects) -> CEL expression; a plain number, true, false or null stands for itself."""
Requirements = Annotated[
    tuple[Requirement, ...], BeforeValidator(_as_list, json_schema_input_type=_RequireInput), Field(max_length=20)
]


class Write(Frozen):
    """What a call does to one other thing, in the same transaction."""

    resource: str
    key: str
    """An expression for the thing's key."""
    parents: tuple[str, ...] = Field(default=(), max_length=10)
    """Expressions for its parents' keys, outermost first."""
    set: Assignments = Field(default_factory=dict)
    """Its fields after the call; `state` is this other thing."""
    require: Requirements = ()
    error: str = Field(default="", max_length=2000)
    status: int | None = Field(default=None, ge=400, le=599)


class Rules(Frozen):
    """What a call does that no definition says, as expressions (docs/declared.md)."""

    set: Assignments = Field(default_factory=dict, exclude_if=lambda value: not value)
    """Fields of the document after the call."""
    require: Requirements = Field(default=(), exclude_if=lambda value: not value)
    error: str = Field(default="", max_length=2000, exclude_if=lambda value: not value)
    """The message of a requirement that has none of its own."""
    status: int | None = Field(default=None, ge=400, le=599, exclude_if=lambda value: value is None)
    """Likewise its HTTP status."""
    emit: Assignments = Field(default_factory=dict, exclude_if=lambda value: not value)
    """Fields of the answer."""
    writes: tuple[Write, ...] = Field(default=(), max_length=20, exclude_if=lambda value: not value)
    """Other things that change with it."""

    @property
    def declares(self) -> bool:
        """Whether there is any rule."""
        return bool(self.set or self.require or self.emit or self.writes)

    @property
    def consumed(self) -> frozenset[str]:
        """Arguments that `set` and its requirements read: amounts, not fields of the thing."""
        texts = [*self.set.values(), *(one.that for one in self.require)] if self.set else []
        return frozenset(name for text in texts for name in re.findall(r"\bargs\.(\w+)", text))


class Effect(Rules):
    """What a call does to the world: a kind, on a resource, by a key."""

    kind: EffectKind
    resource: str | None = None
    """Name of the collection, singular and normalised (`pet`, `repo/issue`)."""
    key: tuple[str, ...] = ()
    """Argument names that hold the key; all but the last are the parents' keys, outermost first."""
    confidence: float = 1.0
    """0 to 1; 1.0 is declared by the user."""
    reason: str = "declared"
    upsert: bool = False
    """An update that creates what is absent (a PUT where callers choose the keys)."""
    on_delete: Literal["cascade", "orphan", "restrict"] = "cascade"
    """What a delete does to the things inside: they go with it, they stay, or they forbid it."""


class Example(Frozen):
    """A documented or recorded answer of a tool."""

    arguments: dict[str, Json] = Field(default_factory=dict)
    response: Json = None
    is_error: bool = False
    status: int | None = None


class ErrorResponse(Frozen):
    """An error that an HTTP tool documents."""

    status: int | None
    """None is OpenAPI's `default`."""
    is_range: bool = False
    """True where a whole class is documented (`4XX`): `status` is its first, 400 or 500."""
    description: str = ""
    body_schema: dict[str, Json] | None = None
    media_type: str | None = None
    example: Json = None


class ArgumentSlot(Frozen):
    """Where an argument of an HTTP tool travels."""

    place: ArgumentPlace
    name: str
    """The name on the wire; the argument's own name differs only where two places clash."""
    explode: bool = True
    """For array values in `query`: repeated names, else one comma-separated value."""


class HttpBinding(Frozen):
    """How a tool is reached over HTTP."""

    method: str
    path: str
    slots: dict[str, ArgumentSlot] = Field(default_factory=dict)
    status: int = 200
    """The documented success status."""
    media_type: str | None = "application/json"
    """Of the success body; None where it has none."""
    body_media_type: str | None = None
    errors: tuple[ErrorResponse, ...] = ()
    response_headers: dict[str, Json] = Field(default_factory=dict)
    """Required headers of the success response: name -> JSON Schema."""


class Tool(Frozen):
    """A tool's definition, whatever format it came from."""

    name: str
    title: str = ""
    """The original name where `name` had to be made safe, else a human title."""
    description: str = ""
    parameters: dict[str, Json] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON Schema 2020-12 of the arguments, self-contained (`$ref` only into its own `$defs`)."""
    output_schema: dict[str, Json] | bool | None = None
    """JSON Schema 2020-12 of a success, or None where the definition has none."""
    annotations: dict[str, Json] = Field(default_factory=dict)
    """MCP hints in snake case: `read_only_hint`, `destructive_hint`, `idempotent_hint`, `open_world_hint`."""
    effect: Effect | None = None
    """Declared by the user; None means it is inferred (`gtm.world.effects`)."""
    examples: tuple[Example, ...] = ()
    error_names: tuple[str, ...] = ()
    """Names of the exceptions a definition documents without their bodies."""
    http: HttpBinding | None = None
    domain: str = ""
    source: str = ""
    licence: str = ""
    problems: tuple[str, ...] = ()
    """What was odd or relaxed while importing, one sentence each."""


class Problem(Frozen):
    """Something a user should know about an import."""

    tool: str | None
    kind: Literal["refused", "renamed", "relaxed", "odd"]
    message: str


class Toolset(Frozen):
    """Tools that share one world: one API, one MCP server."""

    name: str
    kind: ToolsetKind
    tools: tuple[Tool, ...]
    notes: str = ""
    problems: tuple[Problem, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Identity of the definitions: SHA-256 over the tools and notes."""
        return digest([self.name, self.kind, self.notes, [t.model_dump(mode="json") for t in self.tools]])

    @cached_property
    def by_name(self) -> dict[str, Tool]:
        """Tools by their name."""
        return {tool.name: tool for tool in self.tools}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; what was derived from the tools is derived anew."""
        copied = super().model_copy(update=update, deep=deep)
        for derived in ("digest", "by_name"):
            copied.__dict__.pop(derived, None)
        return copied


class Call(Frozen):
    """A tool's name and its arguments."""

    tool: str
    arguments: dict[str, Json] = Field(default_factory=dict)


class ToolError(Frozen):
    """Why a result is an error."""

    kind: str
    """`unknown_tool`, `invalid_arguments`, `not_found`, `conflict`, `precondition`, `not_simulated`, a fault's
    kind, or what a declared requirement calls it."""
    retry_after: float | None = None
    """Simulated seconds."""
    injected: bool = False
    """True where a fault policy, not the call, is the cause."""
    solvable: bool = True
    """Whether the agent can get past it by its own means (retry, mend the arguments)."""


class Fault(Frozen):
    """What a policy did to a call, whether it made an error of it or not."""

    kind: str
    solvable: bool
    """Whether the agent can get past it by its own means (retry, wait, read again)."""
    detail: str = ""
    """What was changed, for people."""


class Result(Frozen):
    """What a simulated tool answered."""

    content: Json = None
    """The JSON value, or the text where the tool answers text."""
    text: str = ""
    """The same as one string, as an agent reads it."""
    is_error: bool = False
    status: int | None = None
    error: ToolError | None = None
    provenance: dict[str, Source] = Field(default_factory=dict)
    """JSON pointer -> where it came from; a pointer speaks for all below it that has none of its own."""
    warnings: tuple[str, ...] = ()
    """What was relaxed, cut, repaired or ignored on the way."""
    fault: Fault | None = Field(default=None, exclude_if=lambda value: value is None)
    """The injected fault, where there was one."""
    delay_ms: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """Simulated latency; None where none was asked for."""
    simulated: Literal[True] = True


class Turn(Frozen):
    """One call and its result in a session."""

    call: Call
    result: Result
    time: str
    """Simulated time of the call, RFC 3339 in UTC."""
    observed: bool = False
    """True where the turn really happened elsewhere and was told to the session."""
    latency_ms: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """Measured; not part of what is compared."""


class Episode(Frozen):
    """One session's record."""

    toolset: str
    toolset_digest: str
    seed: int
    model: str
    prompt_version: str
    turns: tuple[Turn, ...] = ()
    format: Literal["gtm-episode-1"] = "gtm-episode-1"

    def lines(self) -> Iterator[str]:
        """JSONL: one header line, then one line a turn."""
        yield self.model_dump_json(exclude={"turns"})
        for turn in self.turns:
            yield turn.model_dump_json()

    def comparable(self) -> bytes:
        """The bytes that two runs of the same session must share (measured latency left out)."""
        return canonical(self.model_dump(mode="json", exclude={"turns": {"__all__": {"latency_ms"}}}))

    @classmethod
    def read(cls, lines: Iterable[str]) -> "list[Episode]":
        """Episodes from JSONL lines; a header line starts each. Raises ValueError on anything else."""
        episodes: list[tuple[Episode, list[Turn]]] = []
        for line in lines:
            if not line.strip():
                continue
            if '"format":"gtm-episode-1"' in line and "toolset_digest" in line:
                episodes.append((cls.model_validate_json(line), []))
            elif episodes:
                episodes[-1][1].append(Turn.model_validate_json(line))
            else:
                raise ValueError("an Episode file starts with a header line ('format': 'gtm-episode-1')")
        return [head.model_copy(update={"turns": tuple(turns)}) for head, turns in episodes]
