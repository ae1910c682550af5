"""The recorded nearest neighbour: what the same tool answered to the most similar call of another session.

It knows real answers, so it bounds what memory alone can reach; a tool that no other session of the family called has
no neighbour, which is counted. Two calls are as similar as the share of argument leaves that they have in common.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from gtm.eval.records import Answer, Item, Task, TrueTurn
from gtm.types import Json, Toolset, canonical

Pool = Callable[[Toolset], Iterable[Item]]
"""A family's tools -> all of its recorded sessions."""


class Nearest:
    """Answers with recordings."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._families: dict[str, dict[str, list[tuple[str, TrueTurn, frozenset[bytes]]]]] = {}
        """Digest of a family's tools -> tool -> (item, turn, leaves of its arguments)."""

    @property
    def name(self) -> str:
        """Its name in tables."""
        return "nearest"

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer a task, in order."""
        return [self._one(task) for task in tasks]

    async def aclose(self) -> None:
        """Forget the recordings."""
        self._families.clear()

    def _one(self, task: Task) -> Answer:
        wanted = frozenset(leaves(task.arguments))
        known = self._known(task.toolset).get(task.tool.name, ())
        others = [(turn, held) for item, turn, held in known if item != task.item]
        if not others:
            return Answer(failed="no other recording of this tool")
        turn, _ = max(others, key=lambda other: similarity(wanted, other[1]))
        text = (
            turn.response if isinstance(turn.response, str) else canonical(turn.response).decode("utf-8", "replace")
        )
        return Answer(content=turn.response, text=text, is_error=turn.is_error)

    def _known(self, toolset: Toolset) -> dict[str, list[tuple[str, TrueTurn, frozenset[bytes]]]]:
        if toolset.digest not in self._families:
            tools = self._families[toolset.digest] = {}
            for item in sorted(self._pool(toolset), key=lambda one: one.id):
                for turn in item.turns:
                    held = frozenset(leaves(turn.arguments))
                    tools.setdefault(turn.tool, []).append((item.id, turn, held))
        return self._families[toolset.digest]


def leaves(value: Json, path: str = "") -> Iterator[bytes]:
    """The scalars of a value with where they stand; places in a list do not count."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}/*")
    else:
        yield canonical([path, value])


def similarity(left: frozenset[bytes], right: frozenset[bytes]) -> float:
    """Shared leaves by all leaves; two calls without any are the same."""
    return len(left & right) / len(left | right) if left or right else 1.0
