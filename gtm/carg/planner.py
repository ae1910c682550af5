"""Planned calls of one family: single ones of all kinds, and sessions; each checked for what it is said to be.

That a call is valid or wrong is what the check of arguments says, that the world refuses it what the world's own plan
says (single calls) or a rehearsal of the session shows. What turns out otherwise is counted and not planned.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from gtm import prompt
from gtm.carg import notes
from gtm.carg.arguments import Arguments
from gtm.carg.given import numbered
from gtm.carg.records import Entry, Plan, Recording, Refusal, Step
from gtm.carg.rehearsal import moved, rehearse
from gtm.carg.sequences import Script, Sequencer
from gtm.carg.settings import CallsConfig
from gtm.carg.values import Values
from gtm.carg.wrong import mistake, unknown_tool
from gtm.engines.scripted import ScriptedEngine
from gtm.simulator.definitions import Definition
from gtm.simulator.simulator import Simulator
from gtm.tools.shape import render_type
from gtm.types import Json, Result, Toolset
from gtm.world.outcome import Moment, WorldMode
from gtm.world.services import clock, seed_of
from gtm.world.state import State

IMPOSSIBLE = frozenset({"not_found", "conflict", "precondition"})
"""Kinds of errors that the world, not the check of arguments, makes."""

FAULTS: tuple[dict[str, Json], ...] = (
    {"kind": "rate_limit", "retry_after": 5},
    {"kind": "server_error"},
    {"kind": "server_error", "status": 500},
    {"kind": "timeout"},
    {"kind": "unauthorized", "clears_after": 5},
)
"""Faults after which the same call succeeds: a call takes seven simulated seconds (`gtm.world.services`)."""

SHORT_PROMPT = 420
"""Tokens of a tool's description and answer type up to which it is cheap to ask a teacher about it."""
SHORT_ANSWER = 220
"""Tokens that a teacher may write."""
FEW_LEAVES = 12
MIN_SESSION = 3


class Planner:
    """Plans the calls of one family."""

    def __init__(
        self,
        toolset: Toolset,
        entries: Sequence[Entry],
        recordings: Sequence[Recording],
        config: CallsConfig,
        seed: int,
        teacher_share: float,
    ) -> None:
        self._config = config
        self._seed = seed
        self._family = entries[0].family
        self._teacher_share = teacher_share
        self._entries = {entry.tool.name: entry for entry in entries}
        self._simulator = Simulator(toolset, model=ScriptedEngine(), cache=False)
        self._definitions = self._simulator.definitions
        self._arguments = Arguments(Values.of(entries, recordings), _used(entries, recordings))
        self._recorded = {call.tool for recording in recordings for call in recording.calls}
        self._names = frozenset(toolset.by_name)
        self.counts: Counter[str] = Counter()
        """What was tried and not planned, by reason."""

    def plans(self) -> Iterator[Plan]:
        """All of them, tool by tool, then sessions."""
        for name, entry in self._entries.items():
            yield from self._singles(name, entry)
        yield from asyncio.run(self._sessions())

    def _singles(self, name: str, entry: Entry) -> Iterator[Plan]:
        config, rng = self._config, self._rng("tool", name)
        tool = entry.tool
        if self._is_for_teacher(name):
            yield from self._taught(name)
        is_recorded = bool({entry.id, *entry.aliases} & self._recorded)
        rate = config.ordinary_recorded if is_recorded else config.ordinary
        if tool.output_schema is None and not tool.examples:
            rate *= config.without_output
        if rng.random() < rate:
            yield from self._plain("ordinary", name, rng, 0)
        if rng.random() < config.edge:
            yield from self._plain("edge", name, rng, 0)
        if rng.random() < config.wrong:
            yield from self._wrong(name, rng)
        if rng.random() < config.unknown_tool:
            arguments = self._arguments.ordinary(tool, rng)
            made = unknown_tool(self._names, name, arguments, rng) if arguments is not None else None
            if made is not None:
                step = Step(
                    tool=made.tool,
                    arguments=made.arguments,
                    kind="wrong",
                    refusal="unknown_tool",
                    expect_error=True,
                )
                yield self._plan((step,), rng)
        if rng.random() < config.impossible:
            yield from self._absent(name, rng)

    def _plain(
        self, kind: str, name: str, rng: random.Random, number: int, *, teacher: bool = False
    ) -> Iterator[Plan]:
        """One valid call, in a world that answers it."""
        tool = self._entries[name].tool
        if kind == "ordinary":
            arguments = self._arguments.ordinary(tool, rng)
        else:
            edge = self._arguments.edge(tool, rng)
            arguments = edge[1] if edge is not None else None
        world = self._world(name, arguments) if arguments is not None else None
        if arguments is None or world is None:
            self.counts[f"dropped/{kind}_not_made"] += 1
            return
        step = Step(
            tool=name, arguments=arguments, kind="ordinary" if kind == "ordinary" else "edge", expect_error=False
        )
        yield self._noted(self._plan((step,), rng, world=world, teacher=teacher), rng)

    def _wrong(self, name: str, rng: random.Random) -> Iterator[Plan]:
        """One call with a mistake, of the first kind that the tool leaves room for."""
        tool = self._entries[name].tool
        arguments = self._arguments.ordinary(tool, rng)
        shape = self._arguments.shape(tool)
        if arguments is None or shape is None:
            return
        for refusal in self._order(rng):
            if refusal in ("enum", "range", "format"):
                arguments = self._arguments.strict(tool, arguments, rng)
            made = mistake(refusal, tool, shape, arguments, rng)
            if made is None or not (made.is_error or rng.random() < self._config.ignored_names):
                continue
            step = Step(
                tool=name, arguments=made.arguments, kind="wrong", refusal=refusal, expect_error=made.is_error
            )
            world = "auto" if made.is_error else self._world(name, arguments)
            if world is not None:
                yield self._plan((step,), rng, world=world)
                return
        self.counts["dropped/no_mistake"] += 1

    def _order(self, rng: random.Random) -> list[Refusal]:
        """Kinds of mistakes, the rare ones likely to be first: few tools leave room for them."""
        weights = self._config.mistakes
        keyed = sorted(weights, key=lambda refusal: -(rng.random() ** (1 / max(weights[refusal], 1e-9))))
        return [refusal for refusal in keyed if weights[refusal] > 0]

    def _absent(self, name: str, rng: random.Random) -> Iterator[Plan]:
        """A call about what was never made, in a world in which nothing is but what was made."""
        tool = self._entries[name].tool
        arguments = self._arguments.ordinary(tool, rng)
        if arguments is None or self._refusal(name, arguments, "closed") is None:
            return
        step = Step(tool=name, arguments=arguments, kind="wrong", refusal="impossible", expect_error=True)
        yield self._plan((step,), rng, world="closed")

    def _taught(self, name: str) -> Iterator[Plan]:
        """Calls that a teacher answers, one after the other so that its cache of the prompt's head is used."""
        rng = self._rng("teacher", name)
        for number in range(rng.randint(3, 5)):
            kind = "edge" if number and rng.random() < 0.2 else "ordinary"
            yield from self._plain(kind, name, rng, number, teacher=True)

    def _is_for_teacher(self, name: str) -> bool:
        if self._rng("taught", name).random() >= self._teacher_share:
            return False
        definition = self._definitions.get(name)
        return definition is not None and is_cheap(definition)

    async def _sessions(self) -> list[Plan]:
        config, made = self._config, list[Plan]()
        sequencer = Sequencer(self._definitions.world, self._arguments)
        for resource, made_by_tools in sequencer.resources.items():
            rng = self._rng("session", resource)
            rate = config.sessions_written if made_by_tools else config.sessions_read
            wanted = int(rate) + (rng.random() < rate % 1)
            scripts = list(sequencer.scripts(resource)) if wanted else []
            rng.shuffle(scripts)
            for script in scripts:
                if wanted <= 0 or len(made) >= config.max_sessions:
                    break
                plan = await self._session(sequencer, resource, script, rng)
                if plan is not None:
                    made.append(plan)
                    wanted -= 1
        return made

    async def _session(self, sequencer: Sequencer, resource: str, script: Script, rng: random.Random) -> Plan | None:
        steps = sequencer.draft(resource, script, rng)
        if steps is None or len(steps) < MIN_SESSION:
            self.counts["dropped/session_not_written"] += 1
            return None
        worlds = list(script.worlds)
        if rng.random() < 0.3:
            worlds.reverse()
        for world in worlds:
            plan = self._plan(tuple(steps), rng, world=world)
            kept = _as_expected(plan, await rehearse(self._simulator, plan))
            if len(kept) >= MIN_SESSION and (len(kept) == len(steps) or "!" not in script.words):
                plan = self._plan(tuple(kept), rng, world=world)
                if rng.random() < self._config.faults:
                    plan = await self._faulted(plan, rng)
                return self._noted(plan, rng)
        self.counts["dropped/session_went_otherwise"] += 1
        return None

    async def _faulted(self, plan: Plan, rng: random.Random) -> Plan:
        """The session with a call that fails for no fault of its own and is made again."""
        at = rng.randrange(len(plan.steps))
        step = plan.steps[at]
        if step.expect_error is not False:
            return plan
        failing = step.model_copy(update={"kind": "fault", "expect_error": True})
        faults = ({**rng.choice(FAULTS), "on_call": [at + 1]},)
        steps = (*plan.steps[:at], failing, *moved(plan.steps, at))
        changed = numbered(plan.model_copy(update={"steps": steps, "faults": faults}))
        kept = _as_expected(changed, await rehearse(self._simulator, changed))
        return changed if len(kept) == len(steps) else plan

    def _noted(self, plan: Plan, rng: random.Random) -> Plan:
        """The plan with a note, if it is to have one and one fits."""
        if rng.random() >= self._config.notes:
            return plan
        tools = dict.fromkeys(step.tool for step in plan.steps)
        found = [d for d in (self._definitions.get(name) for name in tools) if d is not None]
        shapes = [d.shape.schema for d in found if d.shape is not None]
        names = (self._family, *tools)
        sent = [step.arguments for step in plan.steps]
        fitting = notes.fitting(shapes, names, sent, teacher=plan.teacher)
        if len(plan.steps) > 1:
            fitting = [(template, text) for template, text in fitting if template.rows is None]
        text = notes.choose(fitting, rng, self._config.scenes)
        return numbered(plan.model_copy(update={"notes": text})) if text else plan

    def _plan(
        self, steps: tuple[Step, ...], rng: random.Random, *, world: WorldMode = "auto", teacher: bool = False
    ) -> Plan:
        return numbered(
            Plan(
                id="",
                family=self._family,
                source="planned",
                licence=self._entries[steps[0].tool].licence if steps[0].tool in self._entries else self._licence,
                real=False,
                teacher=teacher,
                seed=rng.getrandbits(62),
                world=world,
                steps=steps,
            )
        )

    @cached_property
    def _licence(self) -> str:
        return next(iter(self._entries.values())).licence

    def _world(self, name: str, arguments: dict[str, Json]) -> WorldMode | None:
        """A world in which a call succeeds: the usual one, else one in which every key is imagined."""
        modes: tuple[WorldMode, ...] = ("auto", "open")
        return next((mode for mode in modes if self._refusal(name, arguments, mode) is None), None)

    def _refusal(self, name: str, arguments: dict[str, Json], mode: WorldMode) -> str | None:
        """Why the first call of a session would fail."""
        definition = self._definitions.get(name)
        if definition is None:
            return None
        moment = Moment(State(), mode, 0, clock(0))
        plan = self._definitions.rules.plan(definition.bound, arguments, moment)
        return plan.refusal.kind if plan.refusal is not None else None

    def _rng(self, *parts: str) -> random.Random:
        return random.Random(seed_of(self._seed, self._family, *parts))


def is_cheap(definition: Definition) -> bool:
    """Whether a teacher can be asked about a tool for little: a short prompt, a short answer."""
    if definition.form != "json" or definition.shape is None or definition.bound.effect.kind == "delete":
        return False
    if not 0 < definition.shape.leaves <= FEW_LEAVES:
        return False
    told = definition.tool.description[:700] + render_type(definition.shape.schema, limit=2400)
    return prompt.tokens(told) <= SHORT_PROMPT and prompt.completion_budget(definition.shape.schema) <= SHORT_ANSWER


def _as_expected(plan: Plan, played: Sequence[tuple[dict[str, Json], Result] | None]) -> list[Step]:
    """The steps up to the first that went otherwise than planned."""
    kept: list[Step] = []
    for step, done in zip(plan.steps, played, strict=True):
        if done is None or done[1].is_error is not bool(step.expect_error):
            break
        kind = done[1].error.kind if done[1].error is not None else ""
        if step.refusal == "impossible" and kind not in IMPOSSIBLE:
            break
        if step.kind == "fault" and not (done[1].error is not None and done[1].error.injected):
            break
        kept.append(step)
    return kept


def _used(entries: Sequence[Entry], recordings: Sequence[Recording]) -> Mapping[str, frozenset[str]]:
    """Names of the arguments that recorded calls carry, by tool."""
    names = {known: entry.tool.name for entry in entries for known in (*entry.aliases, entry.id)}
    used: dict[str, set[str]] = {}
    for recording in recordings:
        for call in recording.calls:
            if call.tool in names and not call.is_error:
                used.setdefault(names[call.tool], set()).update(call.arguments)
    return {name: frozenset(found) for name, found in used.items()}
