"""Closed loops: a session of a candidate's own, in which each call stands on the answers before it.

The simulator has sessions; every other candidate is shown its own earlier answers as the history.
"""

from typing import Protocol

from gtm.eval.records import Candidate, Task, TrueTurn
from gtm.eval.simulated import Simulated
from gtm.types import Json, Result, Toolset


class Talk(Protocol):
    """A session of a candidate."""

    async def call(self, name: str, arguments: dict[str, Json]) -> Result:
        """One call, which the next ones build on."""


class Told:
    """A session of a candidate that keeps none itself."""

    def __init__(self, candidate: Candidate, toolset: Toolset, seed: int, name: str) -> None:
        self._candidate = candidate
        self._toolset = toolset
        self._seed = seed
        self._name = name
        self._history: tuple[TrueTurn, ...] = ()

    async def call(self, name: str, arguments: dict[str, Json]) -> Result:
        """One call; no answer reads as an error."""
        task = Task(
            item=self._name,
            step=len(self._history),
            toolset=self._toolset,
            tool=self._toolset.by_name[name],
            arguments=arguments,
            history=self._history,
            fresh=False,
            initial=None,
            seed=self._seed,
        )
        [answer] = await self._candidate.answer([task])
        is_error = answer.is_error or bool(answer.failed)
        turn = TrueTurn(tool=name, arguments=arguments, response=answer.content, is_error=is_error)
        self._history = (*self._history, turn)
        return Result(content=answer.content, text=answer.text or answer.failed, is_error=is_error)


async def begin(candidate: Candidate, toolset: Toolset, seed: int, name: str) -> Talk:
    """A new session."""
    if isinstance(candidate, Simulated):
        return await candidate.begin(toolset, seed)
    return Told(candidate, toolset, seed, name)
