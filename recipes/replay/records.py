"""Recorded sessions and the toolsets they need, read from a data folder or from one file that holds both.

A world is one domain's tools, as a user would import them; a session that crosses domains has one world each. Nothing
here knows what a simulator is.

One defect of the recordings is mended: where a log's placeholder for a name was filled with a made-up value while
the same name is written out elsewhere (`GET urlMaps/c9tq8wwirox0` answers `"name": "map-1"`, as `insert` was given),
both are spelt as the answer spells it. Without that no reader can tell that they are one thing.
"""

import gzip
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gtm.tools.catalog import Split, load_catalog, split
from gtm.types import Json, Toolset

FRESH = "getmoto/moto"
"""The source whose sessions each begin in an empty account."""

_LONGEST = 20
"""Items that are left of a longer array in a call that was cut."""
_PLACEHOLDER = re.compile(r"[0-9a-z]{12}\Z")
"""What fills a log's placeholder (see the data's README)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One recorded call: the tool by its id in the collection, and what really came back."""

    tool: str
    method: str
    arguments: dict[str, Json]
    response: Json
    is_error: bool
    status: int | None
    cut: bool = False
    """Whether its arguments were cut: then nobody knows all that was sent."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded session of several calls."""

    name: str
    source: str
    split: Split
    known_start: bool
    """Everything that exists before the first call is known: nothing, or `files`."""
    files: dict[str, str]
    turns: tuple[Turn, ...]


class Library:
    """Definitions by domain; a domain's toolset is made when it is asked for."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.domains: dict[str, str] = {}
        """Tool id -> domain."""
        self.methods: dict[str, str] = {}
        """Tool id -> HTTP method, empty where there is none."""
        self._lines: dict[str, list[bytes]] = {}
        for path in paths:
            for raw in _raw(path):
                line = json.loads(raw)
                if "parameters" in line:
                    self.domains[line["id"]] = line["domain"]
                    self.methods[line["id"]] = str(line.get("http") or "").partition(" ")[0]
                    self._lines.setdefault(line["domain"], []).append(raw)

    def toolset(self, domain: str) -> Toolset:
        """All tools of a domain."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "tools.jsonl")
            path.write_bytes(b"".join(self._lines[domain]))
            return load_catalog(path)[0]


def read(path: Path, library: Library, limit: int | None) -> list[Recording]:
    """A file's sessions of more than one call, at most `limit`, evenly spread over it; neighbours share toolsets."""
    sessions = [line for line in map(json.loads, _raw(path)) if len(line.get("session", ())) > 1]
    if limit is not None and len(sessions) > limit:
        sessions = [sessions[index * len(sessions) // limit] for index in range(limit)]
    source = path.name.partition(".")[0]
    recordings = [_recording(session, source, library) for session in sessions]
    return sorted(recordings, key=lambda one: (library.domains.get(one.turns[0].tool, ""), one.name))


def _raw(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        yield from file


def _recording(session: dict[str, Json], source: str, library: Library) -> Recording:
    names = _spellings(session["session"])
    turns = tuple(
        Turn(
            tool=turn["tool"],
            method=library.methods[turn["tool"]],
            arguments=_respelt(turn["arguments"], names),
            response=turn["response"],
            is_error=turn["is_error"],
            status=turn.get("status"),
            cut=bool(turn.get("trimmed")) and _is_cut(turn["arguments"]),
        )
        for turn in session["session"]
        if turn["tool"] in library.domains
    )
    splits = {split(library.domains[turn.tool]) for turn in turns}
    files = (session.get("initial_state") or {}).get("files") or {}
    return Recording(
        name=session["id"],
        source=source,
        split="test" if "test" in splits else "dev" if "dev" in splits else "train",
        known_start=bool(files) or session["source"].startswith(FRESH),
        files=files,
        turns=turns,
    )


def _is_cut(value: Json) -> bool:
    """Whether a long array or text ends where the data's limit is (see the data's README)."""
    if isinstance(value, dict):
        return any(map(_is_cut, value.values()))
    if isinstance(value, list):
        return len(value) == _LONGEST or any(map(_is_cut, value))
    return isinstance(value, str) and value.endswith("…")


def _spellings(turns: list[dict[str, Json]]) -> dict[str, str]:
    """Placeholder's value -> the name that the answers give the same thing, where they agree on one."""
    shown = json.dumps([turn["response"] for turn in turns])
    found: dict[str, set[str]] = {}
    for turn in turns:
        name = turn["response"].get("name") if isinstance(turn["response"], dict) and not turn["is_error"] else None
        if not isinstance(name, str) or "operation" in name:
            continue
        for value in turn["arguments"].values():
            own = value.rpartition("/")[2] if isinstance(value, str) else ""
            if _PLACEHOLDER.match(own) and own not in shown:
                found.setdefault(own, set()).add(name.rpartition("/")[2])
    return {own: names.pop() for own, names in found.items() if len(names) == 1}


def _respelt(value: Json, names: dict[str, str]) -> Json:
    if isinstance(value, dict) and names:
        return {key: _respelt(item, names) for key, item in value.items()}
    if isinstance(value, list) and names:
        return [_respelt(item, names) for item in value]
    if isinstance(value, str):
        for own, name in names.items():
            value = value.replace(own, name)
    return value
