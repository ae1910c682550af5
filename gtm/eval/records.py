"""What an evaluation is made of: items from real recordings, what a candidate answered, what was measured.

An item is one recorded session of a family; its scored steps are predicted one by one, each with the true history.
A suite turns items and a candidate into scores; a run's folder keeps one line an item; a report reads lines only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import Field

from gtm.types import Frozen, Json, Tool, Toolset

SuiteName = Literal["format", "errors", "fidelity", "consistency", "determinism", "speed", "judge"]


class TrueTurn(Frozen):
    """One call that really happened."""

    tool: str
    """Name in the item's toolset."""
    arguments: dict[str, Json]
    response: Json = None
    is_error: bool = False
    status: int | None = None
    trimmed: bool = False


class Item(Frozen):
    """A recorded session of one family, and the steps of it that are scored."""

    id: str
    family: str
    domain: str
    source: str
    """The file it came from."""
    split: Literal["dev", "test", "own"]
    """`own`: a user's recordings."""
    fresh: bool
    """Whether the world was empty before the first call."""
    initial: Json = None
    turns: tuple[TrueTurn, ...]
    scored: tuple[int, ...]
    """Indices of turns."""


class Answer(Frozen):
    """What a candidate said to one call."""

    content: Json = None
    text: str = ""
    is_error: bool = False
    raw: str | None = None
    """What its model wrote, where one was asked."""
    raw_valid: bool | None = None
    """Whether that is strictly what was asked for: one JSON value that the schema accepts. None: no JSON was."""
    failed: str = ""
    """Why there is no answer (prose, nothing, too long): counted, and scored as an answer that says nothing."""
    seconds: float = 0.0
    model_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One call to answer: what a candidate may see of an item, nothing of the answer or of what comes after."""

    item: str
    step: int
    toolset: Toolset
    tool: Tool
    arguments: dict[str, Json]
    history: tuple[TrueTurn, ...]
    fresh: bool
    initial: Json
    seed: int = 0


class Candidate(Protocol):
    """Something that answers calls in place of a real tool: a simulator, a prompt, a baseline."""

    @property
    def name(self) -> str:
        """Its name in tables; with its settings, what identifies it in a run's folder."""

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer a task, in order. Raises EngineError where its infrastructure fails, not for one bad answer."""

    async def aclose(self) -> None:
        """Free what it holds."""


class Score(Frozen):
    """What was measured of one step (or of one item, `step` -1): a line of a suite's file."""

    suite: SuiteName
    candidate: str
    item: str
    family: str
    step: int
    slices: dict[str, str] = Field(default_factory=dict)
    """Slice -> value: `domain`, `effect`, `source`, `schema_size`, `history_length`, `split`."""
    values: dict[str, float] = Field(default_factory=dict)
    """Metric -> value. A metric that does not apply is absent, never 0 or NaN."""
    counts: dict[str, int] = Field(default_factory=dict)
    """Numerators and denominators that are summed before dividing (`tp`, `fp`, `fn`, `masked`)."""
    show: Json = None
    """Call, true answer and answer, as the report shows the worst cases."""


class Measured(Frozen):
    """One cell of a table: a metric of a candidate, with its 95 % interval over families."""

    candidate: str
    suite: SuiteName
    metric: str
    value: float
    low: float
    high: float
    n: int
    families: int
    slice: str = ""
    """`effect=create`; empty for all."""
