"""Put runs of `gtm eval run` into one table of models: docs/results.json and docs/results.md.

    eval_table.py --full RUN... --sample RUN... --out DIR [--label MODEL=NAME]

`--full`: runs over all items. `--sample`: runs of costly candidates over a part of them (`--limit`, same data and
seed); every candidate of the full runs is shown on that part too, from the same answers. `--label` names a model that
is a path. Nothing is measured here. Prints what was written, as JSON.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gtm.errors import GtmError, RunError
from gtm.eval.folder import RunConfig, read_config, read_run
from gtm.eval.items import DOCUMENTED
from gtm.eval.records import Measured, Score
from gtm.eval.report import HEADLINE, number, published
from gtm.eval.statistics import Difference, differences, measure
from gtm.types import Json

LADDER = ("simulator:scripted", "simulator:gtm-135m")
"""What the simulator is without a model, and with the embedded one."""

ADDED = ("structure_f1", "grounded_recall", "grounded_precision", "free_similarity", "match", "diff_iou", "right")


@dataclass(frozen=True)
class Part:
    """Some items and all candidates that were scored on them."""

    title: str
    limit: int | None
    seed: int
    scores: Sequence[Score]

    def about(self) -> dict[str, Json]:
        """How much it is."""
        items = {(one.item, one.step, one.family) for one in self.scores if "source" in one.slices and one.step >= 0}
        sources = {one.item: one.slices["source"] for one in self.scores if "source" in one.slices}
        return {
            "calls": len({(item, step) for item, step, _ in items}),
            "items": len(sources),
            "sessions": sum(source != DOCUMENTED for source in sources.values()),
            "families": len({family for _, _, family in items}),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", type=Path, nargs="+", required=True, metavar="RUN")
    parser.add_argument("--sample", type=Path, nargs="+", default=[], metavar="RUN")
    parser.add_argument("--label", action="append", default=[], metavar="MODEL=NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    try:
        labels = read_labels(options.label)
        parts = read_parts(options.full, options.sample, labels)
    except GtmError as error:
        print(error, file=sys.stderr)
        return 2
    figures = [[one for one in measure(part.scores, seed=part.seed) if not one.slice] for part in parts]
    results = {
        "format": "gtm-results-1",
        "parts": [
            {
                "title": part.title,
                "limit": part.limit,
                "seed": part.seed,
                **part.about(),
                "measured": [one.model_dump(mode="json", exclude={"slice"}) for one in found],
            }
            for part, found in zip(parts, figures, strict=True)
        ],
        "added_by_the_model": [asdict(one) for one in added(parts[0])],
        "published": published(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (options.out / "results.md").write_text(page(parts, figures, options), encoding="utf-8")
    print(json.dumps({part.title: part.about() for part in parts}))
    return 0


def read_parts(full: Sequence[Path], sample: Sequence[Path], labels: Mapping[str, str]) -> list[Part]:
    """All items, then the part that costly candidates were measured on. Raises RunError."""
    config, scores = read_all(full, labels)
    title = "all items" if config.limit is None else f"sample-{config.limit}"
    parts = [Part(title, config.limit, config.seed, scores)]
    if sample:
        small, found = read_all(sample, labels)
        if alike(small) != alike(config):
            raise RunError("the runs of --sample and of --full are of other data, another seed or another version")
        items = {one.item for one in found}
        suites = {one.suite for one in found}
        theirs = {one.candidate for one in found}
        shared = [s for s in scores if s.item in items and s.suite in suites and s.candidate not in theirs]
        parts.append(Part(f"sample-{small.limit}", small.limit, small.seed, [*shared, *found]))
    return parts


def read_all(paths: Iterable[Path], labels: Mapping[str, str]) -> tuple[RunConfig, list[Score]]:
    """The scores of runs of the same items. Raises RunError."""
    first: RunConfig | None = None
    scores: list[Score] = []
    seen: set[tuple[str, str]] = set()
    for path in paths:
        config, found, _ = read_run(path)
        first = first or config
        if (alike(config), config.limit) != (alike(first), first.limit):
            raise RunError(f"{str(path)!r} is of other data, another limit, seed or version than the first run")
        if "own" in config.splits:
            raise RunError(f"{str(path)!r} is of somebody's own recordings; the table is of the published data")
        names = dict(zip(config.candidates, shown(config.candidates, labels), strict=True))
        for name in names.values():
            for suite in config.suites:
                if (name, suite) in seen:
                    raise RunError(
                        f"{name!r} was measured on {suite!r} twice, in {str(path)!r} again; give one of them"
                    )
                seen.add((name, suite))
        scores += [score.model_copy(update={"candidate": names[score.candidate]}) for score in found]
    assert first is not None
    return first, scores


def alike(config: RunConfig) -> tuple[str, ...]:
    """What runs of one table have in common."""
    return (config.data, str(config.seed), *config.splits, config.version, config.prompt_version)


def read_labels(given: Sequence[str]) -> dict[str, str]:
    """Model -> how it is shown. Raises RunError."""
    pairs = [label.rpartition("=") for label in given]
    if not all(model and name for model, _, name in pairs):
        raise RunError("--label takes MODEL=NAME")
    return {model: name for model, _, name in pairs}


def added(part: Part) -> list[Difference]:
    """How much higher the embedded model is than the same simulator without one, on the same steps."""
    return [one for one in differences(part.scores, LADDER[1], LADDER[0], seed=part.seed) if not one.slice]


def page(parts: Sequence[Part], figures: Sequence[Sequence[Measured]], options: argparse.Namespace) -> str:
    """The page for people."""
    lines = ["# Results", ""]
    lines += ["What each figure means: [eval.md](eval.md). Every API family counts the same; brackets hold 95 %"]
    lines += ["intervals from resampling families. All numbers: `results.json`, for each candidate and suite with n."]
    for part, found in zip(parts, figures, strict=True):
        about = part.about()
        lines += ["", f"## {part.title}", ""]
        lines.append(
            f"{about['calls']:,} scored calls in {about['items']:,} items ({about['sessions']:,} recorded sessions, "
            f"the rest documented calls) of {about['families']} API families that no model of ours is trained on."
        )
        lines += ["", *table(found)]
    lines += ["", "Of others, on other data, by their own measures; they cannot be compared:", ""]
    lines += [f"- {row['name']}: {row['said']}" for row in published()]
    gains = [one for one in added(parts[0]) if one.metric in ADDED]
    if gains:
        lines += ["", "## What the model adds", ""]
        lines += [f"`{LADDER[1]}` minus `{LADDER[0]}`, the same steps, paired by family.", ""]
        lines += ["| metric | difference | p | n |", "|---|---:|---:|---:|"]
        for one in gains:
            lines.append(
                f"| {one.metric} | {one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}] | {one.p:.3f} | {one.n} |"
            )
    limits = {part.title: "" if part.limit is None else f" --limit {part.limit}" for part in parts}
    lines += ["", "## Commands", "", "```sh"]
    for part, paths in zip(parts, (options.full, options.sample), strict=False):
        for path in paths:
            config = read_config(path)
            names = " ".join(f"--candidate {name}" for name in shown(config.candidates, read_labels(options.label)))
            lines.append(f"gtm eval run {' '.join(config.suites)} {names}{limits[part.title]} --data DIR")
    lines += ["python recipes/eval_table.py --full RUN... --sample RUN... --out docs", "```", ""]
    return "\n".join(lines)


def shown(candidates: Iterable[str], labels: Mapping[str, str]) -> list[str]:
    """Candidates as a reader can name them."""
    parts = [name.partition(":") for name in candidates]
    return [f"{kind}{colon}{labels.get(model, model)}" for kind, colon, model in parts]


def table(found: Sequence[Measured]) -> list[str]:
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
