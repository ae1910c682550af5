"""Rows of one split that are nearly rows of another: test is taken in first, then dev, then train is looked at."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic_core import from_json

from gtm.carg.folder import RunFolder
from gtm.carg.minhash import Near, shingles, signature
from gtm.carg.stage import Unit
from gtm.tools.catalog import split
from gtm.types import Json, canonical

ORDER = ("test", "dev", "train")
"""The smaller the split, the less it may lose."""

_WORD = re.compile(r"\w+")


def near_duplicates(folder: RunFolder, threshold: float, firsts: Mapping[str, int]) -> Iterator[int]:
    """Numbers of rows too near to one of an earlier split; `firsts` are the numbers of the families' first rows."""
    units: dict[str, list[Unit]] = {name: [] for name in ORDER}
    for unit in folder.units_of("check", "checked"):
        if unit.spans:
            units[split(unit.name)].append(unit)
    scratch = folder.path / "curate.near"
    with Near(scratch, threshold) as near:
        for name in ORDER:
            mine = []
            for number, made in _signatures(folder, units[name], firsts):
                if near.find(made):
                    yield number
                elif name != ORDER[-1]:
                    mine.append((str(number), made))
            for key, made in mine:
                near.put(key, made)
    Path(scratch).unlink(missing_ok=True)


def words_of(tool: str, arguments: Json, answer: str) -> list[str]:
    """What two calls are compared by."""
    return _WORD.findall(f"{tool} {canonical(arguments).decode('utf-8', 'replace')} {answer}".lower())


def _signatures(folder: RunFolder, units: list[Unit], firsts: Mapping[str, int]) -> Iterator[tuple[int, bytes]]:
    for unit in units:
        for number, line in enumerate(folder.read("checked", unit.spans["checked"]).splitlines(), firsts[unit.name]):
            call = from_json(line)["call"]
            words = words_of(call["tool"], call["arguments"], call["result"].get("text", ""))
            yield number, signature(shingles(words))
