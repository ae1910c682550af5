"""The pipeline: stages one after the other, each over its units, resumed where it was.

Knows nothing of what stages do. Invariant: a stage starts when the one before it is complete, and a folder follows
one recipe only.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import filterfalse
from pathlib import Path

from gtm.carg.calls import CallsStage
from gtm.carg.card import CardStage
from gtm.carg.check import CheckStage
from gtm.carg.curate import CurateStage
from gtm.carg.export import ExportStage
from gtm.carg.folder import RunFolder, appending, write_whole
from gtm.carg.read import ReadStage
from gtm.carg.recipe import Recipe
from gtm.carg.responses import ResponsesStage
from gtm.carg.runners import Runner
from gtm.carg.sources import SourcesStage
from gtm.carg.stage import Done, Stage, Unit
from gtm.carg.teacher import Teacher
from gtm.carg.tools import ToolsStage
from gtm.errors import RunError
from gtm.types import Json

STAGES: dict[str, Callable[[], Stage]] = {
    "read": ReadStage,
    "sources": SourcesStage,
    "tools": ToolsStage,
    "calls": CallsStage,
    "responses": ResponsesStage,
    "check": CheckStage,
    "curate": CurateStage,
    "export": ExportStage,
    "card": CardStage,
}
"""In their order."""

RECIPE = "recipe.json"

Tell = Callable[[str, int, int, int], None]
"""Progress: stage, units done, units in all, rows written."""


def open_folder(
    path: Path, recipe: Recipe | None = None, *, data: Path | None = None, base: Path | None = None
) -> RunFolder:
    """A run's folder, made where there is none.

    Args:
        path: the folder.
        recipe: what it must follow; None: what it follows already.
        data: what catalogs and recordings of the recipe are relative to.
        base: what the recipe's own files (a teacher's answers) are relative to.

    Raises:
        RunError: it follows another recipe, or none.
    """
    file = path / RECIPE
    if file.is_file():
        try:
            kept = Recipe.model_validate(json.loads(file.read_bytes())["recipe"])
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{str(file)!r} is damaged; delete the folder and start again") from None
        if recipe is not None and kept.digest != recipe.digest:
            raise RunError(
                f"{str(path)!r} follows another recipe: {_difference(kept, recipe)}; name another folder with --run, "
                "or delete this one"
            )
        return RunFolder(path, kept, data, base)
    if recipe is None:
        raise RunError(f"{str(path)!r} holds no run; start one with gtm carg run RECIPE --run {path}")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{str(path)!r} cannot be made ({error.strerror}); name another folder with --run") from None
    kept_as = {"digest": recipe.digest, "recipe": recipe.model_dump(mode="json")}
    write_whole(file, json.dumps(kept_as, indent=1).encode())
    return RunFolder(path, recipe, data, base)


def run(
    folder: RunFolder,
    stages: Sequence[str],
    runner: Runner,
    *,
    teacher: Teacher | None = None,
    tell: Tell = lambda stage, done, total, rows: None,
) -> dict[str, dict[str, Json]]:
    """Run stages in order, each from where it was; their manifests."""
    manifests = {}
    for name in stages:
        if folder.is_complete(name):
            manifests[name] = json.loads(folder.manifest(name).read_bytes())
            continue
        before = [stage for stage in STAGES if not folder.is_complete(stage)]
        if before[0] != name:
            raise RunError(f"the stage {name!r} needs the stage {before[0]!r} to be complete; run that first")
        manifests[name] = _run_stage(folder, STAGES[name](), runner, teacher or Teacher.none(), tell)
    return manifests


def _run_stage(folder: RunFolder, stage: Stage, runner: Runner, teacher: Teacher, tell: Tell) -> dict[str, Json]:
    with appending(folder, stage.name, stage.files) as appender:
        counts = stage.prepare(folder, teacher, lambda done, total: tell(f"{stage.name}: first", done, total, 0))
        total = sum(1 for _ in stage.units(folder))
        left = filterfalse(lambda unit: unit.name in appender.done, stage.units(folder))
        rows = 0
        tell(stage.name, len(appender.done), total, rows)
        for unit, done in runner.run(partial(_perform, stage.name, folder), left):
            appender.append(unit, done)
            rows += sum(map(len, done.rows.values()))
            tell(stage.name, len(appender.done), total, rows)
        if len(appender.done) != total:
            raise RunError(
                f"the stage {stage.name!r} has {len(appender.done)} units done of {total}: the files before it "
                f"changed; delete {str(folder.path)!r} and start again"
            )
        return appender.finish(counts)


def _perform(name: str, folder: RunFolder, unit: Unit) -> Done:
    return _stage(name).work(folder, unit)


@cache
def _stage(name: str) -> Stage:
    return STAGES[name]()


def _difference(kept: Recipe, given: Recipe) -> str:
    """The first key in which two recipes differ."""
    left, right = _flat(kept.model_dump(mode="json")), _flat(given.model_dump(mode="json"))
    for key in [*left, *right]:
        if left.get(key) != right.get(key):
            return f"{key} is {left.get(key)!r} there and {right.get(key)!r} here"
    return "it was made with another version of the prompt"


def _flat(value: Json, at: str = "") -> dict[str, Json]:
    if not isinstance(value, dict):
        return {at: value}
    return {k: v for name, part in value.items() for k, v in _flat(part, f"{at}.{name}" if at else name).items()}
