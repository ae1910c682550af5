"""What a stage of the pipeline is: units of work that can be done in any process, in any order.

Invariant: a unit's rows are a function of the recipe, the unit and the files of earlier stages; so the rows of a
stage do not depend on the runner, the number of workers, or how often the run was killed and resumed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gtm.types import Json

if TYPE_CHECKING:
    from gtm.carg.folder import RunFolder
    from gtm.carg.teacher import Teacher

Progress = Callable[[int, int], None]
"""Parts done, parts in all."""

Span = tuple[int, int]
"""First byte and the byte after the last, of a file of rows."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of a stage's work, small enough to be lost with a killed process."""

    name: str
    """Unique in its stage; of most stages the family."""
    spans: dict[str, Span] = field(default_factory=dict)
    """File of rows -> the part of it that this unit reads."""
    given: Json = None
    """What else it is told; must be picklable."""


@dataclass(slots=True)
class Done:
    """What came of a unit."""

    rows: dict[str, list[bytes]] = field(default_factory=dict)
    """File of rows -> lines, each with its line end."""
    counts: Counter[str] = field(default_factory=Counter)
    """What the stage's manifest sums up: rows by kind, what was dropped and why (`dropped/REASON`)."""

    def add(self, file: str, line: bytes) -> None:
        """One more row."""
        self.rows.setdefault(file, []).append(line)


class Stage(Protocol):
    """One stage. An instance is made from nothing and keeps nothing between units."""

    name: str
    files: tuple[str, ...]
    """The files of rows it writes, without their ending."""

    def prepare(self, folder: "RunFolder", teacher: "Teacher", tell: Progress) -> dict[str, Json]:
        """What is done once, in the first process, before any unit (indices, a teacher's answers).

        Done again where a run is resumed, so it must cost little the second time. What it gives joins the manifest.
        """

    def units(self, folder: "RunFolder") -> Iterator[Unit]:
        """All units in order; cheap, for it is walked again where a run is resumed."""

    def work(self, folder: "RunFolder", unit: Unit) -> Done:
        """Do one unit, in any process. An exception ends the run; what is wrong with a record is counted instead."""
