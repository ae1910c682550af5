"""A cassette: recorded calls and answers, found again by tool and arguments.

The file is Episode JSONL. Equal calls play their recordings in order; who plays them remembers how far it got (see
`gtm.simulator.sources`), so a cassette itself never changes. Redacted places of a recording fit any value.
"""

import difflib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from gtm.errors import GtmError, SessionError, SpecError
from gtm.prompt import VERSION
from gtm.simulator.redact import REDACTED
from gtm.simulator.scrub import Scrubber, parsed_text
from gtm.simulator.validation import check_arguments
from gtm.tools.document import parse_line
from gtm.types import Episode, Example, Json, Tool, Toolset, Turn, canonical, digest

log = logging.getLogger(__name__)

MAX_BYTES = 200_000_000
"""Ten thousand recordings of 20 kB."""

MAX_COMPARED = 200
"""Recordings of a tool that are compared to find the nearest; what is alike is usually recorded together."""

MAX_SHOWN = 4
"""Differences that a message names."""

MAX_EXAMPLES = 20
"""Recorded answers of a tool that its shape is drawn from."""


class CassetteMiss(GtmError):
    """A call that is not recorded, where only recordings may answer. Says how the nearest recording differs."""


@dataclass(slots=True)
class Group:
    """Recordings of equal calls, oldest first."""

    arguments: dict[str, Json]
    mark: str
    """Name of the mark under which a session counts what it played."""
    masked: bool
    """Whether some of the arguments are redacted."""
    turns: list[Turn] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Where in the cassette each of them is."""


class Cassette:
    """Recordings of one toolset.

    Raises:
        SessionError: a recording is of a tool that the toolset does not have.
    """

    def __init__(self, toolset: Toolset, turns: Sequence[Turn], scrubber: Scrubber, source: str = "cassette") -> None:
        self._toolset = toolset
        self._scrubber = scrubber
        self._groups: dict[str, dict[bytes, Group]] = {}
        strange = dict.fromkeys(turn.call.tool for turn in turns if turn.call.tool not in toolset.by_name)
        if strange:
            names = ", ".join(repr(name) for name in list(strange)[:5]) + (" ..." if len(strange) > 5 else "")
            raise SessionError(
                f"{source!r} holds recordings of {names}, which {toolset.name!r} does not have; "
                "is it the cassette of another spec?"
            )
        for place, turn in enumerate(turns):
            tool = toolset.by_name[turn.call.tool]
            arguments = _known(tool, turn.call.arguments)
            groups = self._groups.setdefault(tool.name, {})
            group = groups.setdefault(_key(arguments), _group(tool, arguments))
            group.turns.append(turn)
            group.places.append(place)

    @classmethod
    def read(cls, path: Path | str, toolset: Toolset, scrubber: Scrubber) -> "Cassette":
        """The cassette in a file. Raises SessionError that names the line where it is damaged."""
        turns, old = [], ""
        for head, turn in read_turns(path):
            turns.append(turn)
            if not turn.observed and head.prompt_version != VERSION:
                old = head.prompt_version
        if old:
            log.warning(
                "%r holds answers that were simulated under prompt version %r: they are replayed as they are, but a "
                "fresh generation (version %r) would differ",
                str(path),
                old,
                VERSION,
            )
        return cls(toolset, turns, scrubber, str(path))

    def find(self, tool: Tool, arguments: Json) -> Group | None:
        """The recordings of a call."""
        groups = self._groups.get(tool.name)
        if not groups or not isinstance(arguments, dict):
            return None
        given = _known(tool, arguments)
        found = groups.get(_key(given))
        if found is not None:
            return found
        masked = (group for group in groups.values() if group.masked)
        return next((group for group in masked if self._agrees(group.arguments, given)), None)

    def mark(self, tool: Tool, arguments: dict[str, Json]) -> str:
        """Under which mark a session counts this call."""
        group = self.find(tool, arguments)
        return group.mark if group else mark_of(tool.name, self._scrubber.value(_known(tool, arguments)))

    def miss(self, tool: Tool, arguments: dict[str, Json], advice: str) -> CassetteMiss:
        """The error for a call without a recording."""
        near = self._ranked(tool, arguments)
        message = f"no recording answers {tool.name!r} with these arguments"
        if not near:
            return CassetteMiss(f"{message}: the cassette has none of this tool; {advice}")
        shown = "; ".join(_differences(near[0].arguments, self._scrubber.value(arguments)))
        return CassetteMiss(f"{message}; the nearest one differs: {shown}; {advice}")

    def examples(self, tool: Tool, arguments: dict[str, Json], most: int) -> list[Example]:
        """Real successes of the tool, those with the most similar arguments first."""
        found = []
        for group in self._ranked(tool, arguments):
            turn = next((t for t in group.turns if t.observed and not t.result.is_error), None)
            if turn is not None:
                found.append(_example(turn))
            if len(found) == most:
                break
        return found

    def shapes(self, tool: Tool) -> tuple[Example, ...]:
        """Real JSON answers of a tool, which say what shape its answers have."""
        turns = (turn for group in self._groups.get(tool.name, {}).values() for turn in group.turns)
        examples = (_example(turn) for turn in turns if turn.observed and not turn.result.is_error)
        structured = [example for example in examples if isinstance(example.response, dict | list)]
        return tuple(structured[:MAX_EXAMPLES])

    def _ranked(self, tool: Tool, arguments: dict[str, Json]) -> list[Group]:
        groups = list(self._groups.get(tool.name, {}).values())[:MAX_COMPARED]
        return sorted(groups, key=lambda group: -_similarity(group.arguments, arguments))

    def _agrees(self, recorded: Json, given: Json) -> bool:
        if recorded == REDACTED:
            return True
        if isinstance(recorded, dict):
            same = isinstance(given, dict) and recorded.keys() == given.keys()
            return same and all(self._agrees(value, given[name]) for name, value in recorded.items())
        if isinstance(recorded, list):
            same = isinstance(given, list) and len(recorded) == len(given)
            return same and all(self._agrees(*pair) for pair in zip(recorded, given, strict=True))
        if isinstance(recorded, str) and REDACTED in recorded:
            return isinstance(given, str) and self._scrubber.text(given) == recorded
        return _key(recorded) == _key(given)


def _group(tool: Tool, arguments: dict[str, Json]) -> Group:
    return Group(arguments, mark_of(tool.name, arguments), REDACTED.encode() in canonical(arguments))


def mark_of(tool: str, arguments: dict[str, Json]) -> str:
    """The mark of a call, by all that is recorded of it."""
    return f"cassette:{digest([tool, _plain(arguments)])[:16]}"


def read_turns(path: Path | str) -> Iterator[tuple[Episode, Turn]]:
    """The turns of an Episode file, each with its header. Raises SessionError that names the line."""
    source, head = str(path), None
    for number, line, whole in _lines(source):
        where = f"{source!r} line {number}"
        try:
            value = parse_line(line, where)
            if isinstance(value, dict) and "toolset_digest" in value:
                head = Episode.model_validate(value)
                continue
            turn = Turn.model_validate(value)
        except (SpecError, ValidationError) as error:
            if not whole:
                raise SessionError(
                    f"{where}, the last one, is cut off; delete it, or record on (which removes it)"
                ) from None
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise SessionError(f"{where} is no recorded turn: {reason}; delete it or record it again") from None
        if head is None:
            raise SessionError(f"{source!r} has no Episode header; make it with gtm record, or --import a recording")
        yield head, turn


def _lines(source: str) -> Iterator[tuple[int, bytes, bool]]:
    """Numbered lines that are not empty, and whether each one ends."""
    try:
        with open(source, "rb") as file:
            read = 0
            for number, line in enumerate(file, 1):
                read += len(line)
                if read > MAX_BYTES:
                    raise SessionError(f"{source!r} is larger than {MAX_BYTES // 1_000_000} MB; split it")
                if line.strip():
                    yield number, line, line.endswith(b"\n")
    except OSError as error:
        raise SessionError(f"the cassette {source!r} cannot be read: {error.strerror}; check the path") from None


def _example(turn: Turn) -> Example:
    content = turn.result.content
    response = parsed_text(content) if isinstance(content, str) else content
    return Example(arguments=turn.call.arguments, response=response, status=turn.result.status)


def _known(tool: Tool, arguments: dict[str, Json]) -> dict[str, Json]:
    """The arguments that count: those the tool ignores do not."""
    ignored = check_arguments(tool, arguments).unknown
    return {name: value for name, value in arguments.items() if name not in ignored}


def _key(value: Json) -> bytes:
    return canonical(_plain(value))


def _plain(value: Json) -> Json:
    """`1.0` as `1`: JSON has one kind of number."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _similarity(left: dict[str, Json], right: dict[str, Json]) -> float:
    """0 to 1: how many of the arguments are alike."""
    names = left.keys() | right.keys()
    shared = left.keys() & right.keys()
    return sum(_alike(left[name], right[name]) for name in shared) / len(names) if names else 1.0


def _alike(left: Json, right: Json) -> float:
    if _key(left) == _key(right):
        return 1.0
    if isinstance(left, dict) and isinstance(right, dict):
        return 0.9 * _similarity(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return 0.5 * difflib.SequenceMatcher(None, left[:100], right[:100]).ratio()
    return 0.0


def _differences(recorded: dict[str, Json], given: dict[str, Json]) -> list[str]:
    """What a person compares: recorded and given values, argument by argument."""
    found = []
    for name in sorted(recorded.keys() | given.keys()):
        if name not in given:
            found.append(f"{name}: recorded {_short(recorded[name])}, not given")
        elif name not in recorded:
            found.append(f"{name}: given {_short(given[name])}, not recorded")
        elif _key(recorded[name]) != _key(given[name]):
            found.append(f"{name}: recorded {_short(recorded[name])}, given {_short(given[name])}")
    more = [f"and {len(found) - MAX_SHOWN} more"] if len(found) > MAX_SHOWN else []
    return found[:MAX_SHOWN] + more


def _short(value: Json) -> str:
    text = canonical(value).decode("utf-8", "replace")
    return text if len(text) <= 80 else f"{text[:79]}…"
