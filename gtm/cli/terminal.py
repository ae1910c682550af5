"""What a person sees: lines on stderr, a progress bar, tables and pretty JSON on stdout.

Invariant: only `show` and `show_json` write to stdout. Knows nothing of tools.
"""

import json
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence

from gtm.types import Json

BAR = 24
"""Characters of a progress bar."""

STAGES = {
    "download": "downloading the weights",
    "check": "checking the weights",
    "merge": "merging the adapter",
    "prepare": "preparing the model",
}
"""Stages of `gtm.engines.models.fetch` -> what a person reads; another stage goes by its own name."""

REDRAW_SECONDS = 0.1

LINE_SECONDS = 5.0
"""Between progress lines where stderr is not a terminal (a log file wants few of them)."""


def say(message: str) -> None:
    """A line for people, on stderr."""
    print(message, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Data, on stdout."""
    print(_printable(text), flush=True)


def show_json(value: Json) -> None:
    """Data as JSON, on stdout: indented for a terminal, one line for a program."""
    show(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns. The last column is the widest: it is wrapped to the terminal, never cut."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header) - 1)]
    indent = sum(widths) + 2 * len(widths)
    room = max(shutil.get_terminal_size((118, 40)).columns - indent, 30)
    lines = []
    for row in [header, *rows]:
        cells = "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False))
        wrapped = textwrap.wrap(row[-1], room) or [""]
        lines += [(cells + wrapped[0]).rstrip(), *(" " * indent + more for more in wrapped[1:])]
    return "\n".join(lines)


def leave_pipe() -> int:
    """The reader of stdout is gone (`gtm … | head`): stop quietly, as other commands do."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class Progress:
    """Progress on stderr, as a callback `(stage, done, total)`: a bar, or a few lines where that is no terminal."""

    def __init__(self) -> None:
        self._stage = ""
        self._said = 0.0
        self._drawn = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that `done` of `total` bytes or parts of a stage are finished; a total of 0 is unknown."""
        live = sys.stderr.isatty()
        now = time.monotonic()
        new = stage != self._stage
        ended = 0 < total <= done
        if not new and not ended and now - self._said < (REDRAW_SECONDS if live else LINE_SECONDS):
            return
        if new:
            self.close()
        self._stage, self._said = stage, now
        name = STAGES.get(stage, stage)
        if live:
            line = f"{name:<28} {_amount(done, total)}"
            sys.stderr.write(f"\r{line:<79}")
            sys.stderr.flush()
            self._drawn = True
        else:
            say(f"{name} {done / total:.0%}" if total > 0 else name)

    def close(self) -> None:
        """End the line."""
        if self._drawn:
            sys.stderr.write("\n")
            self._drawn = False


class Steps:
    """Progress of long work on stderr, as a callback `(stage, done, total, rows)`: how much, how fast, how long."""

    def __init__(self) -> None:
        self._stage = ""
        self._began = (0.0, 0, 0)
        self._said = 0.0

    def __call__(self, stage: str, done: int, total: int, rows: int) -> None:
        """Report that so many units of a stage are done, which made so many rows since it started."""
        now = time.monotonic()
        live = sys.stderr.isatty()
        if stage != self._stage:
            self._stage, self._began, self._said = stage, (now, done, rows), now
        elif done < total and now - self._said < (REDRAW_SECONDS if live else 2 * LINE_SECONDS):
            return
        self._said = now
        began, first, before = self._began
        passed = max(now - began, 1e-9)
        rate = (done - first) / passed
        left = f"{_clock((total - done) / rate)} left" if rate > 0 and done < total else f"in {_clock(passed)}"
        fast = f", {rows:,} rows, {(rows - before) / passed:,.0f} rows/s" if rows else ""
        line = f"{stage:<18} {done:,} of {total:,}{fast}, {left}"
        sys.stderr.write(f"\r{line:<79}" if live else f"{line}\n")
        if live and done >= total:
            sys.stderr.write("\n")
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _amount(done: int, total: int) -> str:
    if total > 0:
        share = min(done / total, 1.0)
        return f"[{'#' * round(share * BAR):<{BAR}}] {share:4.0%}"
    return f"{done / 1_000_000:.1f} MB" if done else ""


def _printable(text: str) -> str:
    """What the terminal's encoding cannot hold (lone surrogates, an ASCII locale) is escaped, not an error."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
