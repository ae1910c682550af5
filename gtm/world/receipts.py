"""Writes that answer a receipt (an operation, a job) and not their thing, told from definitions alone."""

from collections.abc import Callable, Mapping, Sequence

from gtm.types import Effect, Json, Tool
from gtm.world.keys import ALWAYS
from gtm.world.resource import Resource
from gtm.world.words import flat

FEWEST = 3
"""Properties that an answer must have to be a receipt: fewer tell nothing."""

_WRITES = frozenset({"create", "update", "delete"})

ShapeOf = Callable[[Tool], dict[str, Json] | None]


class Receipts:
    """Which writes of a toolset answer what the writes of other resources answer too."""

    def __init__(
        self,
        tools: Sequence[Tool],
        effects: Mapping[str, Effect],
        shape_of: ShapeOf,
        keys_of: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._tools, self._effects, self._shape_of, self._keys_of = tools, effects, shape_of, keys_of
        self._writers: dict[frozenset[str], set[str]] = {}
        self._shown: dict[str, set[str]] = {}
        for tool in tools:
            effect = effects[tool.name]
            if effect.kind in _WRITES and effect.resource:
                self._writers.setdefault(self._top(tool), set()).add(effect.resource)
            elif effect.kind == "read" and effect.resource:
                self._shown.setdefault(effect.resource, set()).update(self._top(tool), self._inner(tool))

    def holds(self, tool: Tool) -> bool:
        """Whether a tool answers one."""
        effect = self._effects[tool.name]
        names = self._top(tool)
        if effect.kind not in _WRITES or len(names) < FEWEST or len(self._writers.get(names, ())) < 2:
            return False
        if any(flat(key) not in ALWAYS and key in names for key in self._keys_of(effect.resource or "")):
            return False  # what shows the thing's own key is about the thing
        shown = self._shown.get(effect.resource or "")
        return bool(shown) and 2 * len(names - (shown or set())) > len(names)

    def read_as(self, tool: Tool) -> str | None:
        """The resource as which a tool's receipts can be read: the nearest to the tool's things."""
        names = self._top(tool)
        readers = [
            effect.resource
            for other in self._tools
            if (effect := self._effects[other.name]).kind == "read" and effect.resource and self._top(other) == names
        ]
        own = (self._effects[tool.name].resource or "").split("/")
        return max(readers, key=lambda name: (_shared(own, name.split("/")), -len(name)), default=None)

    def key_of(self, tool: Tool, resource: Callable[[str], Resource]) -> tuple[str, dict[str, Json]] | None:
        """The key of a tool's receipt and what it must be, where receipts can be read; None where it answers none."""
        if not self.holds(tool):
            return None
        thing = resource(near) if (near := self.read_as(tool)) is not None else None
        return ("", {}) if thing is None else (thing.key or "", thing.key_leaf)

    def _inner(self, tool: Tool) -> frozenset[str]:
        """The names one level below, where a reader wraps its thing."""
        inner = ((self._shape_of(tool) or {}).get("properties") or {}).values()
        return frozenset(name for sub in inner for name in sub.get("properties") or ())

    def _top(self, tool: Tool) -> frozenset[str]:
        """The names an answer has at its top."""
        return frozenset((self._shape_of(tool) or {}).get("properties") or ())


def _shared(own: list[str], other: list[str]) -> int:
    """How many leading parts two resources share."""
    return next((at for at, (a, b) in enumerate(zip(own, other, strict=False)) if a != b), min(len(own), len(other)))
