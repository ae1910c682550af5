"""gtm carg: make training data: tools, calls and responses, from definitions and recordings.

`run` does all stages, a stage's name that stage alone; `validate` checks what came out, `show`
prints rows for a person. A killed run goes on where it was (docs/carg.md).
"""

import argparse
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gtm.cli import options
from gtm.cli.terminal import Steps, say, show, show_json
from gtm.errors import ConfigError

if TYPE_CHECKING:
    from gtm.carg.folder import RunFolder
    from gtm.carg.teacher import Teacher
    from gtm.types import Json

STAGES = ("read", "sources", "tools", "calls", "responses", "check", "curate", "export", "card")

ABOUT = {
    "run": "all stages, each from where it was",
    "read": "read definitions, one line at a time",
    "sources": "drop duplicates, put tools and recordings together by family",
    "tools": "let a teacher propose tools where a domain has few",
    "calls": "plan calls and sessions; take over the recorded ones",
    "responses": "let the simulator answer them",
    "check": "look at every row by rules, mask what is private",
    "curate": "drop duplicates, balance, split",
    "export": "write JSONL, Parquet and Episodes as trainers read them",
    "card": "statistics, pictures and a data set card",
    "validate": "check the finished rows with a checker of its own",
    "show": "print rows for a person",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about in ABOUT.items():
        action = actions.add_parser(name, help=about, description=f"{about[:1].upper()}{about[1:]}.")
        action.add_argument(
            "--run", dest="folder", metavar="DIR", help="the run's folder (default: runs/ and the recipe's name)"
        )
        if name in ("run", *STAGES):
            action.add_argument("recipe", nargs="?", metavar="RECIPE", help="a TOML file; not needed to go on")
            action.add_argument("--data", metavar="DIR", help="what the recipe's catalogs lie in (default: GTM_DATA)")
            action.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: cores)")
            action.add_argument("--runner", choices=("local", "ray"), default="local", help="who does the work")
            action.add_argument("--teacher", metavar="MODEL", help="a model to ask what was never asked before")
            options.add_allow_exec(action)
            action.add_argument("--in-flight", type=int, default=32, help="sessions that ask it at a time")
        if name == "show":
            action.add_argument("--sample", type=int, default=20, metavar="N", help="how many rows (default: 20)")
            action.add_argument("--seed", type=int, default=0, help="another seed shows other rows")
            action.add_argument("--kind", help="only calls of this kind (ordinary, edge, wrong, session, ...)")
            action.add_argument("--origin", help="only answers of this origin (recorded, teacher, values, code, ...)")
            action.add_argument("--source", help="only of this collection")
        if name == "validate":
            action.add_argument("--json", action="store_true", help="print JSON")
        action.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if arguments.action == "show":
        return _show(arguments)
    if arguments.action == "validate":
        return _validate(arguments)
    return _stages(arguments)


def _stages(arguments: argparse.Namespace) -> int:
    from gtm.carg import pipeline
    from gtm.carg.runners import open_runner

    # Reading is the first half of `sources`, and never wanted alone.
    wanted = {"run": STAGES, "sources": ("read", "sources")}.get(arguments.action, (arguments.action,))
    folder = _folder(arguments)
    with _teacher(arguments) as teacher:
        runner = open_runner(arguments.runner, arguments.workers)
        try:
            manifests = pipeline.run(folder, wanted, runner, teacher=teacher, tell=Steps())
        finally:
            runner.close()
    show_json({"run": str(folder.path), **{name: _headline(manifest) for name, manifest in manifests.items()}})
    return 0


def _headline(manifest: "Json") -> "Json":
    """What a person reads of a manifest: totals, and how many were dropped; the file has the rest."""
    counts = manifest["counts"]
    dropped = sum(count for name, count in counts.items() if name.startswith(("dropped/", "left_out/")))
    return {**{name: count for name, count in counts.items() if "/" not in name}, "dropped": dropped}


def _folder(arguments: argparse.Namespace) -> "RunFolder":
    from gtm.carg import pipeline
    from gtm.carg.recipe import Recipe

    given = getattr(arguments, "recipe", None)
    recipe = Recipe.load(Path(given)) if given else None
    if arguments.folder is None and recipe is None:
        raise ConfigError("name the run's folder with --run, or give a RECIPE")
    path = Path(arguments.folder) if arguments.folder else Path("runs") / (recipe.name if recipe else "")
    where = getattr(arguments, "data", None) or os.environ.get("GTM_DATA")
    folder = pipeline.open_folder(
        path, recipe, data=Path(where) if where else None, base=Path(given).parent if given else None
    )
    return replace(folder, allow_exec=getattr(arguments, "allow_exec", False))


@contextmanager
def _teacher(arguments: argparse.Namespace) -> Iterator["Teacher"]:
    from gtm.carg.teacher import Teacher

    if arguments.teacher is None:
        yield Teacher.none()
        return
    import asyncio

    from gtm.engines.models import open_engine

    engine = open_engine(arguments.teacher)
    try:
        yield Teacher(engine, concurrency=arguments.in_flight)
    finally:
        asyncio.run(engine.aclose())


def _show(arguments: argparse.Namespace) -> int:
    from gtm.carg.show import sample_rows

    filters = {name: getattr(arguments, name) for name in ("kind", "origin", "source") if getattr(arguments, name)}
    for text in sample_rows(_folder(arguments), arguments.sample, arguments.seed, filters):
        show(text)
    return 0


def _validate(arguments: argparse.Namespace) -> int:
    from gtm.carg.validate import validate

    findings = validate(_folder(arguments))
    if arguments.json:
        show_json({"passed": findings.passed, "failed": findings.failed, "shown": findings.shown})
    else:
        for line in findings.lines():
            show(line)
    if not findings.fine:
        say("gtm: some rows do not hold")
    return 0 if findings.fine else 1
