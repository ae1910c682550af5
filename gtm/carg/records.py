"""What the stages of the pipeline hand to each other, one JSON line a record.

`Entry` (a tool and all that is known of it) -> `Plan` (calls to be made in one session) -> `Session` (the calls with
their answers) -> `Row` (one call as a training example). Records are values: a stage reads some and writes others.
"""

from functools import cache
from typing import Any, Literal, TypeVar, cast

from pydantic import Field, TypeAdapter

from gtm.tools.catalog import Split
from gtm.types import EffectKind, Frozen, Json, Result, Tool
from gtm.world.outcome import WorldMode

Origin = Literal["recorded", "documented", "teacher", "values", "code"]
"""Who said what an answer says: the real tool; its documentation; a teacher; values seen in other answers of the
family or drawn by name and format; the simulator's code alone (refusals, receipts, what was stored)."""

Kind = Literal["ordinary", "edge", "wrong", "session", "fault", "recorded", "documented"]
"""What a call is for. `recorded` and `documented` calls are real; all others were planned."""

Refusal = Literal["missing", "type", "enum", "range", "format", "unknown_name", "unknown_tool", "impossible"]
"""What is wrong with a call of kind `wrong`."""


class Documented(Frozen):
    """A documented answer and how far it can be trusted (the words of the catalog's own README)."""

    arguments: dict[str, Json]
    response: Json = None
    is_error: bool = False
    args_from: str = "doc"
    """`doc`, `none_needed` and `from_response` are good; `filled` and `partial` are made up in part."""
    response_from: str = "doc"
    """`doc`, `fixture`, or `composed` from the examples of single properties."""
    args_valid: bool = True
    trimmed: bool = False


class Entry(Frozen):
    """One tool of the collection: a line of the stages `sources` and `tools`."""

    id: str
    """As its source has it; recordings refer to it."""
    family: str
    """What is never on two sides of a split, and what shares one world: `Tool.domain`."""
    split: Split
    domain: str
    """Of the taxonomy (`gtm/carg/taxonomy.json`), as `group/domain`."""
    source: str
    """The collection it came from: a file's name without its ending, or `teacher`."""
    licence: str
    tool: Tool
    """Its name is unique in the family, and what the call says."""
    documented: tuple[Documented, ...] = ()
    aliases: tuple[str, ...] = ()
    """Ids of dropped duplicates whose recordings count as this one's."""


class RecordedCall(Frozen):
    """One call that really happened."""

    tool: str
    """Id of an entry."""
    arguments: dict[str, Json]
    response: Json = None
    is_error: bool = False
    status: int | None = None
    trimmed: bool = False
    perturbed: bool = False


class Recording(Frozen):
    """A real session's calls of one family, in order: a line of `recordings`."""

    id: str
    family: str
    source: str
    """The file it came from, such as `aws_moto`."""
    origin: str
    """Who recorded it, as the catalog says (repository)."""
    licence: str
    initial: Json = None
    """The hidden state before the first call, where that is known."""
    fresh: bool = False
    """Whether the world was empty (or as `initial` says) before the first call."""
    calls: tuple[RecordedCall, ...]


class Step(Frozen):
    """One call of a plan."""

    tool: str
    """Name in the family's toolset."""
    arguments: dict[str, Json] = Field(default_factory=dict)
    bind: dict[str, tuple[int, str]] = Field(default_factory=dict)
    """JSON pointer into the arguments -> (index of an earlier step, pointer into its answer): outputs feed inputs. A
    step whose source is missing (an error, an empty list) is left out, as are those that need it."""
    kind: Kind
    refusal: Refusal | None = None
    """For `wrong` calls."""
    expect_error: bool | None = None
    """What the planner knows of the outcome; None where only the world can tell."""
    response: Json = None
    """Of real calls: what was answered."""
    is_error: bool = False
    status: int | None = None
    trimmed: bool = False


class Plan(Frozen):
    """Calls to be made in one session: a line of the stage `calls`."""

    id: str
    """Unique, and a function of the content: equal plans are one."""
    family: str
    source: str
    """Collection or recording that it came from; `planned` where it was planned."""
    licence: str
    real: bool
    """Whether its answers are given (recorded, documented)."""
    teacher: bool = False
    """Whether a teacher writes what is unknown of its answers."""
    seed: int
    world: WorldMode = "auto"
    notes: str = ""
    """How these tools behave, as a user would tell them (`amounts are in yen`)."""
    faults: tuple[dict[str, Json], ...] = ()
    initial: dict[str, tuple[dict[str, Json], ...]] = Field(default_factory=dict)
    steps: tuple[Step, ...]


class Written(Frozen):
    """What a model was asked of an answer, or would have been, and what it should have written."""

    system: str
    """Which of the prompt's instructions: `system` or `text`."""
    messages: tuple[tuple[Literal["system", "user", "assistant"], str], ...]
    """As `gtm.prompt.render` writes them, the worked call included."""
    shape: dict[str, Json] | None
    """None for text."""
    target: str
    """The whole of the unknown part: compact JSON of the shape, or text."""
    cuts: tuple[str, ...] = ()


class Called(Frozen):
    """One call with its answer."""

    tool: str
    arguments: dict[str, Json]
    kind: Kind
    refusal: Refusal | None = None
    expect_error: bool | None = None
    effect: EffectKind
    origin: Origin
    result: Result
    written: Written | None
    """None where nothing was unknown."""
    trimmed: bool = False


class Session(Frozen):
    """A plan carried out: a line of the stage `responses`."""

    id: str
    family: str
    source: str
    licence: str
    real: bool
    seed: int
    world: WorldMode
    notes: str = ""
    faults: tuple[dict[str, Json], ...] = ()
    initial: dict[str, tuple[dict[str, Json], ...]] = Field(default_factory=dict)
    prompt_version: str
    toolset_digest: str
    calls: tuple[Called, ...]


class Row(Frozen):
    """One call as a training example: a line of the stage `curate`. What was dropped is counted, not written."""

    id: str
    session: str
    step: int
    steps: int
    """Calls of the session that are kept, this one included."""
    family: str
    split: Split
    domain: str
    source: str
    licence: str
    seed: int
    world: WorldMode
    notes: str = ""
    tool_id: str
    call: Called
    hash: str
    """Of tool, arguments, answer and notes: equal rows are one."""
    repeat: bool = False
    """Whether an equal row stands before it: it is here for what follows in its session, and is no example itself."""


T = TypeVar("T")


def parse_lines(kind: type[T], raw: bytes) -> list[T]:
    """The records of JSONL bytes."""
    adapter: TypeAdapter[T] = _adapter(cast(Any, kind))
    return [adapter.validate_json(line) for line in raw.splitlines()]


def to_line(record: Frozen) -> bytes:
    """A record as one line, its end included; defaults are left out."""
    return record.model_dump_json(exclude_defaults=True).encode("utf-8", "surrogatepass") + b"\n"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
