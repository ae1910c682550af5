"""An engine without weights: answers from a list, from a function, or drawn from the shape by the seed.

Ships in the package, drives README, examples and tests, and is never switched off. Invariant: the same request and
script give the same bytes; nothing is awaited, so it costs some tens of microseconds.
"""

import random
from collections.abc import Callable, Iterator, Sequence

from gtm.engines.base import Completion, Request
from gtm.engines.grammar import dump
from gtm.errors import EngineError
from gtm.tools.draw import draw
from gtm.types import Json

WORDS = "the request was read and its answer was written here as one short line of plain text".split()


class ScriptedEngine:
    """Answers as told.

    Without `answers`, JSON is drawn from the request's shape and seed. A list is used up in order, then it is an
    error; an exception in it is raised in its turn. A function answers each request. An answer is a JSON value,
    written compactly, except that a string to a request without a shape, or of a list or function that wants to hand
    out broken JSON (`raw=True`), is taken as it stands.
    """

    def __init__(
        self,
        answers: Sequence[Json | Exception] | Callable[[Request], Json] | None = None,
        *,
        name: str = "scripted",
        raw: bool = False,
    ) -> None:
        self._name = name
        self._raw = raw
        self._answer: Callable[[Request], Json] = _sampled
        if callable(answers):
            self._answer = answers
        elif answers is not None:
            script: Iterator[Json | Exception] = iter(list(answers))
            self._answer = lambda request: next(script, EngineError(f"the script of {name!r} has no answer left"))
        self._closed = False
        self.requests: list[Request] = []
        """What was asked, in order, for tests to look at; kept only for scripts, not for the sampler."""
        self._keep = answers is not None

    @property
    def name(self) -> str:
        """Identity for the response cache."""
        return self._name

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order."""
        if self._closed:
            raise EngineError(f"the engine {self._name!r} is closed; open a new one")
        return [self._complete(request) for request in requests]

    async def aclose(self) -> None:
        """Refuse further requests."""
        self._closed = True

    def _complete(self, request: Request) -> Completion:
        if self._keep:
            self.requests.append(request)
        answer = self._answer(request)
        if isinstance(answer, Exception):
            raise answer
        as_text = isinstance(answer, str) and (self._raw or request.schema is None)
        text = answer if as_text else dump(answer)
        return Completion(text, "stop", 0, len(text) // 4)


def _sampled(request: Request) -> Json:
    rng = random.Random(request.seed)
    if request.schema is not None:
        return draw(request.schema, rng)
    return " ".join(rng.sample(WORDS, 8)).capitalize() + "."
