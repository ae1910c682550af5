"""All tools that a server offers, by the name it offers them under.

A name that several toolsets have becomes `toolset.name` in each; everything else keeps its own. Knows nothing of
sessions or protocols.
"""

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gtm.simulator.simulator import Simulator
from gtm.types import Tool


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool as it is offered."""

    name: str
    """The offered name."""
    tool: Tool
    world: int
    """Index of its simulator."""


class Directory:
    """The tools of several simulators."""

    def __init__(self, simulators: Sequence[Simulator]) -> None:
        self.simulators = tuple(simulators)
        self.labels = _labels([simulator.toolset.name for simulator in simulators])
        """A unique name for each simulator."""
        counts = Counter(tool.name for simulator in simulators for tool in simulator.toolset.tools)
        self.entries: dict[str, Entry] = {}
        self.renamed: list[tuple[str, str]] = []
        """Tools that are offered under another name: (own, offered)."""
        taken = set(counts)
        for world, simulator in enumerate(simulators):
            for tool in simulator.toolset.tools:
                name = tool.name
                if counts[name] > 1:
                    name = _free(f"{self.labels[world]}.{name}", taken)
                    taken.add(name)
                    self.renamed.append((tool.name, name))
                self.entries[name] = Entry(name, tool, world)

    def find(self, name: str) -> Entry | None:
        """The tool offered as `name`."""
        return self.entries.get(name)

    def world(self, label: str) -> int | None:
        """Index of the simulator called `label`."""
        return self.labels.index(label) if label in self.labels else None

    def unknown(self, name: str) -> str:
        """What to tell a caller of a name that is not offered."""
        close = difflib.get_close_matches(name[:200], self.entries, 1)
        hint = f"; did you mean {close[0]!r}?" if close else "; list the tools to see their names"
        return f"there is no tool {name[:200]!r}{hint}"


def _labels(names: Sequence[str]) -> tuple[str, ...]:
    labels: list[str] = []
    for name in names:
        labels.append(_free(name, set(labels)))
    return tuple(labels)


def _free(name: str, taken: set[str]) -> str:
    number, candidate = 2, name
    while candidate in taken:
        number, candidate = number + 1, f"{name}-{number}"
    return candidate
