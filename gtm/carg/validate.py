"""Every row of a finished run checked again, by means other than those that chose it. Shares no rule with `curate`.

Row by row: it says where it came from, its answer fits its schema, what was sent is echoed, its target parses back to
what was answered. Session by session: planned ones are carried out again in a new world by an engine that knows their
targets, and must give the same bytes; real ones must be whole and in order. Over all: no family and no near-duplicate
on two sides, no example twice.
"""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from gtm import prompt
from gtm.carg.families import toolset_of
from gtm.carg.folder import RunFolder
from gtm.carg.minhash import Near, shingles, signature
from gtm.carg.records import Called, Entry, Row, Session
from gtm.carg.stage import Progress, Unit
from gtm.engines.base import Completion, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import RunError
from gtm.prompt import Ending
from gtm.simulator.simulator import Simulator
from gtm.tools.catalog import split
from gtm.tools.validator import prepare
from gtm.types import Json, canonical, digest
from gtm.world.tree import leaves

MOST_SHOWN = 20
"""Failures that are told one by one."""

NEAR = 0.8

Check = Callable[["_Seen"], str]
"""What is wrong, or nothing."""


@dataclass(slots=True)
class Findings:
    """What was checked and what failed."""

    passed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)
    """The first failures, a line each."""

    @property
    def fine(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def note(self, check: str, where: str, problem: str) -> None:
        """One more thing that was checked; no problem is a pass."""
        if not problem:
            self.passed[check] += 1
            return
        self.failed[check] += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(f"{check}: {where}: {problem}")

    def lines(self) -> Iterator[str]:
        """For a person."""
        for check in sorted({*self.passed, *self.failed}):
            yield f"{check}: {self.passed[check]:,} passed, {self.failed[check]:,} failed"
        yield from self.shown


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row and what there is to check it against."""

    row: Row
    entry: Entry | None

    @property
    def call(self) -> Called:
        return self.row.call

    @property
    def planned(self) -> bool:
        return self.row.call.kind not in ("recorded", "documented")


def validate(folder: RunFolder, tell: Progress = lambda done, total: None, *, near: bool = True) -> Findings:
    """Check a run whose stage `curate` is complete. Raises RunError where it is not."""
    if not folder.is_complete("curate"):
        raise RunError(f"{str(folder.path)!r} has no rows to validate; run the stage 'curate' first")
    findings = Findings()
    entries = {note.unit: note.spans for stage in ("sources", "tools") for note in folder.noted(stage) if note.spans}
    sessions = {unit.name: unit.spans for unit in folder.units_of("responses", "responses")}
    units = [unit for unit in folder.units_of("curate", "curate") if unit.spans]
    with TemporaryDirectory(dir=folder.path) as scratch, _Examples(Path(scratch), near) as examples:
        for at, unit in enumerate(units):
            spans = {**unit.spans, **entries.get(unit.name, {}), **sessions[unit.name]}
            _check_family(folder, Unit(unit.name, spans), findings, examples)
            tell(at + 1, len(units))
        examples.compare(findings)
    return findings


def _check_family(folder: RunFolder, unit: Unit, findings: Findings, examples: "_Examples") -> None:
    known = [entry for file in ("sources", "tools") for entry in folder.records(Entry, unit, file)]
    entries = {entry.tool.name: entry for entry in known}
    sessions = {session.id: session for session in folder.records(Session, unit, "responses")}
    replay = _Replay(unit.name, known)
    try:
        for name, group in groupby(folder.records(Row, unit, "curate"), key=lambda row: row.session):
            rows = list(group)
            for row in rows:
                seen = _Seen(row, entries.get(row.call.tool))
                for check, problem in _CHECKS.items():
                    findings.note(check, row.id, problem(seen))
                findings.note("one family", row.id, "" if row.family == unit.name else "it is among another's rows")
                examples.add(row)
            findings.note("order", name, _out_of_order(rows))
            if not sessions[name].real:
                findings.note("replay", name, replay.differs(sessions[name], rows))
    finally:
        replay.close()


def _origin(seen: _Seen) -> str:
    row = seen.row
    if not row.licence:
        return "it has no licence"
    if row.split != split(row.family) or (seen.entry is not None and seen.entry.split != row.split):
        return f"its family belongs to {split(row.family)}"
    if seen.entry is not None and row.tool_id != seen.entry.id:
        return f"its tool is {seen.entry.id!r}"
    said = [row.tool_id or row.call.tool, row.call.arguments, row.call.result.content, row.call.result.is_error]
    return "" if row.hash == digest([*said, row.notes]) else "its hash is of something else"


def _schema(seen: _Seen) -> str:
    result, tool = seen.call.result, seen.entry.tool if seen.entry else None
    if not seen.planned or result.is_error or result.fault is not None or tool is None or tool.output_schema is None:
        return ""
    if tool.http is not None and tool.http.media_type is None:
        return "" if result.content is None else "it answers where it has no body"
    valid = prepare(tool.output_schema).validator.is_valid(result.content)
    return "" if valid else "the answer does not fit the output schema"


def _outcome(seen: _Seen) -> str:
    call = seen.call
    if call.expect_error is not None and call.expect_error != call.result.is_error:
        return f"an error was {'' if call.expect_error else 'not '}to be expected"
    tolerated = call.kind != "wrong" or call.expect_error is False
    return "" if tolerated or call.result.is_error else "a wrong call was answered"


def _echo(seen: _Seen) -> str:
    """What a write answers under the name of an argument is what was sent, but for how it is written."""
    call = seen.call
    content = call.result.content
    written = seen.planned and call.effect in ("create", "update") and not call.result.is_error
    if not written or call.result.fault is not None or not isinstance(content, dict):
        return ""
    shown = next(iter(content.values())) if len(content) == 1 else content
    for name, sent in call.arguments.items() if isinstance(shown, dict) else ():
        answer = shown.get(name)
        plain = isinstance(sent, str | int | float) and isinstance(answer, str | int | float)
        if plain and name not in _PAGING and _plain(sent) != _plain(answer) and answer != "[redacted]":
            return f"{name!r} is {answer!r:.60} where {sent!r:.60} was sent"
    return ""


_PAGING = frozenset(
    "limit offset page pageSize page_size per_page cursor fields expand include sort order filter".split()
)


def _plain(value: Json) -> str:
    """A value as one text: no case, no path before a name."""
    text = str(value).lower().rstrip("/")
    return text.rpartition("/")[2]


def _prompt(seen: _Seen) -> str:
    """The target parses under its shape, whole, and every leaf a model wrote is in the answer where it says."""
    written, result = seen.call.written, seen.call.result
    if written is None:
        return ""
    if sum(prompt.tokens(text) for _, text in written.messages) > prompt.BUDGET * 1.1:
        return "the prompt is over its budget"
    if not written.messages or written.messages[0] != ("system", prompt.text_of(_system(written.system))):
        return "the prompt does not begin with the instructions"
    parsed = prompt.parse(written.target, written.shape)
    if parsed.ending is not Ending.COMPLETE:
        return f"the target is {parsed.ending.value}"
    if written.shape is None:
        return "" if _squeezed(written.target) in _squeezed(result.text) else "the target is not what was answered"
    if json.loads(written.target) != parsed.value:
        return "the target is not what its shape keeps"
    if result.is_error or result.fault is not None:
        return ""
    for pointer, value in leaves(parsed.value):
        answer = _at(result.content, pointer)
        open_ended = value in ({}, []) and isinstance(answer, type(value))
        if _source(result.provenance, pointer) in ("model", "cassette") and answer != value and not open_ended:
            return f"the target says {value!r:.60} at {pointer!r}, the answer {answer!r:.60}"
    return ""


def _system(name: str) -> prompt.Kind:
    return "text" if name == "text" else "system"


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _source(provenance: Mapping[str, str], pointer: str) -> str:
    while pointer not in provenance and pointer:
        pointer = pointer.rpartition("/")[0]
    return provenance.get(pointer, "")


def _at(content: Json, pointer: str) -> Json:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(content, dict):
            content = content.get(name)
        elif isinstance(content, list) and name.isdecimal() and int(name) < len(content):
            content = content[int(name)]
        else:
            return None
    return content


_CHECKS: dict[str, Check] = {
    "origin": _origin,
    "schema": _schema,
    "outcome": _outcome,
    "echo": _echo,
    "prompt": _prompt,
}


def _out_of_order(rows: Sequence[Row]) -> str:
    if [row.step for row in rows] != list(range(len(rows))):
        return f"its steps are {[row.step for row in rows]!r:.80}"
    return "" if all(row.steps == len(rows) for row in rows) else f"it has {len(rows)} rows, and they say otherwise"


class _Reciter:
    """An engine that writes the target of the call that is made; shapes are proposed by the sampler."""

    name = "recited"

    def __init__(self) -> None:
        self.target: str | None = None
        self._sampler = ScriptedEngine()

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        shape = prompt.text_of("shape")
        if requests[0].messages[0].content == shape or self.target is None:
            return await self._sampler.generate(requests)
        return [Completion(self.target) for _ in requests]

    async def aclose(self) -> None:
        await self._sampler.aclose()


class _Replay:
    """A family's planned sessions, carried out again."""

    def __init__(self, family: str, entries: list[Entry]) -> None:
        self._family = family
        self._entries = entries
        self._engine = _Reciter()
        self._tools: Simulator | None = None
        self._simulators: dict[str, Simulator] = {}

    def differs(self, session: Session, rows: Sequence[Row]) -> str:
        """What the first call answers otherwise."""
        simulator = self._simulator(session.notes)
        if simulator.toolset.digest != session.toolset_digest:
            return "its tools are not those that it was made with"
        initial = {name: list(documents) for name, documents in session.initial.items()}
        again = simulator.session(seed=session.seed, world=session.world, faults=session.faults, initial=initial)
        for row in rows:
            self._engine.target = row.call.written.target if row.call.written else None
            result = again.call(row.call.tool, row.call.arguments)
            if result.model_dump_json() != row.call.result.model_dump_json():
                return f"step {row.step} answers {result.text!r:.120}, not {row.call.result.text!r:.120}"
        return ""

    def close(self) -> None:
        """Free the loops."""
        for simulator in self._simulators.values():
            simulator.close()
        if self._tools is not None:
            self._tools.close()

    def _simulator(self, notes: str) -> Simulator:
        if notes not in self._simulators:
            if self._tools is None:
                toolset = toolset_of(self._family, self._entries)
                self._tools = Simulator(toolset, model=self._engine, cache=False)
            self._simulators[notes] = self._tools.noted(notes, model=self._engine)
        return self._simulators[notes]


class _Examples:
    """All examples on disk: what they are, and what they are like."""

    def __init__(self, path: Path, near: bool) -> None:
        self._near = Near(path / "near", NEAR) if near else None
        self._database = sqlite3.connect(path / "examples.sqlite", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE example (id TEXT, split TEXT, hash TEXT, signature BLOB, repeat INTEGER); BEGIN;"
        )

    def add(self, row: Row) -> None:
        """One more."""
        made = None
        if self._near is not None:
            said = (
                f"{row.call.tool} {canonical(row.call.arguments).decode('utf-8', 'replace')} {row.call.result.text}"
            )
            made = signature(shingles(re.findall(r"\w+", said.lower())))
        self._database.execute(
            "INSERT INTO example VALUES (?, ?, ?, ?, ?)", (row.id, row.split, row.hash, made, row.repeat)
        )

    def compare(self, findings: Findings) -> None:
        """Whether one is there twice, or nearly so on two sides."""
        once = "SELECT min(id), count(*), sum(repeat) FROM example GROUP BY hash ORDER BY 1"
        for where, count, repeats in self._database.execute(once):
            findings.note("once", where, "" if count == repeats + 1 else f"{count - repeats} equal rows are examples")
        if self._near is None:
            return
        for name in ("test", "dev", "train"):
            mine = []
            for where, made in self._database.execute("SELECT id, signature FROM example WHERE split = ?", (name,)):
                found = self._near.find(made)
                findings.note("near", where, f"it is nearly {found[0]!r} of another split" if found else "")
                if name != "train":
                    mine.append((where, made))
            for where, made in mine:
                self._near.put(where, made)

    def __enter__(self) -> "_Examples":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        if self._near is not None:
            self._near.close()
