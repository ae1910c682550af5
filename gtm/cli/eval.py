"""gtm eval: measure how real simulated tools are, against recordings of real ones.

`run` fills a run's folder and can be stopped and started again; `report` makes its pages anew, `compare` puts runs
side by side, `gate` fails where a figure is too low.
"""

import argparse
import asyncio
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gtm.cli.terminal import Progress, say, show, show_json, table
from gtm.errors import ConfigError

if TYPE_CHECKING:
    from gtm.eval.report import Report

ALL = "all"
SUITES = ("format", "errors", "fidelity", "consistency", "determinism", "speed", "judge")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's own verbs."""
    verbs = parser.add_subparsers(dest="eval_verb", metavar="VERB", required=True)
    run = verbs.add_parser("run", help="measure", description="Measure candidates on suites.")
    run.add_argument("suites", nargs="+", metavar="SUITE", choices=(ALL, *SUITES), help=", ".join((ALL, *SUITES)))
    run.add_argument("--model", metavar="M", help="the simulator with this model (default: gtm-135m)")
    run.add_argument(
        "--candidate", action="append", default=[], metavar="C",
        help="beside it, or instead of it where no --model is named: simulator:M, sampler, nearest, free:M, "
        "emulator:M, mirror:M, always_success, always_error, random",
    )  # fmt: skip
    run.add_argument(
        "--limit", type=int, metavar="N", help="calls to score: whole sessions, evenly from the families"
    )
    run.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw and of the sessions (default: 0)")
    run.add_argument("--data", metavar="DIR", help="folder with calls/ and tools/ (default: $GTM_DATA)")
    run.add_argument(
        "--episodes", action="append", default=[], metavar="FILE",
        help="instead: a cassette of your own tools, as gtm record writes it; may be given again",
    )  # fmt: skip
    run.add_argument("--tools", metavar="FILE", help="the definitions that --episodes are recordings of")
    run.add_argument(
        "--run", dest="folder", metavar="DIR", help="the run's folder (default: runs/eval- and its digest)"
    )
    run.add_argument("--judge", action="append", default=[], metavar="M", help="a judging model; give two")
    run.add_argument("--json", action="store_true", help="print the results as JSON")
    report = verbs.add_parser("report", help="make the report of a run again", description="Make a report again.")
    report.add_argument("run_folder", metavar="RUN", help="a run's folder")
    report.add_argument("--json", action="store_true", help="print the results as JSON")
    compare = verbs.add_parser("compare", help="runs side by side", description="Paired differences between runs.")
    compare.add_argument("run_folders", nargs="+", metavar="RUN", help="runs' folders; the first is compared with")
    compare.add_argument("--json", action="store_true", help="print JSON")
    gate = verbs.add_parser("gate", help="fail where a figure is too low", description="Exit 1 below a bound.")
    gate.add_argument("run_folder", metavar="RUN", help="a run's folder")
    gate.add_argument("--min", action="append", default=[], metavar="METRIC=VALUE", help="a lower bound")
    gate.add_argument("--max", action="append", default=[], metavar="METRIC=VALUE", help="an upper bound")
    gate.add_argument("--candidate", metavar="C", help="whose figures (default: the run's first)")


def run(arguments: argparse.Namespace) -> int:
    """Run one of them."""
    return {"run": _run, "report": _report, "compare": _compare, "gate": _gate}[arguments.eval_verb](arguments)


def _run(arguments: argparse.Namespace) -> int:
    from gtm.eval.bench import Wanted, evaluate
    from gtm.eval.report import write_report

    data = arguments.data or (None if arguments.episodes else os.environ.get("GTM_DATA"))
    judged = bool(arguments.judge)
    suites = [name for name in SUITES if name in arguments.suites or (ALL in arguments.suites and name != "judge")]
    if ALL in arguments.suites and judged and "judge" not in suites:
        suites.append("judge")
    models = [arguments.model] if arguments.model or arguments.candidate else ["gtm-135m"]
    wanted = Wanted(
        suites=suites,
        candidates=[*(f"simulator:{model}" for model in models if model), *arguments.candidate],
        data=Path(data) if data else None,
        episodes=[Path(file) for file in arguments.episodes],
        tools=arguments.tools,
        limit=arguments.limit,
        seed=arguments.seed,
        judges=arguments.judge,
        folder=Path(arguments.folder) if arguments.folder else None,
    )
    progress = Progress()
    try:
        folder = asyncio.run(evaluate(wanted, lambda done, total: progress("evaluating", done, total)))
    finally:
        progress.close()
    return _shown(write_report(folder), folder, as_json=arguments.json)


def _report(arguments: argparse.Namespace) -> int:
    from gtm.eval.report import write_report

    folder = Path(arguments.run_folder)
    return _shown(write_report(folder), folder, as_json=arguments.json)


def _compare(arguments: argparse.Namespace) -> int:
    from gtm.eval.compare import compare, compared_rows

    differences = compare([Path(folder) for folder in arguments.run_folders])
    if arguments.json:
        show_json([asdict(one) for one in differences])
    else:
        show(table(("SUITE", "METRIC", "DIFFERENCE", "95 %", "P", "N", "WHO"), compared_rows(differences)))
    return 0


def _gate(arguments: argparse.Namespace) -> int:
    from gtm.eval.gate import check, read_bounds

    bounds = [*read_bounds(arguments.min, "min"), *read_bounds(arguments.max, "max")]
    if not bounds:
        raise ConfigError("a gate needs a bound: give --min METRIC=VALUE or --max METRIC=VALUE")
    failed = check(Path(arguments.run_folder), bounds, arguments.candidate)
    for line in failed:
        say(line)
    return 1 if failed else 0


def _shown(report: "Report", folder: Path, *, as_json: bool) -> int:
    from gtm.eval.report import context

    if as_json:
        show_json([one.model_dump(mode="json") for one in report.measured])
    else:
        headline = context(report)["headline"]
        rows = [
            (row["name"], label, f"{cell.value} {cell.interval}".strip(), str(cell.n))
            for row in headline["rows"]
            for label, cell in zip(headline["columns"], row["cells"], strict=True)
            if cell
        ]
        show(table(("CANDIDATE", "METRIC", "VALUE", "N"), rows))
    if report.exclusions:
        say(f"{len(report.exclusions)} units were left out; the report names them")
    say(f"report: {folder / 'report.html'}")
    return 0
