"""Writing a cassette: one Episode file, appended turn by turn, by one process at a time.

A turn is whole on the disk or not there: a last line that an earlier recording was cut in is removed when the file is
opened again, and nothing before it is touched. Secrets are out before anything is written.
"""

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from gtm.errors import SessionError
from gtm.prompt import VERSION
from gtm.simulator.redact import recordable
from gtm.simulator.scrub import Scrubber
from gtm.tools.view import View
from gtm.types import Call, Episode, Json, Result, Tool, Toolset, Turn
from gtm.world.services import clock_text

REAL = "real"
"""The model of an Episode that was recorded from a real tool."""

log = logging.getLogger(__name__)

MAX_LINE = 50_000_000
"""Bytes of the last line that are looked at when a file is resumed."""


class Recorder:
    """An Episode file held for appending.

    Args:
        path: the file; made where there is none, gone on with where it is an Episode file.
        toolset: whose calls are recorded.
        scrubber: takes the secrets out.
        model: what answered; `real` for the real tools.
        wait: seconds to wait for another recording to the same file.
        one_run: go on with the Episode that is there; else what is recorded now has a header of its own.

    Raises:
        SessionError: the file cannot be written, is no Episode file, or is being recorded to by somebody else.
    """

    def __init__(
        self,
        path: Path | str,
        toolset: Toolset,
        scrubber: Scrubber,
        *,
        model: str = REAL,
        wait: float = 0.0,
        one_run: bool = False,
    ) -> None:
        self.path = Path(path)
        self._scrubber = scrubber
        self._one_run = one_run
        self._header = Episode(
            toolset=toolset.name, toolset_digest=toolset.digest, seed=0, model=model, prompt_version=VERSION
        )
        self.turns = 0
        """Written by this recorder."""
        with self._guarded():
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._lock(wait)
            with self._guarded():
                self._begun = self._prepare()
        except BaseException:
            os.close(self._fd)
            raise

    def keep(
        self,
        tool: Tool,
        arguments: Json,
        result: Result,
        *,
        latency_ms: float | None = None,
        simulated_at: int | None = None,
    ) -> None:
        """Append a call and its answer; `simulated_at`: how many turns came before it in a session that imagined it.

        Raises:
            SessionError: the disk refuses.
        """
        number = self.turns if simulated_at is None else simulated_at
        turn = Turn(
            call=Call(tool=tool.name, arguments=self._arguments(tool, arguments)),
            result=self._scrubbed(tool, result),
            time=clock_text(number, 0.0),
            observed=simulated_at is None,
            latency_ms=latency_ms,
        )
        lines = [] if self._begun else [next(self._header.lines())]
        with self._guarded():
            self._append("".join(f"{line}\n" for line in (*lines, turn.model_dump_json())).encode())
        self._begun = True
        self.turns += 1

    def close(self) -> None:
        """Let go of the file; one that nothing was written to is not left behind."""
        if self._fd >= 0:
            if os.fstat(self._fd).st_size == 0:
                self.path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _arguments(self, tool: Tool, arguments: Json) -> dict[str, Json]:
        cleaned: dict[str, Json] = self._scrubber.value(recordable(View(tool.parameters, tool.parameters), arguments))
        return cleaned

    def _scrubbed(self, tool: Tool, result: Result) -> Result:
        output = tool.output_schema if isinstance(tool.output_schema, dict) else None
        content = self._scrubber.value(result.content, View(output, output) if output else None)
        text = self._scrubber.text(result.text) if content == result.content else text_of(content)
        return result.model_copy(update={"content": content, "text": text})

    def _lock(self, wait: float) -> None:
        until = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise SessionError(
                        f"{str(self.path)!r} is being recorded to by another process; end that one, "
                        "or name another file"
                    ) from None
                time.sleep(0.02)

    def _prepare(self) -> bool:
        """Check that the file is ours to go on with, drop a last line that was cut; whether it needs no header."""
        size = os.fstat(self._fd).st_size
        if size and b'"gtm-episode-1"' not in os.pread(self._fd, 4096, 0).partition(b"\n")[0]:
            raise SessionError(
                f"{str(self.path)!r} is not an Episode file, so it is left as it is; name another file"
            )
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            start = max(0, size - MAX_LINE)
            os.ftruncate(self._fd, start + os.pread(self._fd, size - start, start).rfind(b"\n") + 1)
            log.warning("%r ended in a line that was cut off; that line was removed", str(self.path))
        return self._one_run and os.fstat(self._fd).st_size > 0

    def _append(self, data: bytes) -> None:
        size = os.fstat(self._fd).st_size
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            os.ftruncate(self._fd, size)
            raise

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SessionError(
                f"the cassette {str(self.path)!r} cannot be written: {error.strerror}; free the disk or name another"
            ) from None


def text_of(content: Json) -> str:
    """An answer as one string, as an agent reads it."""
    if content is None:
        return ""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
