"""What answers a call before anything is imagined: pins, then recordings, then the real tool.

The world learns from each answer, so that what is simulated later agrees with it. How far a session got in the
recordings is kept in its state, as marks: it is right under snapshot, restore, fork and reload. What is played is
what the file held when the simulator was made; answers added to the file meanwhile play from the next run on.
"""

import os
from pathlib import Path

from gtm.errors import ConfigError
from gtm.simulator import playing
from gtm.simulator.answer import Answer
from gtm.simulator.cassette import Cassette, Group, mark_of
from gtm.simulator.config import CassetteMode, Config, ToolMode
from gtm.simulator.definitions import Definition
from gtm.simulator.playing import Standing
from gtm.simulator.recorder import REAL, Recorder
from gtm.simulator.scrub import Scrubber, parsed_text
from gtm.simulator.session import Snapshot
from gtm.simulator.upstream import Target, Upstream
from gtm.simulator.validation import check_arguments
from gtm.types import Example, Json, Result, Tool, Toolset, Turn
from gtm.world.observe import learn
from gtm.world.state import Change, Mark, State

WAIT = 5.0
"""Seconds that an answer waits to be added to a cassette that another process writes to."""

SHOWN = 3
"""Examples of a tool that a prompt may show."""


class Sources:
    """Pins, recordings and real tools of one toolset under one configuration."""

    def __init__(self, toolset: Toolset, config: Config) -> None:
        config.check_tools(toolset)
        self._toolset = toolset
        self._config = config
        self._scrubber = Scrubber(config.redact)
        self._mode: CassetteMode = config.cassette.mode if config.cassette else "none"
        self._file = Path(config.cassette.file) if config.cassette else None
        self._added: dict[str, int] = {}
        """Turns that were added to the file, by mark: equal sessions add their calls once."""
        self._fresh = self._mode == "all"
        """Whether the file is still to be emptied."""
        self._upstream: Upstream | None = None
        self._cassette = self._read()
        examples = config.examples
        self._examples = Cassette.read(examples, toolset, self._scrubber) if examples else self._cassette
        self._check()

    def grounded(self) -> Toolset:
        """The toolset with the recorded answers among its examples, for the shapes of its tools."""
        if self._examples is None:
            return self._toolset
        own = self._toolset
        recorded = {tool.name: self._examples.shapes(tool) for tool in own.tools}
        tools = tuple(
            tool.model_copy(update={"examples": (*tool.examples, *recorded[tool.name])})
            if recorded[tool.name]
            else tool
            for tool in own.tools
        )
        return Toolset(name=own.name, kind=own.kind, tools=tools, notes=own.notes, problems=own.problems)

    def examples(self, tool: Tool, arguments: dict[str, Json]) -> tuple[Example, ...]:
        """What a prompt shows of a tool: recorded answers to the most similar calls, then documented ones."""
        own = self._toolset.by_name[tool.name]
        documented = tuple(example for example in own.examples if not example.is_error)
        nearest = self._examples.examples(own, arguments, SHOWN - 1) if self._examples else []
        return (*nearest, *documented)[:SHOWN] if nearest else documented

    def knows(self, name: str, arguments: Json) -> bool:
        """Whether a call was recorded: then even what the definition forbids is answered as it was."""
        return self._plays(name) and self._found(self._toolset.by_name[name], arguments) is not None

    async def tell(self, definition: Definition, now: Snapshot, arguments: dict[str, Json]) -> Answer | None:
        """The answer of a pin, a recording or the real tool; None where the call is to be simulated.

        Raises:
            CassetteMiss: only recordings may answer, and there is none.
            UpstreamError: the real tool cannot be reached.
        """
        tool = self._toolset.by_name[definition.tool.name]
        configured = self._config.tools.get(tool.name)
        for pin in configured.pin if configured else ():
            if pin.fits(arguments):
                return self._learnt(definition, now.state, arguments, pin.answer(tool, self._toolset.kind))
        if self._plays(tool.name):
            played = self._play(definition, now.state, tool, arguments)
            if played is not None:
                return played
            if self._only_recorded(tool.name):
                assert self._cassette is not None
                raise self._cassette.miss(tool, arguments, self._advice(tool.name))
        if self._of(tool.name) != "real":
            return None
        result = await self._real().call(tool, arguments)
        told = self._learnt(definition, now.state, arguments, result)
        return Answer(result, (*told.changes, *self.keep(definition, now, arguments, told)))

    def keep(
        self, definition: Definition, now: Snapshot, arguments: dict[str, Json], answer: Answer, *, model: str = REAL
    ) -> tuple[Change, ...]:
        """Add an answer that was not recorded to the cassette, where its mode asks for that; marks to remember it."""
        if self._file is None:
            return ()
        tool, marks = self._toolset.by_name[definition.tool.name], playing.touched(definition, answer.changes)
        if not self._records(tool.name):
            return marks
        mark = self._mark(tool, arguments)
        count, own = playing.number_of(now.state, mark), playing.number_of(now.state, f"{mark}:added")
        if own >= self._added.get(mark, 0):
            with self._recorder(model) as recorder:
                recorder.keep(tool, arguments, answer.result, simulated_at=None if model == REAL else now.count)
            self._settle()
            self._added[mark] = own + 1
        return (*marks, Mark(mark, count + 1), Mark(f"{mark}:added", own + 1))

    async def aclose(self) -> None:
        """End the connection to the real tools."""
        if self._upstream is not None:
            await self._upstream.aclose()
            self._upstream = None

    def _read(self) -> Cassette | None:
        """The cassette as it is now. `once` becomes one of the plain modes here."""
        if self._file is None:
            return None
        there = self._file.exists() and self._file.stat().st_size > 0
        if self._mode == "once":
            self._mode = "none" if there else "new_episodes"
        if self._mode == "all" or (self._mode == "new_episodes" and not there):
            return Cassette(self._toolset, (), self._scrubber)
        if self._mode == "new_episodes":
            # Opening it for more removes a last line that was cut off, which reading would refuse.
            self._recorder(REAL).close()
        return Cassette.read(self._file, self._toolset, self._scrubber)

    def _check(self) -> None:
        modes = {self._of(tool.name): tool.name for tool in self._toolset.tools}
        if "recorded" in modes and self._cassette is None:
            raise ConfigError(f"{modes['recorded']!r} has mode 'recorded', but there is no cassette; name its file")
        if "real" in modes and self._config.real is None:
            raise ConfigError(f"{modes['real']!r} has mode 'real', but 'real' names no server; give its URL")

    def _of(self, name: str) -> ToolMode | None:
        """Who answers a tool's calls."""
        own = self._config.tools.get(name)
        return (own.mode if own else None) or self._config.mode

    def _plays(self, name: str) -> bool:
        return self._cassette is not None and self._of(name) != "simulated"

    def _only_recorded(self, name: str) -> bool:
        return self._mode == "none" or self._of(name) == "recorded"

    def _records(self, name: str) -> bool:
        return self._mode != "none" and self._of(name) not in ("simulated", "recorded")

    def _advice(self, name: str) -> str:
        if self._of(name) == "recorded":
            return "record it, or give the tool another mode than 'recorded'"
        return "record it, or use the mode 'new_episodes' to let it be answered and added"

    def _found(self, tool: Tool, arguments: Json) -> Group | None:
        return self._cassette.find(tool, arguments) if self._cassette else None

    def _mark(self, tool: Tool, arguments: dict[str, Json]) -> str:
        """The mark that counts equal calls."""
        group = self._found(tool, arguments)
        return group.mark if group is not None else mark_of(tool.name, self._scrubber.value(arguments))

    def _play(self, definition: Definition, state: State, tool: Tool, arguments: dict[str, Json]) -> Answer | None:
        """The next recording of a call; the last one again, unless the world knows better by now."""
        group = self._found(tool, arguments)
        if group is None:
            return None
        index, standing = playing.upcoming(state, group, definition, arguments)
        turn = group.turns[index]
        if not self._only_recorded(tool.name) and self._world_knows(definition, turn, standing):
            return None
        answer = self._learnt(definition, state, arguments, _played(definition, turn))
        return Answer(answer.result, (*answer.changes, *playing.played(group, index, definition, answer.changes)))

    def _world_knows(self, definition: Definition, turn: Turn, standing: Standing) -> bool:
        """Whether the world, which learnt from what was played, tells more than a recording."""
        if not definition.bound.stored or not check_arguments(definition.tool, turn.call.arguments).ok:
            return False
        return standing is Standing.OUTDATED or (standing is Standing.AGAIN and not turn.result.is_error)

    def _learnt(self, definition: Definition, state: State, arguments: dict[str, Json], result: Result) -> Answer:
        if result.is_error:
            return Answer(result)
        content = parsed_text(result.content) if isinstance(result.content, str) else result.content
        return Answer(result, learn(definition.bound, arguments, content, state))

    def _real(self) -> Upstream:
        if self._upstream is None:
            assert self._config.real is not None
            self._upstream = Target.of(self._config.real).open(self._toolset)
        return self._upstream

    def _recorder(self, model: str) -> Recorder:
        assert self._file is not None
        target = self._file
        if self._fresh:
            # The old recordings are there until the first new one is.
            target = self._scratch()
            target.unlink(missing_ok=True)
        return Recorder(target, self._toolset, self._scrubber, model=model, wait=WAIT, one_run=True)

    def _settle(self) -> None:
        """Let the first new recording replace the old ones, where all is recorded anew."""
        if self._fresh:
            assert self._file is not None
            self._scratch().replace(self._file)
            self._fresh = False

    def _scratch(self) -> Path:
        return Path(f"{self._file}.{os.getpid()}.new")


def _played(definition: Definition, turn: Turn) -> Result:
    """A recording as the answer of a call."""
    content = turn.result.content
    if definition.form == "json" and isinstance(content, str):
        content = parsed_text(content)
    update = {"content": content, "provenance": {"": "cassette"}, "delay_ms": None, "fault": None}
    return turn.result.model_copy(update=update)
