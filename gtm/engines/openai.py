"""Any server that speaks the OpenAI protocol (`/chat/completions`), as an engine.

Invariant: a request is tried again only where trying again can help, waits as the server asks, and fails with one
message that names the address and the status and never the key. What a server refuses to be asked for (a schema, a
seed) is left out from then on: the caller checks and repairs what comes back anyway.
"""

import asyncio
import os
import random
import re
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from gtm.engines.base import Completion, Request, check_allowed
from gtm.errors import EngineError, ModelError
from gtm.types import Json

if TYPE_CHECKING:
    import httpx2

SPEC = re.compile(r"openai:(?P<model>[^\s]+?)@(?P<url>https?://[^\s]+)")
RETRIED = frozenset({408, 409, 425, 429, *range(500, 600)})
RENAMED = {"max_completion_tokens": "max_tokens"}
"""Named in a refusal -> what to leave out; newer servers want the first instead of the second."""

MAX_WAIT = 60.0
"""Seconds; a server that asks for more gets a failure instead of a caller that hangs."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often to try."""

    attempts: int = 5
    first_wait: float = 0.5
    """Seconds before the second attempt; doubled each time, with jitter."""
    timeout: float = 120.0
    """Seconds a server may be silent."""


@dataclass(frozen=True, slots=True)
class _Connection:
    """What belongs to one event loop."""

    client: "httpx2.AsyncClient"
    places: asyncio.Semaphore


class OpenAIEngine:
    """A model behind `openai:NAME@http://host/v1`, asked with temperature 0 and the request's seed.

    The key is read from the environment variable `api_key_env` at each request; without one none is sent.
    """

    def __init__(
        self,
        spec: str,
        *,
        api_key_env: str = "OPENAI_API_KEY",
        max_in_flight: int = 32,
        patience: Patience | None = None,
    ) -> None:
        match = SPEC.fullmatch(spec)
        if match is None:
            raise ModelError(f"{_public(spec)!r} is not openai:NAME@URL, as in openai:qwen3@http://127.0.0.1:8000/v1")
        self._model = match["model"]
        parts = urlsplit(match["url"])
        self._url = urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/chat/completions"))
        self._shown = _public(self._url)
        self._key_variable = api_key_env
        self._max_in_flight = max_in_flight
        self._patience = patience or Patience()
        self._refused: frozenset[str] = frozenset()
        self._connections: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Connection] = (
            weakref.WeakKeyDictionary()
        )
        self._closed = False

    @property
    def name(self) -> str:
        """Identity of the model and its server."""
        return f"openai:{self._model}@{self._shown.removesuffix('/chat/completions')}"

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order."""
        check_allowed(self.name)
        if self._closed:
            raise EngineError(f"the engine {self.name!r} is closed; open a new one")
        connection = self._connection()
        tasks = [asyncio.ensure_future(self._one(connection, request)) for request in requests]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def aclose(self) -> None:
        """Close the connections of this event loop; those of loops that ended went with them."""
        self._closed = True
        connection = self._connections.pop(asyncio.get_running_loop(), None)
        if connection is not None:
            await connection.client.aclose()

    def _connection(self) -> _Connection:
        import httpx2

        loop = asyncio.get_running_loop()
        found = self._connections.get(loop)
        if found is None:
            limits = httpx2.Limits(max_connections=self._max_in_flight)
            timeout = httpx2.Timeout(self._patience.timeout, pool=None)
            found = _Connection(
                httpx2.AsyncClient(timeout=timeout, limits=limits), asyncio.Semaphore(self._max_in_flight)
            )
            self._connections[loop] = found
        return found

    async def _one(self, connection: _Connection, request: Request) -> Completion:
        """Ask, and leave out what the server refuses to be asked for."""
        async with connection.places:
            refused = self._refused
            while True:
                status, answer = await self._ask(connection.client, self._body(request, refused), request.seed)
                if status == 200:
                    self._refused = self._refused | refused
                    return self._completion(answer)
                more = _concession(answer, request, refused) if status in (400, 422) else None
                if more is None:
                    raise EngineError(
                        f"{self._shown!r} answered {status}: {self._without_key(answer)}; {_advice(status)}"
                    )
                refused = refused | {more}

    async def _ask(self, client: "httpx2.AsyncClient", body: Json, seed: int) -> tuple[int, str]:
        """Status and text of the answer, once the server gives a final one."""
        import httpx2

        key = os.environ.get(self._key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        wait = self._patience.first_wait
        problem = ""
        for attempt in range(self._patience.attempts):
            asked: float | None = None
            try:
                response = await client.post(self._url, json=body, headers=headers)
                if response.status_code not in RETRIED:
                    return response.status_code, response.text
                problem = f"answered {response.status_code}: {self._without_key(response.text)}"
                asked = _retry_after(response.headers.get("retry-after", ""))
            except httpx2.TransportError as error:
                problem = f"cannot be reached ({type(error).__name__}: {self._without_key(str(error))})"
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise EngineError(f"{self._shown!r} failed: {self._without_key(str(error))}") from error
            if asked is not None and asked > MAX_WAIT:
                raise EngineError(f"{self._shown!r} asks to wait {asked:.0f} s; try again later")
            if attempt + 1 < self._patience.attempts:
                jitter = random.Random(f"{seed}:{attempt}").uniform(0.5, 1.0)
                await asyncio.sleep(max(asked or 0.0, min(wait, MAX_WAIT) * jitter))
                wait *= 2
        raise EngineError(
            f"{self._shown!r} {problem}, {self._patience.attempts} times; check that the server runs and has room"
        )

    def _body(self, request: Request, refused: frozenset[str]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": m.role, "content": _encodable(m.content)} for m in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": 0,
            "seed": request.seed & 0x7FFFFFFF,
        }
        if request.stop:
            body["stop"] = list(request.stop)
        if request.schema is not None:
            schema = {"name": "answer", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if "max_tokens" in refused:
            body["max_completion_tokens"] = request.max_tokens
        return {name: value for name, value in body.items() if name not in refused}

    def _completion(self, answer: str) -> Completion:
        from pydantic_core import from_json

        try:
            body = from_json(answer)
            choice = body["choices"][0]
            text = choice["message"]["content"] or ""
            usage = body.get("usage") or {}
            if not isinstance(text, str):
                raise TypeError("content is not text")
            return Completion(
                text,
                "length" if choice.get("finish_reason") == "length" else "stop",
                int(usage.get("prompt_tokens") or 0),
                int(usage.get("completion_tokens") or 0),
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise EngineError(
                f"{self._shown!r} did not answer as /chat/completions does ({error!r}); is the URL the API's base?"
            ) from error

    def _without_key(self, text: str) -> str:
        """One short line of what a server said; some quote the key they were sent."""
        key = os.environ.get(self._key_variable)
        line = " ".join(text.split())
        return (line.replace(key, "…") if key else line)[:300]


def _concession(answer: str, request: Request, refused: frozenset[str]) -> str | None:
    """The next thing to leave out, after the server said that the request is wrong."""
    said = answer.lower()
    for word, parameter in (*RENAMED.items(), ("temperature", "temperature"), ("seed", "seed")):
        if word in said and parameter not in refused:
            return parameter
    return "response_format" if request.schema is not None and "response_format" not in refused else None


def _retry_after(header: str) -> float | None:
    """Seconds, given as a number or as a date."""
    header = header.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", header):
        return float(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds()) if when.tzinfo else None


def _advice(status: int) -> str:
    if status in (401, 403):
        return "check the API key in the environment"
    if status == 404:
        return "check the URL (it ends before /chat/completions) and the model's name"
    return "the server refuses this request"


def _public(url: str) -> str:
    """An address, or a spec, without the user, password and query it may carry."""
    head, found, rest = url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return head + found + host.rpartition("@")[2] + slash + path


def _encodable(text: str) -> str:
    """Text as UTF-8 can hold it."""
    return text.encode("utf-8", "replace").decode("utf-8")
