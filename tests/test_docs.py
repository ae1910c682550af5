"""The documentation says what is true: its code runs, its commands work, what is made from the code is up to date."""

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gtm.cli.main import build_parser, main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def blocks(language: str, *pages: Path) -> list[str]:
    """Fenced blocks of a language."""
    texts = [page.read_text(encoding="utf-8") for page in pages or PAGES]
    return [block for text in texts for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)]


def commands() -> list[str]:
    """The `gtm` commands of all pages, without those that serve or fetch."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("gtm ")]
    return list(dict.fromkeys(line for line in lines if line.split()[1] in ("inspect", "call", "doctor")))


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder where the pages' relative paths exist, with a cache of its own."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    return tmp_path


def run_blocks(folder: Path, model: str) -> int:
    found = blocks("python")
    for number, block in enumerate(found):
        path = folder / f"block_{number}.py"
        path.write_text(block.replace('model="gtm-135m"', f'model="{model}"'))
        runpy.run_path(str(path))
    return len(found)


def test_python_blocks_run(scratch: Path) -> None:
    assert run_blocks(scratch, "scripted") >= 2


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_python_blocks_run_with_the_embedded_model(
    scratch: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GTM_HOME")
    assert run_blocks(scratch, "gtm-135m") >= 2


def test_commands_work_in_the_order_of_the_pages(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = commands()
    assert len(found) >= 8
    for command in found:
        words = shlex.split(command)[1:]
        assert main([*words, *(("--model", "scripted") if words[0] == "call" else ())]) == 0, command
        assert capsys.readouterr().out, command


def test_commands_that_serve_are_spelt_right() -> None:
    texts = [
        line for block in blocks("sh") for line in block.splitlines() if line.startswith(("gtm serve", "gtm mod"))
    ]
    assert texts
    for line in texts:
        build_parser().parse_args([word for word in shlex.split(line, comments=True)[1:] if word != "SPEC"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path: Path, scratch: Path) -> None:
    model = ["--model", "scripted"] if path.name == "demo.py" else ["scripted"]
    done = subprocess.run([sys.executable, path, *model], capture_output=True, text=True, check=False, cwd=scratch)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_batch_example_shows_that_order_does_not_matter(scratch: Path) -> None:
    path = ROOT / "examples" / "batch.py"
    done = subprocess.run([sys.executable, path, "scripted"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "the same one by one: True"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_with_the_embedded_model(weights: Path) -> None:
    runs = [
        subprocess.run([sys.executable, ROOT / "examples" / "demo.py"], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    first, second = (run.stdout.partition(" calls to ")[0] for run in runs)
    assert first == second
    for shown in ("READ OF THAT WRITE", "REFUSED", "INJECTED FAULT", "state", "argument", "computed", "model"):
        assert shown in first
    assert "Kepler-22b" in first


def test_what_is_made_from_the_code_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "recipes" / "docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_pages_are_short() -> None:
    assert len((ROOT / "AGENTS.md").read_text(encoding="utf-8").splitlines()) <= 60
