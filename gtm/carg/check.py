"""The stage `check`: sessions to candidate rows. What is no example is dropped, counted by reason and origin.

A function of one family's sessions and tools. What needs all families (near and exact duplicates, balance, the share
of errors) is decided in the stage `curate`, over what this one leaves.

A planned session is kept up to its first call that is no example: what follows came of it, and could not be replayed
without it. Real sessions lose such calls alone: they began in an unknown world anyway.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import jsonschema_rs

from gtm.carg.agreement import Agreement
from gtm.carg.decontaminate import Evaluation
from gtm.carg.folder import RunFolder
from gtm.carg.masking import found, mask
from gtm.carg.opinion import judging, opinion
from gtm.carg.records import Called, Entry, Row, Session, parse_lines, to_line
from gtm.carg.rules import flaw, oddities
from gtm.carg.stage import Done, Progress, Span, Unit
from gtm.carg.teacher import Teacher
from gtm.errors import SpecError
from gtm.tools.catalog import split
from gtm.tools.validator import prepare
from gtm.types import Effect, Json, Toolset, digest
from gtm.world.effects import infer_effects

ENTRIES = ("sources", "tools")
"""Stages, and their files, that hold the tools of families."""


class CheckStage:
    """Each family's sessions, by rules."""

    name = "check"
    files: tuple[str, ...] = ("checked",)

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Nothing is shared but the evaluation files, which each process reads for itself."""
        return {}

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """Families."""
        return with_entries(folder, "responses")

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """The rows of a family."""
        done = Done()
        family = Family(unit.name, entries_of(folder, unit), lambda: _material(folder, unit))
        rules = _Rules(Evaluation.of(_evaluation_files(folder)), folder.recipe.curate.judge, done.counts)
        for line in folder.read("responses", unit.spans["responses"]).splitlines():
            for row in _rows(line, family, rules):
                done.add("checked", to_line(row))
        return done


class Family:
    """A family's tools, and what the rules need of them, made when first asked for."""

    def __init__(self, name: str, entries: list[Entry], material: Callable[[], bytes] = bytes) -> None:
        self.name = name
        self.entries = {entry.tool.name: entry for entry in entries}
        self.domain = entries[0].domain if entries else ""
        self.split = split(name)
        self._material = material
        self._validators: dict[str, jsonschema_rs.Validator | None] = {}

    @cached_property
    def material(self) -> bytes:
        """All that was gathered of the family: definitions, examples, recordings."""
        return self._material()

    @cached_property
    def effects(self) -> dict[str, Effect]:
        """What the tools do."""
        tools = tuple(entry.tool for entry in self.entries.values())
        return infer_effects(Toolset(name=self.name, kind="catalog", tools=tools))

    def validator(self, tool: str) -> jsonschema_rs.Validator | None:
        """Of a tool's declared answers; None where it declares none that can be used."""
        if tool not in self._validators:
            entry = self.entries.get(tool)
            schema = None if entry is None else entry.tool.output_schema
            try:
                self._validators[tool] = None if schema is None else prepare(schema).validator
            except SpecError:
                self._validators[tool] = None
        return self._validators[tool]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What calls are held to."""

    evaluation: Evaluation
    judge: str
    counts: Counter[str]

    def reason(self, call: Called, session: Session, family: Family) -> str | None:
        """Why a call is no example, or None."""
        entry = family.entries.get(call.tool)
        if entry is None:
            unknown = call.refusal == "unknown_tool"
            return None if unknown and call.result.is_error else "no_error" if unknown else "no_definition"
        found = flaw(call, session, entry.tool, None if session.real else family.validator(call.tool))
        if found is not None:
            return found
        if self.evaluation and self.evaluation.holds(call):
            return "evaluation"
        if self.judge and call.origin == "teacher":
            return opinion(judging(self.judge), call, entry.tool, self.counts)
        return None


def _material(folder: RunFolder, unit: Unit) -> bytes:
    return b"".join(folder.read(file, unit.spans[file]) for file in (*ENTRIES, "recordings") if file in unit.spans)


def with_entries(folder: RunFolder, stage: str, *files: str) -> Iterator[Unit]:
    """The units of a stage, each with the parts of files that hold its family's tools."""
    entries: dict[str, dict[str, Span]] = {}
    for source in ENTRIES:
        for note in folder.noted(source):
            entries.setdefault(note.unit, {}).update(note.spans)
    for unit in folder.units_of(stage, *files):
        if unit.spans:
            yield Unit(unit.name, {**unit.spans, **entries.get(unit.name, {})})


def entries_of(folder: RunFolder, unit: Unit) -> list[Entry]:
    """The tools of a unit's family."""
    return [entry for source in ENTRIES for entry in folder.records(Entry, unit, source)]


def _evaluation_files(folder: RunFolder) -> tuple[str, ...]:
    return tuple(str((folder.base or folder.path) / path) for path in folder.recipe.curate.evaluation)


def _rows(line: bytes, family: Family, rules: _Rules) -> Iterator[Row]:
    counts = rules.counts
    session, personal = _masked(line, family, counts)
    agreement = None if session.real or len(session.calls) < 2 else Agreement(family.effects)
    kept: list[Called] = []
    for at, call in enumerate(session.calls):
        reason = "personal" if at in personal else rules.reason(call, session, family)
        if reason is None and agreement is not None and not agreement.holds(call):
            reason = "state"
        if reason is None:
            kept.append(call)
            continue
        counts[f"dropped/{reason}/{call.origin}"] += 1
        if not session.real:
            counts.update(f"dropped/follows/{after.origin}" for after in session.calls[at + 1 :])
            break
    for at, call in enumerate(kept):
        if session.real:
            entry = family.entries.get(call.tool)
            tool = entry.tool if entry else None
            counts.update(f"odd/{odd}/{call.origin}" for odd in oddities(call, tool, family.validator(call.tool)))
        yield _row(session, family, call, at, len(kept))


def _masked(line: bytes, family: Family, counts: Counter[str]) -> tuple[Session, frozenset[int]]:
    """The session without what is personal, and the calls that cannot be masked.

    Ids and times of a planned session follow from its arguments: with others it could not be replayed. What only
    looks personal there, because it was drawn by name and format, stays.
    """
    masked, replaced = mask(line)
    [session] = parse_lines(Session, masked)
    if not replaced:
        return session, frozenset()
    if session.real:
        counts.update({f"masked/{kind}": count for kind, count in replaced.items()})
        return session, frozenset()
    [original] = parse_lines(Session, line)
    if not any(b"@" in value or value in family.material for value in found(line)):
        return original, frozenset()
    pairs = enumerate(zip(original.calls, session.calls, strict=True))
    return session, frozenset(at for at, (before, after) in pairs if _said(before) != _said(after))


def _said(call: Called) -> Json:
    return [call.arguments, call.result.content, call.written and call.written.target]


def _row(session: Session, family: Family, call: Called, step: int, steps: int) -> Row:
    entry = family.entries.get(call.tool)
    tool_id = entry.id if entry else ""
    said = [tool_id or call.tool, call.arguments, call.result.content, call.result.is_error, session.notes]
    return Row(
        id=f"{session.id}/{step}",
        session=session.id,
        step=step,
        steps=steps,
        family=family.name,
        split=family.split,
        domain=entry.domain if entry else family.domain,
        source=session.source,
        licence=session.licence,
        seed=session.seed,
        world=session.world,
        notes=session.notes,
        tool_id=tool_id,
        call=call,
        hash=digest(said),
    )
