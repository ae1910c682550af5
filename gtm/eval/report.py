"""A run's report: `results.json` for programs, `report.md` and one self-contained `report.html` for people.

Made from the run's folder alone, so it can be made again without measuring again. Two runs of the same thing give the
same bytes, but for speeds.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gtm.errors import ConfigError
from gtm.eval import plots
from gtm.eval.folder import Exclusion, RunConfig, check_scores, read_run, write_whole
from gtm.eval.items import DOCUMENTED
from gtm.eval.records import Measured, Score
from gtm.eval.statistics import measure
from gtm.eval.suites.speed import IN_FLIGHT, real_latencies
from gtm.eval.worst import worst_cases
from gtm.types import Json

RESULTS = "results.json"

HEADLINE = (
    ("format", "result_valid", "valid results"),
    ("format", "raw_valid", "valid raw"),
    ("errors", "recall", "error recall"),
    ("errors", "false_errors", "false errors"),
    ("fidelity", "structure_f1", "structure F1"),
    ("fidelity", "grounded_recall", "grounded recall"),
    ("fidelity", "grounded_precision", "grounded precision"),
    ("fidelity", "diff_iou", "diff IoU"),
    ("consistency", "contradictions_per_step", "contradictions a step"),
    ("determinism", "same_process", "same in another process"),
    ("speed", "calls_per_second_8", "calls/s at 8"),
    ("judge", "judge_mean", "judges (1-5)"),
)
"""Suite, metric, column: what a reader should see first."""

MAX_DOMAINS = 12
"""In the plot: more bars are no longer read."""

WORST = 20
DIFF_LINES = 60
"""Of a worst case; a longer answer is cut, and says so."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    value: str
    interval: str
    n: int


@dataclass(frozen=True)
class Report:
    """A run, read and summed up."""

    config: RunConfig
    scores: Sequence[Score]
    exclusions: Sequence[Exclusion]
    measured: Sequence[Measured]

    @classmethod
    def read(cls, path: Path) -> "Report":
        """Raises RunError where there is nothing to report on."""
        config, scores, exclusions = read_run(path)
        check_scores(scores, path)
        return cls(config, scores, exclusions, measure(scores, seed=config.seed))

    def find(self, candidate: str, suite: str, metric: str, slice: str = "") -> Measured | None:
        """One cell."""
        return self._by_name.get((candidate, suite, metric, slice))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str, str], Measured]:
        return {(m.candidate, m.suite, m.metric, m.slice): m for m in self.measured}


def write_report(path: Path, excluded: Mapping[str, str] | None = None) -> Report:
    """Write the three files into the run's folder; `excluded` are items that were never in the run."""
    report = Report.read(path)
    results = {
        "format": "gtm-eval-results-1",
        "config": report.config.model_dump(mode="json"),
        "measured": [one.model_dump(mode="json") for one in report.measured],
        "excluded": [one.model_dump(mode="json") for one in report.exclusions],
    }
    write_whole(path / RESULTS, json.dumps(results, indent=1) + "\n")
    page = context(report)
    write_whole(path / "report.md", _rendered("report.md.j2", page))
    write_whole(path / "report.html", _rendered("report.html.j2", page))
    return report


def context(report: Report) -> dict[str, Any]:
    """What the templates show."""
    names = report.config.candidates
    columns = [(suite, metric, label) for suite, metric, label in HEADLINE if _any(report, suite, metric)]
    reasons: dict[str, list[str]] = {}
    for one in report.exclusions:
        reasons.setdefault(one.reason, []).append(f"{one.suite} {one.candidate} {one.unit}")
    config = report.config
    found = worst_cases(report.scores, names[0], WORST)
    return {
        "title": "How real is it?",
        "about": f"{_measured_on(report)}; {len(names)} candidates, seed {config.seed}, GTM {config.version}.",
        "headline": {
            "columns": [label for _, _, label in columns],
            "rows": [
                {"name": name, "cells": [_cell(report.find(name, suite, metric)) for suite, metric, _ in columns]}
                for name in names
            ],
        },
        "published": published(),
        "plots": [one for one in (_drift(report), _errors(report), _domains(report), _latency(report)) if one],
        "tables": [_table(report, suite) for suite in config.suites],
        "real": real_latencies(),
        "worst": [_case(score, found.metric) for score in found.every],
        "worst_of_slices": [
            {"name": name, "cases": [f"{s.values[found.metric]:.3f} {s.item}, step {s.step}" for s in listed]}
            for name, listed in found.by_slice.items()
        ],
        "exclusions": report.exclusions,
        "exclusions_by_reason": sorted(reasons.items()),
    }


def _measured_on(report: Report) -> str:
    """Which recordings, of how many families; documented examples are said apart, since nobody called there."""
    sources: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for score in report.scores:
        if "source" in score.slices:
            sources[score.slices["source"] == DOCUMENTED].add((score.item, score.family))
    parts = [
        f"{len(found)} {what} of {len({family for _, family in found})} API families"
        for found, what in ((sources[False], "recorded sessions"), (sources[True], "documented calls"))
        if found
    ]
    return f"{' and '.join(parts) or 'no recordings'} ({' and '.join(report.config.splits)})"


def published() -> list[dict[str, str]]:
    """Figures of others, on other data."""
    value: list[dict[str, str]] = json.loads((Path(__file__).parent / "published.json").read_text(encoding="utf-8"))
    return value


def drift_of(scores: Iterable[Score], candidate: str) -> list[tuple[int, float]]:
    """Contradictions a step by the step's number, over all sessions."""
    steps: dict[int, int] = {}
    found: dict[int, int] = {}
    for score in scores:
        if score.suite == "consistency" and score.candidate == candidate:
            for name, count in score.counts.items():
                word, _, number = name.partition("@")
                if number:
                    held = steps if word == "steps" else found
                    held[int(number)] = held.get(int(number), 0) + count
    return [(k, found.get(k, 0) / steps[k]) for k in sorted(steps)]


def number(value: float) -> str:
    """A figure as a table shows it."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"


def side_by_side(left: Json, right: Json) -> list[dict[str, Json]]:
    """Two JSON values line by line, what differs marked."""
    before, after = _lines(left), _lines(right)
    rows: list[dict[str, Json]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for index in range(max(b - a, d - c)):
            one = before[a + index] if a + index < b else None
            other = after[c + index] if c + index < d else None
            rows.append({"left": one, "right": other, "changed": kind != "equal"})
    if len(rows) > DIFF_LINES:
        more = f"… {len(rows) - DIFF_LINES} more lines"
        rows = [*rows[:DIFF_LINES], {"left": more, "right": more, "changed": False}]
    return rows


def _lines(value: Json) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
    return [line[:500] for line in text.splitlines()[: 5 * DIFF_LINES]]


def _any(report: Report, suite: str, metric: str) -> bool:
    return any(report.find(name, suite, metric) for name in report.config.candidates)


def _cell(found: Measured | None) -> Cell | None:
    if found is None:
        return None
    same = found.low == found.high == found.value
    return Cell(number(found.value), "" if same else f"[{number(found.low)}, {number(found.high)}]", found.n)


def _table(report: Report, suite: str) -> dict[str, Any]:
    names = report.config.candidates
    metrics = dict.fromkeys(m.metric for m in report.measured if m.suite == suite and not m.slice)
    rows = [
        {"name": metric, "cells": [_cell(report.find(name, suite, metric)) for name in names]} for metric in metrics
    ]
    return {"title": suite, "columns": names, "rows": rows}


def _plot(name: str, title: str, about: str, svg: str) -> dict[str, str]:
    return {"id": name, "title": title, "about": about, "svg": svg}


def _drift(report: Report) -> dict[str, str] | None:
    curves = {name: curve for name in report.config.candidates if (curve := drift_of(report.scores, name))}
    if not curves:
        return None
    about = (
        "A scripted agent makes, reads, changes, lists and deletes things; an oracle that sees the answers only says "
        "when one contradicts an earlier one."
    )
    return _plot("drift", "Does it contradict itself?", about, plots.drift(curves))


def _errors(report: Report) -> dict[str, str] | None:
    points = {}
    for name in report.config.candidates:
        false, recall = (report.find(name, "errors", metric) for metric in ("false_errors", "recall"))
        if false and recall:
            points[name] = ((false.value, false.low, false.high), (recall.value, recall.low, recall.high))
    if not points:
        return None
    about = (
        "A tool that always fails finds every error, one that never fails has no false ones: only both together "
        "count. Chance lies on the dotted line."
    )
    return _plot("errors", "Does it refuse what it should, and only that?", about, plots.errors(points))


def _domains(report: Report) -> dict[str, str] | None:
    metric = "structure_f1"
    wanted = [
        m for m in report.measured if m.suite == "fidelity" and m.metric == metric and m.slice.startswith("domain=")
    ]
    groups: dict[str, dict[str, plots.Point]] = {}
    for one in sorted(wanted, key=lambda m: (-m.n, m.slice)):
        name = one.slice.partition("=")[2]
        if name in groups or len(groups) < MAX_DOMAINS:
            groups.setdefault(name, {})[one.candidate] = (one.value, one.low, one.high)
    if not groups:
        return None
    about = (
        "Structure F1: typed paths of the recorded answer that the prediction has, and the other way round. The "
        f"domains with most recordings, at most {MAX_DOMAINS}; results.json has all."
    )
    names = [name for name in report.config.candidates if any(name in values for values in groups.values())]
    return _plot("domains", "Fidelity by domain", about, plots.bars(groups, names, "structure F1"))


def _latency(report: Report) -> dict[str, str] | None:
    series: dict[str, list[tuple[float, float, float]]] = {}
    for name in report.config.candidates:
        for k in IN_FLIGHT:
            found = [report.find(name, "speed", f"{what}_{k}") for what in ("calls_per_second", "p50_ms", "p95_ms")]
            if all(found):
                rate, p50, p95 = (one.value for one in found if one)
                series.setdefault(name, []).append((rate, p50, p95))
    if not series:
        return None
    known = real_latencies()
    local = [time for row in known["measured"] for time in (row["p50_ms"], row["p95_ms"])]
    real = [("local MCP servers, measured", min(local), max(local))]
    real += [(f"{row['name']}, assumed", row["p50_ms"], row["p95_ms"]) for row in known["assumed"]]
    about = "Calls a second and latency at 1, 8 and 32 calls in flight; bands are real tools, measured or assumed."
    return _plot("speed", "Is it quick enough?", about, plots.latency(series, real))


def _case(score: Score, metric: str) -> dict[str, Any]:
    show = score.show if isinstance(score.show, dict) else {}
    return {
        "value": number(score.values[metric]),
        "metric": metric,
        "candidate": score.candidate,
        "item": score.item,
        "step": score.step,
        "call": json.dumps(show.get("call"), indent=1, ensure_ascii=False)[:3000],
        "lines": side_by_side(show.get("true"), show.get("answer")),
    }


def _rendered(template: str, page: Mapping[str, Any]) -> str:
    try:
        import jinja2
    except ImportError:
        raise ConfigError("reports need matplotlib and jinja2; run pip install 'gtm-sim[eval]'") from None
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=template.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(page)
