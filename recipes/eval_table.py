"""Put runs of `gtm eval run` into one table of models: docs/results.json and docs/results.md.

    eval_table.py --full RUN... --sample RUN... --out DIR [--earlier DIR/results.json] [--label MODEL=NAME]

`--full`: runs over all items. `--sample`: runs of costly candidates over a part of them (`--limit`, same data and
seed); every candidate of the full runs is shown on that part too, from the same answers. `--earlier`: a table of the
same data, seed and version, whose other candidates keep their rows where their runs are gone. `--label` names a model
that is a path. Nothing is measured here. Prints what was written, as JSON.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from gtm.errors import GtmError, RunError
from gtm.eval.folder import RunConfig, read_run
from gtm.eval.items import DOCUMENTED
from gtm.eval.records import Measured, Score
from gtm.eval.report import HEADLINE, number, published
from gtm.eval.statistics import Difference, differences, measure
from gtm.types import Frozen

LADDER = ("simulator:scripted", "simulator:gtm-135m")
"""What the simulator is without a model, and with the embedded one."""

ADDED = ("structure_f1", "grounded_recall", "grounded_precision", "free_similarity", "match", "diff_iou", "right")


class Part(Frozen):
    """Some items, and what was measured of each candidate on them."""

    title: str
    shared: tuple[str, ...]
    """Data, seed, splits and versions: what all rows have in common."""
    calls: int
    items: int
    sessions: int
    families: int
    commands: tuple[str, ...]
    measured: tuple[Measured, ...]


class Table(Frozen):
    """`results.json`."""

    format: Literal["gtm-results-2"] = "gtm-results-2"
    parts: tuple[Part, ...]
    added_by_the_model: tuple[Difference, ...]
    published: tuple[dict[str, str], ...]


@dataclass
class Runs:
    """Runs over the same items."""

    config: RunConfig
    scores: list[Score] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """How the items are called."""
        return "all items" if self.config.limit is None else f"sample-{self.config.limit}"

    @property
    def shared(self) -> tuple[str, ...]:
        """What runs of one table have in common."""
        config = self.config
        return (config.data, str(config.seed), *config.splits, config.version, config.prompt_version)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", type=Path, nargs="+", default=[], metavar="RUN")
    parser.add_argument("--sample", type=Path, nargs="+", default=[], metavar="RUN")
    parser.add_argument("--earlier", type=Path, metavar="FILE")
    parser.add_argument("--label", action="append", default=[], metavar="MODEL=NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    if not (options.full or options.sample):
        parser.error("give runs: --full, --sample or both")
    try:
        labels = read_labels(options.label)
        full = read_all(options.full, labels) if options.full else None
        sample = read_all(options.sample, labels) if options.sample else None
        if full and sample:
            sample = widened(sample, full)
        table = table_of([runs for runs in (full, sample) if runs])
        if options.earlier:
            table = completed(table, read_table(options.earlier))
    except GtmError as error:
        print(error, file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(table.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (options.out / "results.md").write_text(page(table), encoding="utf-8")
    print(json.dumps({part.title: part.model_dump(include={*COUNTS}) for part in table.parts}))
    return 0


COUNTS = ("calls", "items", "sessions", "families")


def read_labels(given: Sequence[str]) -> dict[str, str]:
    """Model -> how it is shown. Raises RunError."""
    pairs = [label.rpartition("=") for label in given]
    if not all(model and name for model, _, name in pairs):
        raise RunError("--label takes MODEL=NAME")
    return {model: name for model, _, name in pairs}


def read_all(paths: Sequence[Path], labels: Mapping[str, str]) -> Runs:
    """Finished runs of the same items. Raises RunError."""
    runs: Runs | None = None
    measured: dict[tuple[str, str], set[str]] = {}
    for path in paths:
        config, scores, excluded = read_run(path)
        runs = runs or Runs(config)
        if (Runs(config).shared, config.limit) != (runs.shared, runs.config.limit):
            raise RunError(f"{str(path)!r} is of other data, another limit, seed or version than the first run")
        if "own" in config.splits:
            raise RunError(f"{str(path)!r} is of somebody's own recordings; the table is of the published data")
        names = {name: shown(name, labels) for name in config.candidates}
        for suite in config.suites:
            for name in config.candidates:
                if (names[name], suite) in measured:
                    raise RunError(
                        f"{names[name]!r} was measured on {suite!r} twice, in {str(path)!r} again; give one"
                    )
                units = {one.item for one in scores if (one.suite, one.candidate) == (suite, name)}
                units |= {one.unit for one in excluded if (one.suite, one.candidate) == (suite, name)}
                measured[names[name], suite] = units
                other = next(units for (_, of), units in measured.items() if of == suite)
                if units != other:
                    raise RunError(
                        f"{names[name]!r} has {len(units)} items of {suite!r}, another {len(other)}: go on"
                    )
        runs.scores += [score.model_copy(update={"candidate": names[score.candidate]}) for score in scores]
        limit = "" if config.limit is None else f" --limit {config.limit}"
        wanted = " ".join(f"--candidate {name}" for name in names.values())
        runs.commands.append(f"gtm eval run {' '.join(config.suites)} {wanted}{limit} --data DIR")
    assert runs is not None
    return runs


def widened(sample: Runs, full: Runs) -> Runs:
    """The sample with the answers that the candidates of the full runs gave there. Raises RunError."""
    if sample.shared != full.shared:
        raise RunError("the runs of --sample and of --full are of other data, another seed or another version")
    items, suites, theirs = ({getattr(one, of) for one in sample.scores} for of in ("item", "suite", "candidate"))
    found = [s for s in full.scores if s.item in items and s.suite in suites and s.candidate not in theirs]
    return Runs(sample.config, [*found, *sample.scores], sample.commands)


def table_of(every: Sequence[Runs]) -> Table:
    """The figures of runs; what the model adds, on the first of them that have both."""
    parts: list[Part] = []
    for runs in every:
        items = {(one.item, one.step, one.family) for one in runs.scores if "source" in one.slices and one.step >= 0}
        sources = {one.item: one.slices["source"] for one in runs.scores if "source" in one.slices}
        parts.append(
            Part(
                title=runs.title,
                shared=runs.shared,
                calls=len({(item, step) for item, step, _ in items}),
                items=len(sources),
                sessions=sum(source != DOCUMENTED for source in sources.values()),
                families=len({family for _, _, family in items}),
                commands=tuple(runs.commands),
                measured=tuple(one for one in measure(runs.scores, seed=runs.config.seed) if not one.slice),
            )
        )
    both = next((runs for runs in every if {*LADDER} <= {one.candidate for one in runs.scores}), every[0])
    gains = differences(both.scores, LADDER[1], LADDER[0], seed=both.config.seed)
    return Table(
        parts=tuple(parts),
        added_by_the_model=tuple(one for one in gains if not one.slice),
        published=tuple(published()),
    )


def read_table(path: Path) -> Table:
    """A `results.json`. Raises RunError."""
    try:
        return Table.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError(f"{str(path)!r} is no table of this recipe: {str(error).splitlines()[0]}") from None


def completed(table: Table, earlier: Table) -> Table:
    """A table with the rows of an earlier one that it has none of. Raises RunError."""
    parts = {part.title: part for part in earlier.parts}
    for part in table.parts:
        before = parts.get(part.title, part)
        if [getattr(before, name) for name in ("shared", *COUNTS)] != [
            getattr(part, name) for name in ("shared", *COUNTS)
        ]:
            raise RunError(f"the earlier {part.title!r} is of other data, another seed or another version")
        names = {one.candidate for one in part.measured}
        kept = tuple(one for one in before.measured if one.candidate not in names)
        commands = tuple(dict.fromkeys((*before.commands, *part.commands)))
        parts[part.title] = part.model_copy(update={"measured": (*kept, *part.measured), "commands": commands})
    gains = table.added_by_the_model or earlier.added_by_the_model
    return table.model_copy(update={"parts": tuple(parts.values()), "added_by_the_model": gains})


def page(table: Table) -> str:
    """The page for people."""
    lines = ["# Results", ""]
    lines += ["What each figure means: [eval.md](eval.md). Every API family counts the same; brackets hold 95 %"]
    lines += ["intervals from resampling families. All numbers: `results.json`, for each candidate and suite with n."]
    for part in table.parts:
        lines += ["", f"## {part.title}", ""]
        lines.append(
            f"{part.calls:,} scored calls in {part.items:,} items ({part.sessions:,} recorded sessions, "
            f"the rest documented calls) of {part.families} API families that no model of ours is trained on."
        )
        lines += ["", *rows_of(part.measured)]
    lines += ["", "Of others, on other data, by their own measures; they cannot be compared:", ""]
    lines += [f"- {row['name']}: {row['said']}" for row in table.published]
    gains = [one for one in table.added_by_the_model if one.metric in ADDED]
    if gains:
        lines += ["", "## What the model adds", ""]
        lines += [f"`{LADDER[1]}` minus `{LADDER[0]}`, the same steps, paired by family.", ""]
        lines += ["| metric | difference | p | n |", "|---|---:|---:|---:|"]
        for one in gains:
            lines.append(
                f"| {one.metric} | {one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}] | {one.p:.3f} | {one.n} |"
            )
    lines += ["", "## Commands", "", "```sh", *(command for part in table.parts for command in part.commands)]
    lines += ["python recipes/eval_table.py --full RUN... --sample RUN... --out docs", "```", ""]
    return "\n".join(lines)


def shown(candidate: str, labels: Mapping[str, str]) -> str:
    """A candidate as a reader can name it."""
    kind, colon, model = candidate.partition(":")
    return f"{kind}{colon}{labels.get(model, model)}"


def rows_of(found: Sequence[Measured]) -> list[str]:
    """The headline figures, one row a candidate."""
    cells: dict[tuple[str, str, str], Measured] = {(one.candidate, one.suite, one.metric): one for one in found}
    columns = [
        (suite, metric, label)
        for suite, metric, label in HEADLINE
        if any((suite, metric) == (s, m) for _, s, m in cells)
    ]
    rows = [f"| candidate | {' | '.join(label for _, _, label in columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name in sorted({one.candidate for one in found}, key=rank):
        shown = [cells.get((name, suite, metric)) for suite, metric, _ in columns]
        rows.append(f"| {name} | {' | '.join(map(cell, shown))} |")
    return rows


def rank(candidate: str) -> tuple[int, str]:
    """Ours first, floors last."""
    kinds = ("simulator", "nearest", "free", "mirror", "emulator")
    kind = candidate.partition(":")[0]
    return (kinds.index(kind) if kind in kinds else len(kinds), candidate)


def cell(one: Measured | None) -> str:
    """A value, its interval and its n."""
    if one is None:
        return "–"
    same = one.low == one.high == one.value
    return f"{number(one.value)}{'' if same else f' [{number(one.low)}, {number(one.high)}]'} n={one.n}"


if __name__ == "__main__":
    sys.exit(main())
