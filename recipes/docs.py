"""The parts of the documentation that are made from the code: README's tree and docs/cli.md.

python recipes/docs.py             # write them
python recipes/docs.py --check     # exit 1 where they are not what the code says
"""

import argparse
import ast
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COLUMNS = 100
"""Width of the help texts, whatever the terminal has."""

BEGIN, END = "<!-- made by recipes/docs.py: tree -->", "<!-- end -->"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write README's tree and docs/cli.md.")
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    stale = []
    for path, text in ((ROOT / "README.md", readme()), (ROOT / "docs" / "cli.md", cli())):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name}: {'not what the code says; run python recipes/docs.py' if check else 'written'}")
    return 1 if check and stale else 0


def readme() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n```\n{tree()}\n```\n{END}{after}"


def tree() -> str:
    """The modules of the package, each with the first words of its docstring."""
    lines = []
    for path in sorted(
        (ROOT / "gtm").rglob("*.py"), key=lambda path: (path.parent, path.name != "__init__.py", path)
    ):
        depth = len(path.relative_to(ROOT).parts) - 1
        name = path.name
        if name == "__init__.py":
            depth, name = depth - 1, f"{path.parent.name}/"
        lines.append(f"{'  ' * depth + name:<26} {about(path)}".rstrip())
    return "\n".join(lines)


def about(path: Path) -> str:
    """The first sentence of a module's docstring, short."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    sentence = " ".join(text.partition("\n\n")[0].split()).split(". ")[0].rstrip(".")
    return sentence if len(sentence) <= 88 else f"{sentence[:87].rpartition(' ')[0]} …"


def cli() -> str:
    """The help of every verb."""
    os.environ["COLUMNS"] = str(COLUMNS)
    from gtm.cli.main import build_parser

    parts = [
        "# The `gtm` command",
        "",
        "Made from the parsers by `python recipes/docs.py`. Standard output carries data only; the rest goes to",
        "standard error. Exit codes: 0 done (a simulated error is data), 1 a gate failed, 2 an input has to be",
        "mended (one line says which), 130 interrupted.",
    ]
    for heading, parser in walk("gtm", build_parser()):
        parts += ["", f"## {heading}", "", "```", parser.format_help().rstrip(), "```"]
    return "\n".join(parts) + "\n"


def walk(heading: str, parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    """A parser and those of its verbs."""
    found = [(heading, parser)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                found += walk(f"{heading} {name}", below)
    return found


if __name__ == "__main__":
    sys.exit(main())
