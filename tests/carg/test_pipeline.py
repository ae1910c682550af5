"""The whole pipeline on published definitions and real recordings, through the command that users type."""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gtm.carg import pipeline
from gtm.carg.folder import RunFolder
from gtm.carg.records import Entry, Row, Session
from gtm.carg.teacher import EXPORT
from gtm.cli.main import main
from gtm.tools.catalog import split
from gtm.world.tree import leaves

pytestmark = pytest.mark.timeout(300)
"""One run of the pipeline serves all tests of this module; the first of them waits for it."""

SAMPLE = Path(__file__).parent.parent / "data"
RECIPE = """
name = "sample"
seed = 3
[sources]
catalogs = ["tools/*.jsonl.gz"]
recordings = ["calls/*.jsonl.gz"]
[curate]
errors = [0.01, 0.9]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as the recipes expect it."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "tools").mkdir()
    (folder / "calls").mkdir()
    shutil.copy(SAMPLE / "catalog_sample.jsonl.gz", folder / "tools")
    with (
        gzip.open(SAMPLE / "recorded_sample.jsonl.gz") as mixed,
        gzip.open(folder / "tools" / "recorded.jsonl.gz", "wb") as tools,
        gzip.open(folder / "calls" / "recorded.jsonl.gz", "wb") as calls,
    ):
        for line in mixed:
            (tools if "parameters" in json.loads(line) else calls).write(line)
    return folder


def carg(action: str, data: Path, folder: Path, *more: str, recipe: str = RECIPE) -> int:
    file = folder.parent / f"{folder.name}.toml"
    file.write_text(recipe)
    return main(["carg", action, str(file), "--data", str(data), "--run", str(folder), *more])


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert carg("run", data, folder, "--workers", "1") == 0
    return pipeline.open_folder(folder)


@pytest.fixture(scope="module")
def rows(finished: RunFolder) -> list[Row]:
    return list(finished.every(Row, "curate", "curate"))


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.jsonl"))}


def test_every_kind_and_origin_is_there(rows: list[Row]) -> None:
    kinds = Counter(row.call.kind for row in rows)
    assert {"ordinary", "edge", "wrong", "session", "recorded", "documented"} <= set(kinds)
    assert {row.call.origin for row in rows} == {"recorded", "documented", "values", "code"}
    refusals = {row.call.refusal for row in rows if row.call.kind == "wrong"}
    assert {"missing", "type", "enum", "range", "unknown_tool", "impossible"} <= refusals


def test_wrong_calls_are_errors_and_valid_ones_are_not(rows: list[Row]) -> None:
    told = [row for row in rows if row.call.expect_error is not None and row.call.result.fault is None]
    assert len(told) > 100
    assert [row.id for row in told if row.call.expect_error != row.call.result.is_error] == []


def test_sessions_feed_outputs_into_inputs(finished: RunFolder) -> None:
    fed = 0
    for session in finished.every(Session, "responses", "responses"):
        said = {str(value) for call in session.calls for value in call.arguments.values()}
        told = {str(value) for call in session.calls[:-1] for _, value in leaves(call.result.content)}
        new = told - {str(value) for value in session.calls[0].arguments.values()}
        fed += not session.real and any(len(value) > 3 and value in new for value in said)
    assert fed > 15


def test_a_familys_rows_are_on_its_side_of_the_split(rows: list[Row]) -> None:
    assert all(row.split == split(row.family) for row in rows)


def test_rows_keep_licence_and_domain(finished: RunFolder, rows: list[Row]) -> None:
    tools = {entry.id: entry for entry in finished.every(Entry, "sources", "sources")}
    for row in rows:
        assert row.licence
        assert row.tool_id == "" or row.domain == tools[row.tool_id].domain


def test_the_checker_accepts_all_of_it(finished: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["carg", "validate", "--run", str(finished.path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] == {} and report["passed"]["replay"] > 100


@pytest.mark.parametrize("workers", ["2"])
def test_more_workers_make_the_same_rows(data: Path, finished: RunFolder, tmp_path: Path, workers: str) -> None:
    assert carg("run", data, tmp_path / "run", "--workers", workers) == 0
    assert digests(tmp_path / "run") == digests(finished.path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_makes_the_same_rows(data: Path, finished: RunFolder, tmp_path: Path) -> None:
    assert carg("run", data, tmp_path / "run", "--runner", "ray", "--workers", "2") == 0
    assert digests(tmp_path / "run") == digests(finished.path)


def test_a_stage_waits_for_the_one_before(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert carg("responses", data, tmp_path / "run") == 2
    assert "needs the stage 'read' to be complete" in capsys.readouterr().err


def test_a_folder_refuses_another_recipe(data: Path, finished: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert carg("run", data, finished.path, recipe=RECIPE.replace("seed = 3", "seed = 4")) == 2
    assert "seed is 3 there and 4 here" in capsys.readouterr().err


BAD_RECIPES = [
    (RECIPE.replace("seed", "sead"), "'sead': Extra inputs are not permitted"),
    (RECIPE + "[cards]\n", "'cards'"),
    (RECIPE.replace("0.9]", "'many']"), "'curate.errors.1'"),
    ("name = ", "is no TOML"),
]


@pytest.mark.parametrize(("recipe", "said"), BAD_RECIPES)
def test_a_wrong_recipe_is_one_clear_error(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], recipe: str, said: str
) -> None:
    assert carg("run", data, tmp_path / "run", recipe=recipe) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_without_data_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    assert main(["carg", "run", str(tmp_path / "r.toml"), "--run", str(tmp_path / "run"), "--data", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_validate_needs_a_finished_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["carg", "validate", "--run", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


TAUGHT = RECIPE + '[teacher]\nname = "somebody"\n[calls]\nteacher_calls = 60\n'


@pytest.mark.slow
def test_kept_answers_make_the_rows_that_the_teacher_made(data: Path, tmp_path: Path) -> None:
    asked, kept = tmp_path / "asked", tmp_path / "kept"
    assert carg("run", data, asked, "--teacher", "scripted", recipe=TAUGHT) == 0
    rows = list(pipeline.open_folder(asked).every(Row, "curate", "curate"))
    assert sum(row.call.origin == "teacher" for row in rows) > 20
    shutil.copy(asked / EXPORT, tmp_path)
    with_file = TAUGHT.replace('"somebody"', f'"somebody"\nanswers = "{EXPORT}"')
    assert carg("run", data, kept, recipe=with_file) == 0
    assert digests(kept) == digests(asked)
    assert main(["carg", "validate", "--run", str(kept)]) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_runs_make_the_same_rows(data: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    program = Path(__file__).parent.parent.parent / "recipes" / "check_carg.py"
    command = [sys.executable, str(program), str(tmp_path / "recipe.toml"), "--data", str(data), "--kills", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["different"] == [] and report["kills"] >= 2
