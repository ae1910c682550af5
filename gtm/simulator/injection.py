"""What a fault does to a call: answers instead of the tool, or spoils what the tool answered.

Whatever happens is told in `Result.fault`, and in `Result.error` where the agent gets an error. A fault that finds
nothing to spoil (no list to shorten, no earlier world to read from) leaves the answer alone and says so in
`Result.warnings`. Decides nothing: that is `gtm.simulator.schedule`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

from gtm.simulator.answer import Answer
from gtm.simulator.definitions import Definition
from gtm.simulator.faults import STATUS, FaultRule
from gtm.simulator.refusals import refuse
from gtm.simulator.schedule import Verdict, drift_mark, judge, renewed
from gtm.simulator.session import Snapshot
from gtm.simulator.spoiling import Drift, Spoiled, cut, drift, drifted, without_parts
from gtm.types import Fault, Json, Result, ToolError, Toolset
from gtm.world.state import Delete, Mark, Place, State

READS = frozenset({"read", "list"})

Respond = Callable[[Snapshot], Awaitable[Answer]]
"""The tool's own answer at a moment."""


async def inject(
    definition: Definition, toolset: Toolset, now: Snapshot, arguments: Json, respond: Respond
) -> Answer:
    """The answer of a call in a session that has fault rules."""
    verdict = judge(now, definition.tool.name, arguments)
    answer = await _answer(definition, toolset, now, verdict, respond)
    result, marks = answer.result, verdict.marks
    if not result.is_error:
        marks += renewed(now, definition.tool.name)
    if verdict.delay_ms is not None:
        own = Fault(kind="latency", solvable=True, detail=f"{verdict.delay_ms:g} ms")
        result = result.model_copy(update={"delay_ms": verdict.delay_ms, "fault": result.fault or own})
    if verdict.warnings:
        result = result.model_copy(update={"warnings": (*result.warnings, *verdict.warnings)})
    if verdict.wait_ms:
        await asyncio.sleep(verdict.wait_ms / 1000)
    return Answer(result, (*answer.changes, *marks))


async def _answer(
    definition: Definition, toolset: Toolset, now: Snapshot, verdict: Verdict, respond: Respond
) -> Answer:
    rule = verdict.rule
    if rule is None:
        return await respond(now)
    if rule.kind == "stale":
        return await _stale(definition, rule, now, respond)
    if rule.kind == "committed_timeout":
        answer = await respond(now)
        detail = "the call took effect, its answer was lost" if answer.changes else "the call had no effect to lose"
        return Answer(_refusal(definition, toolset, verdict, rule, detail), answer.changes)
    if rule.kind in STATUS:
        return Answer(_refusal(definition, toolset, verdict, rule, "the tool was not reached"))
    return _spoilt(definition, toolset, rule, now, verdict.seed, await respond(now))


def _refusal(definition: Definition, toolset: Toolset, verdict: Verdict, rule: FaultRule, detail: str) -> Result:
    error = ToolError(kind=rule.kind, retry_after=verdict.retry_after, injected=True, solvable=rule.solvable)
    status = rule.status or STATUS[rule.kind]
    result = refuse(definition.tool, toolset.kind, error, status, [rule.text(verdict.retry_after)])
    return result.model_copy(update={"fault": Fault(kind=rule.kind, solvable=rule.solvable, detail=detail)})


async def _stale(definition: Definition, rule: FaultRule, now: Snapshot, respond: Respond) -> Answer:
    """The answer of the world before its last change; nothing of it is kept."""
    past = _before(now)
    if past is None or definition.bound.effect.kind not in READS:
        why = "no earlier world" if past is None else f"{definition.tool.name!r} does not read"
        return _left_alone(rule, await respond(now), why)
    result = (await respond(replace(now, state=past))).result
    fault = Fault(kind=rule.kind, solvable=rule.solvable, detail="answered from the world before its last change")
    error = result.error.model_copy(update={"injected": True}) if result.error is not None else None
    return Answer(result.model_copy(update={"fault": fault, "error": error}))


def _before(now: Snapshot) -> State | None:
    """The world before its last change; what was made since is absent there, not yet to be imagined."""
    past, present = now.before, now.state
    if past.collections is present.collections:
        return None
    changes = []
    for name, collection in present:
        earlier = past.collections.get(name)
        if earlier is not collection:
            resource, *parents = json.loads(name)
            known = earlier.documents if earlier is not None else {}
            for text, document in collection.documents.items():
                if document.origin != "imagined" and text not in known:
                    changes.append(Delete(Place(resource, tuple(parents)), document.key))
    return replace(past.apply(changes), marks=present.marks)


def _spoilt(
    definition: Definition, toolset: Toolset, rule: FaultRule, now: Snapshot, seed: int, answer: Answer
) -> Answer:
    """A good answer with a part of it lost, cut or changed."""
    result = answer.result
    if result.is_error:
        return _left_alone(rule, answer, "the tool answered an error")
    if definition.form in {"empty", "placeholder"}:
        return _left_alone(rule, answer, "the answer has no text")
    if rule.kind == "truncated":
        return _told(rule, answer, cut(result.text, seed))
    parsed = _parsed(result)
    if parsed is None:
        return _left_alone(rule, answer, "the answer is plain text")
    if rule.kind == "partial":
        return _told(rule, answer, _without_parts(definition, toolset, parsed, seed))
    name = drift_mark(rule, definition.tool.name)
    kept = now.state.marks.get(name)
    chosen = Drift.load(kept) if kept is not None else drift(parsed, seed)
    told = _told(rule, answer, drifted(parsed, chosen) if chosen is not None else None)
    if chosen is None or kept is not None:
        return told
    return Answer(told.result, (*told.changes, Mark(name, chosen.dump())))


def _without_parts(definition: Definition, toolset: Toolset, content: Json, seed: int) -> Spoiled | None:
    """As the output schema allows; one that was only derived does not bind where nothing else could be lost."""
    found = without_parts(content, definition.tool.output_schema, seed)
    if found is None and toolset.by_name[definition.tool.name].output_schema is None:
        return without_parts(content, None, seed)
    return found


def _parsed(result: Result) -> Json:
    """The object or array of an answer, also where it is written as text; None where there is none."""
    content = result.content
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return None
    return content if isinstance(content, dict | list) else None


def _told(rule: FaultRule, answer: Answer, spoiled: Spoiled | None) -> Answer:
    """The answer with the spoiled content, labelled."""
    if spoiled is None:
        return _left_alone(rule, answer, "the answer has nothing that could be lost")
    result, content = answer.result, spoiled.content
    as_text = isinstance(result.content, str) and not isinstance(content, str)
    text = (
        content
        if isinstance(content, str)
        else json.dumps(content, ensure_ascii=False, indent=2 if as_text else None)
    )
    update = {
        "content": text if as_text else content,
        "text": text,
        "provenance": spoiled.provenance(result.provenance),
        "fault": Fault(kind=rule.kind, solvable=rule.solvable, detail=spoiled.detail),
    }
    return Answer(result.model_copy(update=update), answer.changes)


def _left_alone(rule: FaultRule, answer: Answer, why: str) -> Answer:
    warning = f"the fault {rule.kind!r} was left out: {why}"
    result = answer.result.model_copy(update={"warnings": (*answer.result.warnings, warning)})
    return Answer(result, answer.changes)
