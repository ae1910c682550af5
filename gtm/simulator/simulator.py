"""The one path of every call: fault, check, plan, generate, commit, record.

Every door (CLI, MCP, HTTP, Python) goes through `Simulator.answer`, which is a function of a session's snapshot, a
tool and arguments: it returns a result and the next state, and changes nothing itself. Simulated tool errors are
Results; only infrastructure raises.
"""

import asyncio
import copy
import json
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import dropwhile, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rpds import List

from gtm import prompt
from gtm.engines.base import Engine
from gtm.engines.cache import CachedEngine
from gtm.engines.models import gtm_home, open_engine
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import ConfigError, SessionError
from gtm.prompt import Ask
from gtm.simulator.answer import Answer
from gtm.simulator.config import Config, faults_for
from gtm.simulator.definitions import Definition, Definitions
from gtm.simulator.faults import FaultRule
from gtm.simulator.injection import READS, inject
from gtm.simulator.lenient import accepted
from gtm.simulator.redact import recordable
from gtm.simulator.refusals import STATUS, refuse, unknown_tool
from gtm.simulator.session import FORMAT, Session, Snapshot, gather_by_session
from gtm.simulator.sources import Sources
from gtm.simulator.stored import StoredSession
from gtm.simulator.writer import Writer, Written
from gtm.types import Json, Result, Tool, ToolError, Toolset, Turn, canonical
from gtm.world import services
from gtm.world.initial import Seeds, read_seeds, seeded
from gtm.world.observe import learn
from gtm.world.outcome import Moment, Plan, WorldMode
from gtm.world.state import Change, State
from gtm.world.tree import UNKNOWN
from gtm.world.words import says

if TYPE_CHECKING:
    from gtm.world.store import Store

T = TypeVar("T")

MAKING = frozenset({"create", "update", "opaque"})
"""Kinds of calls whose arguments may name something for the first time."""

CACHE_FILE = "responses.sqlite"
"""In `gtm_home()`: completions by the hash of all they depend on."""


class Simulator:
    """A toolset, simulated.

    Args:
        toolset: the tools.
        model: name, path to a GGUF, `openai:NAME@URL`, `scripted`, or an Engine. None: what the configuration says.
        config: what `gtm.yaml` fixes, or the path of one.
        cache: whether answers are kept on disk, so that other processes give the same (see docs/concepts.md).
    """

    def __init__(
        self,
        toolset: Toolset,
        *,
        model: str | Engine | None = None,
        config: Config | Path | str | None = None,
        cache: bool = True,
    ) -> None:
        self.toolset = toolset
        self.config = Config.load(config) if isinstance(config, Path | str) else config or Config()
        self.sources = Sources(toolset, self.config)
        self.definitions = Definitions(self.sources.grounded(), self.config)
        self._initial = seeded(self.definitions.world, read_seeds(self.config.initial))
        chosen = self.config.model if model is None else model
        engine = open_engine(chosen, strict=self.config.strict) if isinstance(chosen, str) else chosen
        self._owns_engine = isinstance(chosen, str)
        self._owns_sources = True
        # The scripted engine is quicker than a disk, and gives the same answer anyway.
        on_disk = cache and not isinstance(engine, ScriptedEngine)
        self.engine = CachedEngine(engine, gtm_home() / CACHE_FILE if on_disk else None)
        self._writer = Writer(self.engine)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def noted(self, notes: str, *, model: Engine | None = None) -> Self:
        """A simulator of the same tools under other notes, in place of the configuration's, and with another engine.

        It shares what was worked out about the tools, which is nearly all that making one costs, and must be closed
        before the one that it was made from.
        """
        other = copy.copy(self)
        other.config = self.config.model_copy(update={"notes": notes})
        if model is not None:
            other.engine = CachedEngine(model, None)
        other._writer = Writer(other.engine)
        other._owns_engine = other._owns_sources = False
        other._loop = other._thread = None
        other._guard = threading.Lock()
        return other

    @property
    def model(self) -> str:
        """Identity of what writes the answers."""
        return self.engine.name

    def session(
        self,
        *,
        seed: int | None = None,
        world: WorldMode | None = None,
        faults: Path | str | Sequence[FaultRule | dict[str, Json]] | None = None,
        record: Path | str | None = None,
        initial: Seeds | None = None,
        store: "Store | None" = None,
        name: str | None = None,
    ) -> Session:
        """A new session, or one that a store has. What is not given comes from the configuration.

        Args:
            seed: another seed is another world.
            world: what a never seen key is.
            faults: rules, the name of a preset, or a file of rules.
            record: an Episode file to append to.
            initial: documents by resource that the world starts with, beside those of the configuration.
            store: where the session lasts (`gtm.world.store.open_store`); None: in memory.
            name: of the session in the store. A session that is there goes on, with its own seed, world and faults.
        """
        chosen = self.config.seed if seed is None else seed
        if type(chosen) is not int:
            raise ConfigError(f"the seed must be an integer; got {chosen!r}")
        if world not in (None, "auto", "open", "closed"):
            raise ConfigError(f"the world must be 'auto', 'open' or 'closed'; got {world!r}")
        start = Snapshot(
            toolset_digest=self.toolset.digest,
            seed=chosen,
            mode=world or self.config.world,
            faults=self.config.faults if faults is None else faults_for(self.toolset, faults),
            state=State(),
            before=State(),
            turns=List(),
            count=0,
            history="",
        )
        file = Path(record) if record is not None else None
        world_at_first = self._seeded(initial)
        if store is None:
            session = Session(self, start, file)
            session.begin(world_at_first)
            return session
        start = replace(start, state=world_at_first, before=world_at_first)
        stored = StoredSession.open(self, store, "" if name is None else name, start, record=file)
        stored.see_that_fits(seed, world, start.faults if faults is not None else None)
        return stored

    def _seeded(self, initial: Seeds | None) -> State:
        if initial is None:
            return self._initial
        return seeded(self.definitions.world, read_seeds({**self.config.initial, **initial}))

    asession = session
    """The same: a session is both an async and a sync context manager."""

    def load_session(self, value: Json) -> Session:
        """A session from `Session.dump()`. Raises SessionError where it is damaged or of another toolset."""
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise SessionError(f"this is no saved session (it lacks 'format': {FORMAT!r}); start a new one")
        if value.get("toolset_digest") != self.toolset.digest:
            raise SessionError(f"the saved session is of another toolset than {self.toolset.name!r}; start a new one")
        try:
            turns = [Turn.model_validate(turn) for turn in value["turns"]]
            session = self.session(
                seed=int(value["seed"]),
                world=value["world"],
                faults=value["faults"],
            )
            session.resume(State.load(value["state"]), turns)
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise SessionError(f"the saved session is damaged ({type(error).__name__}); start a new one") from None
        return session

    def call_batch(self, calls: Sequence[tuple[Session, str, Mapping[str, Json]]]) -> list[Result]:
        """Many calls as one engine batch, in order within one session."""
        return self.run(gather_by_session, calls)

    async def answer(self, now: Snapshot, name: str, arguments: Json) -> Answer:
        """The result of one call at a moment, and the world's changes."""
        definition = self.definitions.get(name)
        if definition is None:
            return Answer(unknown_tool(self.toolset, name))
        if not now.faults:
            return await self._check(definition, now, arguments)

        async def respond(moment: Snapshot) -> Answer:
            return await self._check(definition, moment, arguments)

        return await inject(definition, self.toolset, now, arguments, respond)

    def reads(self, name: str) -> bool:
        """Whether a tool only shows the world."""
        effect = self.definitions.effects.get(name)
        return effect is not None and effect.kind in READS

    async def _check(self, definition: Definition, now: Snapshot, arguments: Json) -> Answer:
        """What the tool says to any arguments."""
        tool, kind = definition.tool, self.toolset.kind
        arguments, report = accepted(tool, arguments)
        if report.violations and not self.sources.knows(tool.name, arguments):
            error = ToolError(kind="invalid_arguments")
            messages = [violation.message for violation in report.violations]
            return Answer(refuse(tool, kind, error, STATUS["invalid_arguments"], messages))
        if report.unknown:
            arguments = {name: value for name, value in arguments.items() if name not in report.unknown}
        return await self._answered(definition, now, arguments, report.hints)

    async def _answered(
        self, definition: Definition, now: Snapshot, arguments: dict[str, Json], hints: tuple[str, ...]
    ) -> Answer:
        """Pinned, recorded, real, or else simulated."""
        told = await self.sources.tell(definition, now, arguments)
        if told is not None:
            return told
        made = await self._respond(definition, now, arguments, hints)
        kept = self.sources.keep(definition, now, arguments, made, model=self.model)
        return Answer(made.result, (*made.changes, *kept)) if kept else made

    async def _respond(
        self, definition: Definition, now: Snapshot, arguments: dict[str, Json], hints: tuple[str, ...]
    ) -> Answer:
        """What the tool itself says to checked arguments."""
        effect = definition.bound.effect
        if effect.confidence < self.config.abstain_below:
            error = ToolError(kind="not_simulated", solvable=False)
            message = f"{definition.tool.name!r} is not simulated: what it does is not known well enough"
            why = f"({effect.reason}; confidence {effect.confidence:.2f} is below {self.config.abstain_below:.2f})"
            return Answer(
                refuse(definition.tool, self.toolset.kind, error, STATUS["not_simulated"], [f"{message} {why}"])
            )
        # What is secret ends here: nothing that follows depends on what a record of the call does not keep.
        arguments = recordable(definition.bound.parameters, arguments)
        plan = self.definitions.rules.plan(definition.bound, arguments, self.moment(definition, now))
        if plan.refusal is not None:
            error = ToolError(kind=plan.refusal.kind)
            messages = [plan.refusal.message]
            status = plan.refusal.status or STATUS.get(plan.refusal.kind, STATUS["precondition"])
            return Answer(refuse(definition.tool, self.toolset.kind, error, status, messages), plan.settle(None))
        written = await self._writer.write(definition, self.ask(definition, now, arguments, plan), plan)
        return Answer(_result(definition, written, hints), plan.settle(written.content))

    def learn(
        self, now: Snapshot, name: str, arguments: dict[str, Json], content: Json, is_error: bool
    ) -> tuple[tuple[Change, ...], str]:
        """What a turn that really happened changes, and its content as text."""
        definition = self.definitions.get(name)
        if definition is None:
            raise SessionError(f"{name!r} is not a tool of {self.toolset.name!r}; it cannot be observed")
        try:
            canonical([arguments, content])
        except (ValueError, TypeError, RecursionError) as error:
            raise SessionError(
                f"what {name!r} answered is no JSON value ({error}); observe what JSON can carry"
            ) from None
        changes = () if is_error else learn(definition.bound, arguments, content, now.state)
        return changes, content if isinstance(content, str) else _text(content)

    def recordable(self, name: str, arguments: Json) -> dict[str, Json]:
        """Arguments as an Episode keeps them, secrets replaced."""
        definition = self.definitions.get(name)
        return recordable(definition.bound.parameters if definition else None, arguments)

    def run(self, function: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
        """Run an async function on the simulator's own loop, from sync code."""
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon: a simulator that nobody closed does not keep the interpreter alive.
                self._thread = threading.Thread(target=self._loop.run_forever, name="gtm-loop", daemon=True)
                self._thread.start()
        future = asyncio.run_coroutine_threadsafe(function(*arguments), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def aclose(self) -> None:
        """Free the engine; one that was handed in stays open for its owner."""
        if not self._owns_sources:
            return
        await self.sources.aclose()
        if self._owns_engine:
            await self.engine.aclose()
        else:
            self.engine.close_file()

    def close(self) -> None:
        """Free the engine and the loop."""
        self.run(self.aclose)
        with self._guard:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def moment(self, definition: Definition, now: Snapshot) -> Moment:
        """What a call at a point of a session may depend on."""
        bound = definition.bound
        # A reader says the same again, whatever was said in between.
        history = now.history if bound.follows_history and bound.effect.kind not in READS else ""
        if history and self._is_safe(definition.tool.name):
            last = next((turn for turn in now.turns if not self._is_safe(turn.call.tool)), None)
            history = "" if last is None else f"{last.call.tool} {last.result.text}"
        when = services.clock(now.count, now.state.ahead)
        seed = _seed(now.seed, self.toolset.digest, history)
        return Moment(now.state, now.mode, seed, when, lambda text: self._heard(now, text))

    def _heard(self, now: Snapshot, text: str) -> bool:
        """Whether a success so far brought a text; a reading call does not bring what it was asked for."""
        for turn in (turn for turn in now.turns if not turn.result.is_error):
            asked = says(json.dumps(turn.call.arguments, ensure_ascii=False), text)
            if asked and self.definitions.effects[turn.call.tool].kind in MAKING:
                return True
            if not asked and says(turn.result.text, text):
                return True
        return False

    def ask(self, definition: Definition, now: Snapshot, arguments: Mapping[str, Json], plan: Plan) -> Ask:
        """What an engine is told of a call, but for what it shall write."""
        tool = definition.tool
        configured = self.config.tools.get(tool.name)
        notes = [self.toolset.notes, self.config.notes, configured.notes if configured else ""]
        history: tuple[tuple[str, dict[str, Json], str], ...] = ()
        if definition.bound.follows_history:
            turns: Iterable[Turn] = now.turns
            if self._is_safe(tool.name):
                turns = dropwhile(lambda turn: self._is_safe(turn.call.tool), turns)
            recent = list(islice(turns, prompt.HISTORY))
            history = tuple((t.call.tool, t.call.arguments, t.result.text) for t in reversed(recent))
        return Ask(
            tool=tool,
            arguments=dict(arguments),
            shape=None,
            notes="\n".join(note for note in notes if note),
            documents=plan.context,
            history=history,
            examples=self.sources.examples(tool, dict(arguments)),
        )

    def _is_safe(self, name: str) -> bool:
        """Whether a tool changes nothing: asked the same again right after, it answers the same."""
        tool = self.toolset.by_name.get(name)
        http = tool.http if tool is not None else None
        return self.reads(name) or (http is not None and http.method.upper() in {"GET", "HEAD"})


def _result(definition: Definition, written: Written, unknown: tuple[str, ...]) -> Result:
    tool: Tool = definition.tool
    content = written.content if written.shown is UNKNOWN else written.shown
    return Result(
        content=content,
        text=""
        if content is None and definition.form == "empty"
        else content
        if isinstance(content, str)
        else _text(content),
        status=tool.http.status if tool.http else None,
        provenance=written.provenance,
        warnings=(*written.warnings, *unknown),
    )


@lru_cache(maxsize=4096)
def _seed(seed: int, toolset: str, history: str) -> int:
    return services.seed_of(seed, toolset, history)


def _text(content: Json) -> str:
    return json.dumps(content, ensure_ascii=False)
