"""Reports, gates and comparisons of a run; the page is looked at in a real browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from gtm.cli.main import main
from gtm.errors import RunError
from gtm.eval.compare import compare
from gtm.eval.folder import Folder, Line, RunConfig
from gtm.eval.gate import check, read_bounds
from gtm.eval.records import Score, SuiteName
from gtm.eval.report import Report, drift_of, number, side_by_side, write_report
from gtm.types import Json

NAMES = ("simulator:gtm-135m", "simulator:scripted", "nearest", "free:gtm-135m", "always_error")
CONFIG = RunConfig(
    suites=("format", "errors", "fidelity", "consistency", "determinism", "speed"),
    candidates=NAMES,
    data="made",
    prompt_version="1",
    version="0",
)
DOMAINS = ("animals", "clouds & <b>storage</b>", "payments", "maps", "mail")
LEVEL = dict(zip(NAMES, (0.8, 0.6, 0.7, 0.4, 0.0), strict=True))


def score(suite: SuiteName, candidate: str, number: int, values: dict[str, float], show: Json = None) -> Score:
    domain = DOMAINS[number % len(DOMAINS)]
    return Score(
        suite=suite,
        candidate=candidate,
        item=f"session-{number}",
        family=f"family-{number % 7}",
        step=number % 3,
        slices={"domain": domain, "effect": "read" if number % 2 else "create"},
        values=values,
        show=show,
    )


def scores_of(suite: SuiteName, name: str) -> list[Score]:
    level = LEVEL[name]
    spread = [level * (1 - 0.05 * (number % 5)) for number in range(30)]
    if suite == "fidelity":
        true = {"id": 1, "name": "Rex", "address": {"street": "Hauptstraße 1", "city": "Bern"}, "tags": ["a", "b"]}
        given = {"id": 1, "name": "Rex", "address": {"street": "<script>alert(1)</script>"}, "tags": ["a", "c", "d"]}
        show = {"call": {"getPet": {"id": 1}}, "true": true, "answer": given}
        return [score(suite, name, n, {"structure_f1": value}, show) for n, value in enumerate(spread)]
    if suite == "errors":
        return [
            score(suite, name, n, {"recall": 1 - value / 4, "false_errors": (1 - value) / 2})
            for n, value in enumerate(spread)
        ]
    if suite == "consistency":
        counts = {f"steps@{k}": 1 for k in range(1, 25)} | {
            "contradictions@7": int(level < 0.5),
            "contradictions@20": 1,
        }
        one = score(suite, name, 1, {"contradictions_per_step": (1 - level) / 10})
        return [one.model_copy(update={"counts": counts})]
    if suite == "speed":
        values = {
            f"{what}_{k}": base * k / (1 + level)
            for k in (1, 8, 32)
            for what, base in (("calls_per_second", 6.0), ("p50_ms", 150.0), ("p95_ms", 400.0))
        }
        return [score(suite, name, 1, values)]
    metric = "result_valid" if suite == "format" else "same_process"
    return [score(suite, name, n, {metric: float(level > 0.1 * (n % 3))}) for n in range(30)]


def make(path: Path, config: RunConfig = CONFIG, only: Sequence[str] = NAMES) -> Path:
    """A run's folder, filled."""
    config = config.model_copy(update={"candidates": tuple(only)})
    with Folder(path, config) as folder:
        folder.left_out({"session-x": "the recorded answer was cut"})
        for suite in config.suites:
            for name in only:
                for one in scores_of(suite, name):
                    folder.append(suite, name, Line(unit=one.item, scores=(one,)))
        folder.append("fidelity", only[0], Line(unit="session-y", excluded="the schema is unusable"))
    return path


def test_three_files_say_the_same(tmp_path: Path) -> None:
    report = write_report(make(tmp_path))
    results = json.loads((tmp_path / "results.json").read_text())
    cell = report.find("nearest", "fidelity", "structure_f1")
    assert cell is not None
    assert cell.low < cell.value < cell.high
    assert cell.model_dump(mode="json") in results["measured"]
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    for shown in (
        f"{cell.value:.3f}",
        f"[{number(cell.low)}, {number(cell.high)}]",
        "the schema is unusable",
        "session-x",
    ):
        assert shown in page
        assert shown in text


def test_the_page_stands_alone_and_runs_nothing(tmp_path: Path) -> None:
    write_report(make(tmp_path))
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 4
    assert "<script" not in page
    assert "<b>storage</b>" not in page
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))


@pytest.mark.slow
def test_a_report_made_twice_is_the_same_bytes(tmp_path: Path) -> None:
    files: list[list[bytes]] = []
    for _ in range(2):
        write_report(make(tmp_path) if not files else tmp_path)
        files.append([(tmp_path / name).read_bytes() for name in ("results.json", "report.md", "report.html")])
    assert files[0] == files[1]


def test_the_drift_curve_is_contradictions_by_step(tmp_path: Path) -> None:
    report = Report.read(make(tmp_path))
    curve = dict(drift_of(report.scores, "free:gtm-135m"))
    assert len(curve) == 24
    assert (curve[7], curve[8], curve[20]) == (1.0, 0.0, 1.0)


def test_a_diff_pairs_lines_and_marks_what_differs() -> None:
    rows = side_by_side({"a": 1, "b": 2}, {"a": 1, "c": 2})
    assert [(row["left"], row["right"], row["changed"]) for row in rows] == [
        ("{", "{", False), (' "a": 1,', ' "a": 1,', False), (' "b": 2', ' "c": 2', True), ("}", "}", False)
    ]  # fmt: skip
    assert len(side_by_side(list(range(500)), [])) == 61


@pytest.mark.parametrize(
    ("bound", "code"),
    [
        ("structure_f1=0.5", 0),
        ("structure_f1=0.9", 1),
        ("fidelity.structure_f1=0.5", 0),
    ],
)
def test_a_gate_fails_below_its_bound(
    tmp_path: Path, bound: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    assert main(["eval", "gate", str(tmp_path), "--min", bound]) == code
    said = capsys.readouterr().err
    assert ("below 0.9" in said) == (code == 1)


def test_a_gate_may_have_upper_bounds_and_another_candidate(tmp_path: Path) -> None:
    make(tmp_path)
    assert check(tmp_path, read_bounds(["false_errors=0.2"], "max")) == []
    [line] = check(tmp_path, read_bounds(["false_errors=0.2"], "max"), "always_error")
    assert line == "errors.false_errors of always_error is 0.5, above 0.2"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--min", "structure_f1"], "is no bound: write METRIC=NUMBER"),
        (["--min", "structure_f1=nan"], "is no bound"),
        (["--min", "beauty=1"], "has no metric 'beauty'"),
        (["--min", "structure_f1=1", "--candidate", "nobody"], "'nobody' is not in the run"),
        ([], "a gate needs a bound"),
    ],
)
def test_a_gate_that_cannot_be_checked_is_an_input_to_mend(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    assert main(["eval", "gate", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_runs_are_compared_on_the_steps_that_both_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = make(tmp_path / "one", only=NAMES[:1]), make(tmp_path / "two", only=NAMES[1:3])
    found = [d for d in compare([one, two]) if (d.metric, d.slice) == ("structure_f1", "")]
    assert [(d.one, d.other) for d in found] == [
        ("two:simulator:scripted", "one:simulator:gtm-135m"), ("two:nearest", "one:simulator:gtm-135m")
    ]  # fmt: skip
    assert all(d.value < 0 and d.high < 0 and d.n == 30 for d in found)
    assert main(["eval", "compare", str(one), str(two)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "two:nearest minus one:simulator:gtm-135m" in shown


def test_runs_of_other_items_are_not_compared(tmp_path: Path) -> None:
    one = make(tmp_path / "one")
    two = make(tmp_path / "two", CONFIG.model_copy(update={"seed": 1, "limit": 5}))
    with pytest.raises(RunError, match="differ in seed, limit"):
        compare([one, two])
    with pytest.raises(RunError, match="has one candidate"):
        compare([make(tmp_path / "three", only=NAMES[:1])])


CHROMIUM = shutil.which("chromium")


def looked_at(page: Path, width: int, picture: Path) -> int:
    """Take a picture of a page as wide as a device; the width that its content needs."""
    assert CHROMIUM is not None
    probe = page.with_name(f"probe-{width}.html")
    script = (
        "<script>onload = () => { const page = document.querySelector('iframe').contentDocument.documentElement;"
        "document.body.dataset.needs = page.scrollWidth; }</script>"
    )
    frame = f'<iframe src="{page.name}" style="border:0;width:{width}px;height:9000px"></iframe>'
    probe.write_text(f"<!doctype html><body style='margin:0'>{frame}{script}</body>")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--hide-scrollbars"]
    command = [
        CHROMIUM,
        *options,
        f"--user-data-dir={page.parent / 'profile'}",
        f"--window-size={max(width, 520)},4000",
    ]
    subprocess.run(
        [*command, f"--screenshot={picture}", probe.as_uri()], check=True, capture_output=True, timeout=120
    )
    done = subprocess.run([*command, "--dump-dom", probe.as_uri()], check=True, capture_output=True, timeout=120)
    found = re.search(rb'data-needs="(\d+)"', done.stdout)
    assert found is not None
    return int(found.group(1))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_without_scrolling_sideways(tmp_path: Path, width: int) -> None:
    write_report(make(tmp_path))
    picture = tmp_path / f"report-{width}.png"
    assert looked_at(tmp_path / "report.html", width, picture) <= width
    assert picture.stat().st_size > 50_000
