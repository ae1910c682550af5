"""Recipes that prove a promise, reduced: they run, they print JSON, and they fail where the promise is broken."""

import json
import subprocess
import sys
from pathlib import Path

from gtm.cli.main import main
from gtm.types import Json
from tests.eval.recorded import write_data

RECIPES = Path(__file__).parent.parent / "recipes"


def run(name: str, *arguments: str) -> Json:
    command = [sys.executable, str(RECIPES / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    return json.loads(done.stdout)


def test_recorded_episodes_repeat_byte_for_byte_in_new_processes() -> None:
    report = run("check_replay.py", "--episodes", "30", "--steps", "6")
    for key in ("1_at_a_time", "32_at_a_time"):
        assert (report[key]["episodes"], report[key]["differing"]) == (30, 0)
        assert report[key]["calls"] > 100


def test_a_table_of_models_holds_all_rows_on_the_part_that_costly_ones_saw(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    full, sample = tmp_path / "full", tmp_path / "sample"
    common = ["eval", "run", "format", "fidelity", "--data", str(data)]
    assert main([*common, "--candidate", "sampler", "--candidate", "always_error", "--run", str(full)]) == 0
    assert main([*common, "--candidate", "always_success", "--limit", "6", "--run", str(sample)]) == 0
    run_table = ["--full", str(full), "--sample", str(sample), "--out", str(tmp_path)]
    report = run("eval_table.py", *run_table)
    assert report["all items"]["calls"] > report["sample-6"]["calls"] > 0
    results = json.loads((tmp_path / "results.json").read_text())
    every, part = (
        {(one["candidate"], one["metric"]): one["n"] for one in part["measured"]} for part in results["parts"]
    )
    names = {name for name, _ in part}
    assert names == {"simulator:scripted", "always_error", "always_success"}
    assert "always_success" not in {name for name, _ in every}
    shared = {part[name, "structure_f1"] for name in names}
    assert len(shared) == 1
    assert every["always_error", "structure_f1"] > shared.pop()
    page = (tmp_path / "results.md").read_text()
    assert "## sample-6" in page
    assert "gtm eval run format fidelity --candidate always_success --limit 6 --data DIR" in page


def test_a_table_keeps_the_rows_of_runs_that_are_gone(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    common = ["eval", "run", "fidelity", "--data", str(data), "--limit", "6"]
    for name in ("always_error", "always_success"):
        assert main([*common, "--candidate", name, "--run", str(tmp_path / name)]) == 0
    both = [str(tmp_path / name) for name in ("always_error", "always_success")]
    run("eval_table.py", "--sample", *both, "--out", str(tmp_path / "both"))
    run("eval_table.py", "--sample", both[0], "--out", str(tmp_path / "one"))
    earlier = tmp_path / "one" / "results.json"
    run("eval_table.py", "--sample", both[1], "--earlier", str(earlier), "--out", str(tmp_path / "one"))
    for file in ("results.json", "results.md"):
        assert (tmp_path / "one" / file).read_text() == (tmp_path / "both" / file).read_text()

    seeded = tmp_path / "seeded"
    assert main([*common, "--candidate", "always_error", "--seed", "1", "--run", str(seeded)]) == 0
    command = [sys.executable, str(RECIPES / "eval_table.py"), "--out", str(tmp_path / "none"), "--sample"]
    mixed = subprocess.run([*command, str(seeded), "--earlier", str(earlier)], capture_output=True, check=False)
    assert mixed.returncode == 2
    assert b"another seed" in mixed.stderr
    lines = next((tmp_path / "always_error" / "items").iterdir())
    lines.write_text("".join(lines.read_text().splitlines(keepends=True)[:-1]))
    broken = subprocess.run([*command, *both], capture_output=True, check=False)
    assert broken.returncode == 2
    assert b"'always_success' has" in broken.stderr
    assert not (tmp_path / "none").exists()
