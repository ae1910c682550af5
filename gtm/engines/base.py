"""The seam to whatever writes text: one async method under a JSON Schema.

Retries, caching and concurrency wrap an engine from outside. Knows nothing of tools, worlds or prompts.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gtm.errors import GenerationForbidden
from gtm.types import Json, Message

FORBID_VARIABLE = "GTM_FORBID_GENERATION"
"""Environment variable: set to 1, every engine but the scripted one refuses to generate (for tests and CI)."""

Ending = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to write."""

    messages: tuple[Message, ...]
    schema: dict[str, Json] | None
    """A *shape* (see `gtm.tools.shape`): every object closed with all properties required. None asks for text."""
    max_tokens: int = 512
    seed: int = 0
    stop: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Completion:
    """What was written. `text` may be cut short (`ending == "length"`): parsing copes with that."""

    text: str
    ending: Ending = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Engine(Protocol):
    """Writes text under a JSON Schema.

    `name` identifies weights and settings: equal names mean interchangeable outputs, and it is part of the
    response cache's key. `generate` may be called from any event loop, and by many callers at once; cancelling the
    awaiting task frees the engine's resources. Raises `EngineError` (infrastructure) only.
    """

    @property
    def name(self) -> str:
        """Identity of weights and settings."""

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order."""

    async def aclose(self) -> None:
        """Free everything; further calls raise `EngineError`."""


def check_allowed(engine: str) -> None:
    """Raise `GenerationForbidden` where real generation is switched off."""
    if os.environ.get(FORBID_VARIABLE) == "1":
        raise GenerationForbidden(
            f"{engine!r} was asked to generate, but {FORBID_VARIABLE}=1 forbids it; unset it or use model='scripted'"
        )
