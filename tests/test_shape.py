"""The shape of the code: what makes a file quick to find and quick to read, made to fail."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [path for folder in ("gtm", "recipes", "examples", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
MAX_FILE, MAX_FUNCTION, MAX_EXAMPLES = 400, 100, 10
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base_utils"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    module = ast.parse(text)
    assert len(text.splitlines()) <= MAX_FILE
    assert path.stem not in VAGUE
    if "tests" not in path.parts:
        assert ast.get_docstring(module), "a module opens with a docstring: its job, its invariant, its limits"
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", sorted((ROOT / "gtm").glob("*/**/__init__.py")), ids=name_of)
def test_a_sub_package_exports_nothing(path: Path) -> None:
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    assert len(statements) == 1, "a docstring and nothing else"


def test_examples_are_few() -> None:
    assert len([path for path in (ROOT / "examples").iterdir() if path.is_file()]) <= MAX_EXAMPLES
