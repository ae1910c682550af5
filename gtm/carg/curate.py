"""The stage `curate`: which candidate rows are kept, decided over all families at once, and then each family's rows.

The decisions are one ordered pass in the first process (`prepare`): near-duplicates between splits, then caps, then
the share of errors, then exact duplicates. They are a function of the rows of `check` in their order, so neither
workers nor restarts change them, and they are kept in a file that processes read.
"""

from collections import Counter
from collections.abc import Iterator

from pydantic import Field, model_validator

from gtm.carg.balance import Cap, Index, select
from gtm.carg.folder import RunFolder
from gtm.carg.records import Row, parse_lines, to_line
from gtm.carg.stage import Done, Progress, Unit
from gtm.carg.teacher import Teacher
from gtm.types import Frozen, Json

INDEX = "curate.sqlite"


class CurateConfig(Frozen):
    """Its section of the recipe."""

    caps: tuple[Cap, ...] = ()
    """In order; each leaves at most so many rows of a group."""
    errors: tuple[float, float] = (0.12, 0.20)
    """The share of errors among rows; planned sessions go until it is met."""
    near: float = Field(default=0.8, ge=0, le=1)
    """From this similarity on a row of `train` is too near to one of `dev` or `test`; 0 looks for none."""
    evaluation: tuple[str, ...] = ()
    """JSONL files whose texts and calls no row may share, beside the recipe."""
    judge: str = ""
    """The model that looks at what a teacher wrote; none where empty."""

    @model_validator(mode="after")
    def _is_range(self) -> "CurateConfig":
        if not 0 <= self.errors[0] < self.errors[1] <= 1:
            raise ValueError("errors are two shares, the smaller first, as in [0.12, 0.20]")
        return self


class CurateStage:
    """The rows of the data set."""

    name = "curate"
    files: tuple[str, ...] = ("curate",)

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Decide; a decision that is there is kept."""
        path = folder.path / INDEX
        if not path.is_file():
            select(folder, path, tell)
        with Index(path) as index:
            return index.summary()

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """Families."""
        return (unit for unit in folder.units_of("check", "checked") if unit.spans)

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """A family's rows as decided, those of a session that lost some numbered anew."""
        done = Done()
        lines = folder.read("checked", unit.spans["checked"]).splitlines(keepends=True)
        with Index(folder.path / INDEX) as index:
            decided = index.decided(unit.name)
        for line, one in zip(lines, decided, strict=True):
            if one.dropped:
                done.counts[f"dropped/{one.dropped}/{one.origin}"] += 1
                continue
            done.add("curate", to_line(_changed(line, one.step, one.steps, one.repeat)) if one.changed else line)
            _count(done.counts, one.labels, one.repeat)
        return done


def _changed(line: bytes, step: int, steps: int, repeat: bool) -> Row:
    [row] = parse_lines(Row, line)
    return row.model_copy(update={"id": f"{row.session}/{step}", "step": step, "steps": steps, "repeat": repeat})


def _count(counts: Counter[str], labels: dict[str, str], repeat: bool) -> None:
    if repeat:
        counts["repeats"] += 1
        return
    counts["rows"] += 1
    counts.update(f"{name}/{value}" for name, value in labels.items())
