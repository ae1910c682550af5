"""What planning a call takes and gives: a moment of the world in, a plan out. Values only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gtm.types import Json, Source
from gtm.world.state import Change, State
from gtm.world.tree import UNKNOWN

WorldMode = Literal["auto", "open", "closed"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The tool's own error: `not_found`, `conflict`, or what a declared rule calls it."""

    kind: str
    message: str
    status: int | None = None
    """What a declared rule answers over HTTP; None: what the kind stands for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a call may depend on besides definitions: the world, its mode, a seed and the simulated time."""

    state: State
    mode: WorldMode
    seed: int
    now: datetime
    heard: Callable[[str], bool] = lambda text: False
    """Whether an earlier success, beside the documents, brought a text: a writing call or an answer."""

    @classmethod
    def of(cls, state: State) -> "Moment":
        """A moment in which nothing is refused: for what really happened."""
        return cls(state, "open", 0, datetime.min)


@dataclass(frozen=True, slots=True)
class Plan:
    """The known part of an answer and what to do with the whole."""

    known: Json = UNKNOWN
    sources: dict[str, Source] = field(default_factory=dict)
    """Pointer -> source; a pointer speaks for all below it that has none of its own."""
    seed_parts: tuple[Json, ...] = ()
    """What the answer's seed is derived from; hashed only where something must be written."""
    context: tuple[Json, ...] = ()
    """Stored documents the model should see."""
    settle: Callable[[Json], tuple[Change, ...]] = lambda content: ()
    """The finished answer -> the world's changes."""
    refusal: Refusal | None = None
