"""Rows that an evaluation file has too, by shared runs of words or the same call. Those files fit in memory."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from gtm.carg.records import Called
from gtm.errors import ConfigError
from gtm.tools.document import open_lines, parse_line
from gtm.types import Json, canonical

RUN = 13
"""Words in a row that no two texts share by chance: the length that GPT-3's and later decontaminations use."""

_WORD = re.compile(rb"[a-z0-9]+")
_NAMES = ("tool", "name", "function")


class Evaluation:
    """What evaluation files say, as they can be looked up."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._runs: set[bytes] = set()
        self._calls: set[bytes] = set()
        for path in paths:
            self._read(path)

    @staticmethod
    @lru_cache(maxsize=4)
    def of(paths: tuple[str, ...]) -> "Evaluation":
        """The same, read once a process. Raises ConfigError where a file cannot be read."""
        return Evaluation(paths)

    def __bool__(self) -> bool:
        return bool(self._runs or self._calls)

    def holds(self, call: Called) -> bool:
        """Whether a call is there too, or shares a run of words with what is."""
        if _called(call.tool, call.arguments) in self._calls:
            return True
        texts = [call.result.text.encode("utf-8", "replace"), canonical(call.arguments)]
        if call.written is not None:
            texts += [text.encode("utf-8", "replace") for role, text in call.written.messages[-1:]]
        return any(not self._runs.isdisjoint(_runs(text)) for text in texts)

    def _read(self, path: str) -> None:
        try:
            for number, line in enumerate(open_lines(path), 1):
                record = parse_line(line, f"{path}:{number}")
                for text in _texts(record):
                    self._runs.update(_runs(text))
                self._calls.update(_calls(record))
        except OSError as error:
            raise ConfigError(
                f"the evaluation file {str(Path(path))!r} cannot be read ({error.strerror}); check curate.evaluation"
            ) from None


def _runs(text: bytes) -> Iterator[bytes]:
    words = _WORD.findall(text.lower())
    for at in range(len(words) - RUN + 1):
        yield b" ".join(words[at : at + RUN])


def _called(tool: str, arguments: Json) -> bytes:
    return canonical([tool, arguments])


def _texts(value: Json) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode("utf-8", "replace")
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
        yield canonical(value)


def _calls(value: Json) -> Iterator[bytes]:
    if isinstance(value, dict):
        name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
        if name is not None and isinstance(value.get("arguments"), dict):
            yield _called(name, value["arguments"])
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _calls(item)
