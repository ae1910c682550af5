"""The stage `responses`: plans carried out, answers through `Simulator.call`, real ones told to the session.

Planned calls are answered by the simulator; what is unknown of an answer is written by the teacher where the plan
says so, else from values of the family. Real answers are observed, so that the world knows what the real tool said
before, and each becomes what a model should have written (`gtm.carg.real`). A call that nobody can answer is left
out with all that needs it, and counted.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby

from gtm import Simulator, prompt
from gtm.carg.families import toolset_of
from gtm.carg.folder import RunFolder
from gtm.carg.notes import Rules, rules_of
from gtm.carg.real import part_of, written_for
from gtm.carg.records import Called, Entry, Origin, Plan, Recording, Session, Step, Written, to_line
from gtm.carg.rehearsal import arguments_of
from gtm.carg.stage import Done, Progress, Unit
from gtm.carg.teacher import EXPORT, Answers, Asking, Teacher, TeacherSilent
from gtm.carg.values import Values, topic_of
from gtm.engines.base import Completion, Engine, Request
from gtm.engines.grammar import dump
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import GtmError
from gtm.prompt import VERSION
from gtm.simulator.session import Session as Live
from gtm.types import Json

MAX_FAMILIES = 12
"""Whose simulators are held at a time while a teacher is asked; more would only wait for it."""


class ResponsesStage:
    """Plan -> Session."""

    name = "responses"
    files: tuple[str, ...] = ("responses",)

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Ask the teacher all that will be needed, so that the units find it kept."""
        if teacher.engine is None:
            return {}
        asking = Asking(folder, teacher.engine)
        try:
            asyncio.run(_ask_all(folder, asking, teacher.concurrency, tell))
            answers = asking.answers.export(folder.path / EXPORT)
        finally:
            asking.answers.close()
        return {"teacher": {**asking.counts, "answers": answers}}

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """Families."""
        definitions = chain(folder.units_of("sources", "sources", "recordings"), folder.units_of("tools"))
        for planned, defined in zip(folder.units_of("calls"), definitions, strict=True):
            yield Unit(planned.name, {**defined.spans, **planned.spans})

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """All plans of a family."""
        return asyncio.run(_work(folder, unit))


@dataclass
class _Family:
    """What all plans of a family share: definitions, simulators by who writes and under which notes."""

    name: str
    values: Values
    tools: Simulator
    simulators: dict[tuple[bool, str], tuple[Simulator, "_Scribe"]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: RunFolder, unit: Unit) -> "_Family":
        entries = folder.records(Entry, unit, "sources") + folder.records(Entry, unit, "tools")
        recordings = folder.records(Recording, unit, "recordings")
        tools = Simulator(toolset_of(unit.name, entries), model=ScriptedEngine(), cache=False)
        return cls(unit.name, Values.of(entries, recordings), tools)

    def simulator(self, plan: Plan, teacher: Engine | None) -> tuple[Simulator, "_Scribe"]:
        """A simulator for a plan, and who notes what it asks for."""
        key = (plan.teacher, plan.notes)
        if key not in self.simulators:
            # A teacher's plans never fall back to values: what it did not say is left out.
            hand = _Hand(self.values, rules_of(plan.notes))
            engine: Engine = teacher if plan.teacher and teacher is not None else hand
            scribe = _Scribe(engine, hand)
            self.simulators[key] = (self.tools.noted(plan.notes, model=scribe), scribe)
        return self.simulators[key]


class NothingToSay(GtmError):
    """What is asked for needs a language model, and the plan has none."""


class _Hand:
    """An engine that writes values of the family. Texts and shapes are a language model's business."""

    name = "values"

    def __init__(self, values: Values, rules: Rules) -> None:
        self._values = values
        self._rules = rules
        self.topic = ""
        """What the tool that is being called is about."""

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        return [self._one(request) for request in requests]

    async def aclose(self) -> None:
        """Nothing is held."""

    def _one(self, request: Request) -> Completion:
        if request.schema is None or request.messages[0].content == prompt.text_of("shape"):
            raise NothingToSay(f"{self.topic!r}: only a language model could say this")
        value = self._values.fill(request.schema, random.Random(request.seed), (self.topic,), self._rules)
        return Completion(dump(value))


class _Scribe:
    """An engine that remembers the last request and its answer. One call at a time."""

    def __init__(self, engine: Engine, hand: _Hand) -> None:
        self._engine = engine
        self._hand = hand
        self.last: tuple[Request, Completion] | None = None

    def begin(self, tool: str) -> None:
        """Another call begins."""
        self.last = None
        self._hand.topic = topic_of(tool)

    @property
    def name(self) -> str:
        return self._engine.name

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        completions = await self._engine.generate(requests)
        self.last = (requests[-1], completions[-1])
        return completions

    async def aclose(self) -> None:
        """The engine is its owner's."""


async def _work(folder: RunFolder, unit: Unit) -> Done:
    done = Done()
    family = _Family.read(folder, unit)
    plans = folder.records(Plan, unit, "calls")
    answers = Answers(folder) if any(plan.teacher for plan in plans) else None
    for plan in plans:
        session = await _carry_out(plan, family, answers, done.counts)
        if session.calls:
            done.add("responses", to_line(session))
            done.counts["sessions"] += 1
            for call in session.calls:
                done.counts[f"calls/{call.origin}"] += 1
    if answers is not None:
        answers.close()
    return done


async def _carry_out(plan: Plan, family: _Family, teacher: Engine | None, counts: Counter[str]) -> Session:
    """One session."""
    simulator, scribe = family.simulator(plan, teacher)
    live = simulator.session(seed=plan.seed, world=plan.world, faults=list(plan.faults), initial=plan.initial or None)
    calls: list[Called] = []
    answers: dict[int, Json] = {}
    for at, step in enumerate(plan.steps):
        try:
            called = await (_observe if plan.real else _call)(live, simulator, scribe, step, answers)
        except TeacherSilent:
            counts["left_out/teacher_silent"] += 1
            continue
        except GtmError as error:
            counts[f"left_out/{type(error).__name__}"] += 1
            continue
        if called is None:
            counts["left_out/unbound"] += 1
            continue
        calls.append(called)
        if not called.result.is_error:
            answers[at] = called.result.content
    return Session(
        id=plan.id,
        family=plan.family,
        source=plan.source,
        licence=plan.licence,
        real=plan.real,
        seed=plan.seed,
        world=plan.world,
        notes=plan.notes,
        faults=plan.faults,
        initial=plan.initial,
        prompt_version=VERSION,
        toolset_digest=family.tools.toolset.digest,
        calls=tuple(calls),
    )


async def _call(
    live: Live, simulator: Simulator, scribe: _Scribe, step: Step, answers: Mapping[int, Json]
) -> Called | None:
    """A planned call; None where what it needs of an earlier answer is not there."""
    arguments = arguments_of(step, answers, simulator.toolset.by_name.get(step.tool))
    if arguments is None:
        return None
    scribe.begin(step.tool)
    await live.acall(step.tool, arguments)
    written = _as_written(scribe.last)
    origin: Origin = "code" if written is None else "teacher" if scribe.name != "values" else "values"
    return _called(simulator, live, step, origin, written)


async def _observe(
    live: Live, simulator: Simulator, scribe: _Scribe, step: Step, answers: Mapping[int, Json]
) -> Called | None:
    """A call that really happened."""
    definition = simulator.definitions.get(step.tool)
    written = None
    if definition is not None and not step.is_error:
        written = written_for(simulator, definition, live.snapshot(), step.arguments, step.response)
    await live.aobserve(step.tool, step.arguments, step.response, is_error=step.is_error)
    return _called(simulator, live, step, "documented" if step.kind == "documented" else "recorded", written)


def _called(simulator: Simulator, live: Live, step: Step, origin: Origin, written: Written | None) -> Called:
    turn = next(iter(live.snapshot().turns))
    effect = simulator.definitions.effects.get(step.tool)
    result = turn.result if step.status is None else turn.result.model_copy(update={"status": step.status})
    return Called(
        tool=turn.call.tool,
        arguments=turn.call.arguments,
        kind=step.kind,
        refusal=step.refusal,
        expect_error=step.expect_error,
        effect="opaque" if effect is None else effect.kind,
        origin=origin,
        result=result,
        written=written,
        trimmed=step.trimmed,
    )


def _as_written(asked: tuple[Request, Completion] | None) -> Written | None:
    """What an engine wrote, as far as it can be read."""
    if asked is None:
        return None
    request, completion = asked
    value = prompt.parse(completion.text, request.schema).value
    target = str(value or "") if request.schema is None else dump(part_of(request.schema, value))
    system = "text" if request.messages[0].content == prompt.text_of("text") else "system"
    messages = tuple((message.role, message.content) for message in request.messages)
    return Written(system=system, messages=messages, shape=request.schema, target=target)


def _has_taught(folder: RunFolder, unit: Unit) -> bool:
    return "calls" in unit.spans and b'"teacher":true' in folder.read("calls", unit.spans["calls"])


def _about(plan: Plan) -> tuple[str, str]:
    return plan.steps[0].tool, plan.notes


async def _ask_all(folder: RunFolder, asking: Asking, concurrency: int, tell: Progress) -> None:
    """Carry out the teacher's plans, many at a time, for the sake of the answers that are kept."""
    stage = ResponsesStage()
    families = [unit for unit in stage.units(folder) if _has_taught(folder, unit)]
    places, sessions, done = asyncio.Semaphore(MAX_FAMILIES), asyncio.Semaphore(concurrency), 0

    async def ask_family(unit: Unit) -> None:
        nonlocal done
        async with places:
            family = _Family.read(folder, unit)
            plans = [plan for plan in folder.records(Plan, unit, "calls") if plan.teacher]
            await asyncio.gather(*(ask_tool(family, list(own)) for _, own in groupby(plans, _about)))
        done += 1
        tell(done, len(families))

    async def ask_tool(family: _Family, plans: list[Plan]) -> None:
        # One after the other: the second finds the tool's part of the prompt in the engine's prefix cache.
        async with sessions:
            for plan in plans:
                # What a scribe notes of calls at the same time is mixed up, and nobody reads it here.
                await _carry_out(plan, family, asking, Counter())

    await asyncio.gather(*(ask_family(unit) for unit in families))
