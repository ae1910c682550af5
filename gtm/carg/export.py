"""The stage `export`: rows in the form that trainers read, and sessions as Episodes, a file of each a split.

A line is `{"messages": [...], "tools": [...], "meta": {...}}`: the prompt as `gtm.prompt` rendered it when the call
was made, and the answer as the last message. Where code answered, because nothing was unknown, the prompt is the one
for text, with the calls before it as history, and `meta.written_by` says so. Counts labels: the card need not.
"""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from gtm import prompt
from gtm.carg.check import ENTRIES, entries_of
from gtm.carg.families import toolset_of
from gtm.carg.folder import RunFolder
from gtm.carg.masking import mask
from gtm.carg.records import Called, Entry, Row
from gtm.carg.stage import Done, Progress, Span, Unit
from gtm.carg.teacher import Teacher
from gtm.prompt import Ask
from gtm.types import Call, Episode, Json, Tool, Turn
from gtm.world.services import clock_text

SPLITS = ("train", "dev", "test")
LONG = 3
"""Calls from which on a session counts as one."""

TOKEN_BUCKETS = (10, 20, 40, 80, 160, 320, 640, 1280)
PROMPT_BUCKETS = (250, 500, 750, 1000, 1250, 1500, 1750, 2000)
STEP_BUCKETS = (2, 3, 4, 5, 6, 8, 12, 20, 50)
"""Where one class of a histogram ends and the next begins."""


class ExportStage:
    """Each family's rows, as trainers and replays read them."""

    name = "export"
    files: tuple[str, ...] = (*(f"rows-{split}" for split in SPLITS), *(f"episodes-{split}" for split in SPLITS))

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Nothing is shared."""
        return {}

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """Families with tools, whether they have rows or not."""
        spans: dict[str, dict[str, Span]] = {}
        for stage in (*ENTRIES, "curate"):
            for note in folder.noted(stage):
                if stage in note.spans:
                    spans.setdefault(note.unit, {})[stage] = note.spans[stage]
        return (Unit(family, found) for family, found in spans.items())

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """A family's lines, and the counts of what is in them."""
        done = Done()
        entries = entries_of(folder, unit)
        done.counts["tools"] = len(entries)
        done.counts.update(f"domain_tools/{entry.domain}" for entry in entries)
        done.counts.update(f"tools_from/{entry.source}" for entry in entries)
        rows = folder.records(Row, unit, "curate")
        done.counts["tools_with_rows"] = len({row.tool_id for row in rows if not row.repeat})
        shown = {entry.tool.name: _function(entry) for entry in entries}
        digest = toolset_of(unit.name, entries).digest if rows else ""
        tools = {entry.tool.name: entry.tool for entry in entries}
        for _, group in groupby(rows, key=lambda row: row.session):
            session = list(group)
            _export(session, tools, shown, folder.recipe.teacher.name, done)
            episode = _episode(session, unit.name, digest, folder.recipe.name)
            for line in episode.lines():
                done.add(f"episodes-{session[0].split}", line.encode("utf-8", "replace") + b"\n")
        return done


def _export(session: list[Row], tools: dict[str, Tool], shown: dict[str, bytes], teacher: str, done: Done) -> None:
    _count_session(session, done.counts)
    for at, row in enumerate(session):
        if row.repeat:
            done.counts["repeats"] += 1
            continue
        messages = messages_of(
            row.call, tools.get(row.call.tool), row.notes, [earlier.call for earlier in session[:at]]
        )
        meta = json.dumps(meta_of(row, teacher), ensure_ascii=False)
        said = json.dumps([{"role": role, "content": text} for role, text in messages], ensure_ascii=False)
        function = shown.get(row.call.tool, b"")
        parts = (b'{"messages": ', said.encode("utf-8", "replace"), b', "tools": [', function, b'], "meta": ')
        done.add(f"rows-{row.split}", b"".join((*parts, meta.encode("utf-8", "replace"), b"}\n")))
        _count(row, messages, done.counts)


def messages_of(call: Called, tool: Tool | None, notes: str, before: list[Called]) -> list[tuple[str, str]]:
    """The prompt, and the answer as its last message."""
    if call.written is not None:
        return [*call.written.messages, ("assistant", call.written.target)]
    history = tuple((one.tool, one.arguments, one.result.text) for one in before[-prompt.HISTORY :])
    asked = Ask(tool or Tool(name=call.tool), call.arguments, None, notes=notes, history=history)
    rendered = prompt.render(asked, "text")
    return [*((message.role, message.content) for message in rendered.messages), ("assistant", call.result.text)]


def meta_of(row: Row, teacher: str) -> dict[str, Json]:
    """What is known of a row beside its text."""
    call = row.call
    return {
        "id": row.id,
        "split": row.split,
        "family": row.family,
        "domain": row.domain,
        "source": row.source,
        "license": row.licence,
        "session": row.session,
        "step": row.step,
        "steps": row.steps,
        "seed": row.seed,
        "world": row.world,
        "tool_id": row.tool_id,
        "tool": call.tool,
        "arguments": json.dumps(call.arguments, ensure_ascii=False),
        "kind": call.kind,
        "refusal": call.refusal,
        "effect": call.effect,
        "origin": call.origin,
        "teacher": teacher if call.origin == "teacher" else None,
        "is_error": call.result.is_error,
        "status": call.result.status,
        "error": call.result.error.kind if call.result.error else None,
        "fault": call.result.fault.kind if call.result.fault else None,
        "written_by": "model" if call.written is not None else "code",
        "shape": None if call.written is None else json.dumps(call.written.shape, ensure_ascii=False),
        "prompt_version": prompt.VERSION,
        "content_hash": row.hash,
    }


def _function(entry: Entry) -> bytes:
    """A tool as OpenAI's protocol declares it."""
    tool = entry.tool
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    shown = json.dumps({"type": "function", "function": function}, ensure_ascii=False)
    return mask(shown.encode("utf-8", "replace"))[0]


def _episode(session: list[Row], family: str, digest: str, recipe: str) -> Episode:
    first = session[0]
    real = first.call.kind in ("recorded", "documented")
    return Episode(
        toolset=family,
        toolset_digest=digest,
        seed=first.seed,
        model=first.source if real else f"carg:{recipe}",
        prompt_version=prompt.VERSION,
        turns=tuple(
            Turn(
                call=Call(tool=row.call.tool, arguments=row.call.arguments),
                result=row.call.result,
                time=clock_text(at),
                observed=real,
            )
            for at, row in enumerate(session)
        ),
    )


def _count_session(session: list[Row], counts: Counter[str]) -> None:
    counts["all_sessions"] += 1
    counts[f"steps/{bucket(STEP_BUCKETS, len(session))}"] += 1
    if len(session) >= LONG:
        counts["sessions"] += 1
        counts["recorded_sessions"] += session[0].call.kind == "recorded"


def _count(row: Row, messages: list[tuple[str, str]], counts: Counter[str]) -> None:
    call = row.call
    real = call.kind in ("recorded", "documented")
    counts["rows"] += 1
    counts["real_rows"] += real
    counts["teacher_rows"] += call.origin == "teacher"
    counts["error_rows"] += call.result.is_error
    counts["with_notes"] += bool(row.notes)
    counts[f"domain/{row.domain}"] += 1
    counts[f"domain_real/{row.domain}"] += real
    counts[f"domain_errors/{row.domain}"] += call.result.is_error
    written_by = "model" if call.written is not None else "code"
    labels = {
        "split": row.split,
        "kind": call.kind,
        "origin": call.origin,
        "source": row.source,
        "license": row.licence,
        "effect": call.effect,
        "written_by": written_by,
        "refusal": call.refusal,
        "error": call.result.error.kind if call.result.error else "real" if call.result.is_error else None,
        "fault": call.result.fault.kind if call.result.fault else None,
        "target_tokens": bucket(TOKEN_BUCKETS, prompt.tokens(messages[-1][1])),
        "prompt_tokens": bucket(PROMPT_BUCKETS, sum(prompt.tokens(text) for _, text in messages[:-1])),
    }
    counts.update(f"{name}/{value}" for name, value in labels.items() if value is not None)
    counts[f"license_of/{row.source}/{row.licence}"] += 1


def bucket(ends: tuple[int, ...], value: int) -> int:
    """The class of a histogram that a value falls in."""
    return bisect_right(ends, value)
