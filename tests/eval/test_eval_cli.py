"""`gtm eval run` from recordings to a report."""

import json
from pathlib import Path

import pytest

from gtm.cli.main import main
from tests.eval.recorded import write_data

QUICK = ["--model", "scripted", "--candidate", "always_error", "--candidate", "nearest"]


def evaluated(tmp_path: Path, name: str, *arguments: str) -> Path:
    data = tmp_path / "data"
    if not data.exists():
        write_data(data)
    code = main(["eval", "run", *arguments, "--data", str(data), "--run", str(tmp_path / name)])
    assert code == 0
    return tmp_path / name


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_measures_all_suites_and_says_where_the_report_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = evaluated(tmp_path, "run", "all", *QUICK, "--limit", "12")
    shown = capsys.readouterr()
    assert "structure F1" in shown.out
    assert f"report: {run / 'report.html'}" in shown.err
    results = json.loads((run / "results.json").read_text())
    suites = {one["suite"] for one in results["measured"]}
    assert suites == {"format", "errors", "fidelity", "consistency", "determinism", "speed"}
    figures = {
        (one["candidate"], one["suite"], one["metric"]): one["value"]
        for one in results["measured"]
        if not one["slice"]
    }
    assert figures["simulator:scripted", "format", "result_valid"] == 1.0
    assert figures["simulator:scripted", "errors", "recall"] == 1.0
    assert figures["simulator:scripted", "consistency", "contradictions_per_step"] == 0.0
    assert [figures["always_error", "errors", name] for name in ("recall", "false_errors")] == [1.0, 1.0]
    assert (
        figures["simulator:scripted", "fidelity", "structure_f1"]
        > figures["always_error", "fidelity", "structure_f1"]
    )
    assert figures["always_error", "fidelity", "structure_f1"] == 0.0


def test_two_runs_give_the_same_numbers(tmp_path: Path) -> None:
    suites = ["format", "errors", "fidelity", "consistency"]
    first, second = (evaluated(tmp_path, name, *suites, "--model", "scripted", "--limit", "8") for name in "ab")
    one, two = (json.loads((run / "results.json").read_text()) for run in (first, second))
    assert one == two


def test_a_run_goes_on_and_a_report_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = evaluated(tmp_path, "run", "format", "--model", "scripted")
    before = (run / "results.json").read_bytes()
    evaluated(tmp_path, "run", "format", "--model", "scripted")
    assert (run / "results.json").read_bytes() == before
    (run / "report.html").unlink()
    capsys.readouterr()
    assert main(["eval", "report", str(run), "--json"]) == 0
    assert (run / "report.html").exists()
    assert json.loads(capsys.readouterr().out) == json.loads(before)["measured"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fidelity", "--candidate", "nobody"], "'nobody' is no candidate"),
        (["judge"], "needs judges"),
        (["format", "--limit", "0"], "at least 1"),
        (["format", "--model", "no-such-model"], "is no model"),
    ],
)
def test_what_cannot_be_run_is_one_line(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path / "data")
    assert main(["eval", "run", *arguments, "--data", str(data), "--run", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err.strip()
    assert said in err
    assert len(err.splitlines()) <= 2


def test_another_configuration_needs_another_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = evaluated(tmp_path, "run", "format", "--model", "scripted")
    arguments = ["format", "--model", "scripted", "--seed", "1"]
    assert main(["eval", "run", *arguments, "--data", str(tmp_path / "data"), "--run", str(run)]) == 2
    assert "it differs in seed" in capsys.readouterr().err


def test_no_data_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("GTM_DATA", raising=False)
    assert main(["eval", "run", "format"]) == 2
    assert "give --data DIR or set GTM_DATA" in capsys.readouterr().err
    assert main(["eval", "run", "format", "--data", str(tmp_path / "nowhere")]) == 2
    assert "is not there" in capsys.readouterr().err
