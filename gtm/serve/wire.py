"""Bytes of a request, read within bounds: body, JSON, the session's name; and its client, watched while it waits."""

import asyncio
import json
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope

from gtm.serve.problems import Refused
from gtm.serve.sessions import check_name
from gtm.types import Json

MAX_DEPTH = 64
"""Brackets within brackets in a JSON body: as deep as arguments may be."""

MAX_FIELDS = 1_000
"""Fields of a query string or form."""

PATIENCE = 0.05
"""Seconds before a waiting request's connection is watched: most are answered sooner and need no second task."""


def header(scope: Scope, name: bytes) -> str | None:
    """A header's first value."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises Refused (413) beyond `limit`, ClientGone where the client left."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the body has more than {limit} bytes, the most this server takes", {"Connection": "close"})


class ClientGone(Exception):
    """The client left before its request was whole; nobody waits for an answer."""


def parse_json(body: bytes) -> Json:
    """A JSON body. Raises Refused (400) on anything else, NaN and too many levels included."""
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise Refused(400, f"the body has more than {MAX_DEPTH} levels; send a flatter one") from None
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        check_depth(value)
    return value


def check_depth(value: Json) -> None:
    """Raise Refused (400) where a value has more than MAX_DEPTH levels."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise Refused(400, f"the body has more than {MAX_DEPTH} levels; send a flatter one")


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def query(scope: Scope) -> list[tuple[str, str]]:
    """The query string's fields. Raises Refused (400) where there are too many."""
    text = scope["query_string"].decode("latin-1")
    if not text:
        return []
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Refused(400, f"the query string has more than {MAX_FIELDS} fields") from None


def split_session(path: str) -> tuple[str | None, str]:
    """The session's name in `/s/{session}/...`, checked, and the path after it."""
    if not path.startswith("/s/"):
        return None, path
    name, slash, rest = path[3:].partition("/")
    return check_name(name), f"{slash}{rest}" or "/"


def session_named(scope: Scope, *, own_query: bool = False) -> str | None:
    """The session that `?session=` or the header names, checked; `own_query`: the query field is the tool's own."""
    if not own_query and b"session=" in scope["query_string"]:
        found = next((value for name, value in query(scope) if name == "session"), None)
        if found is not None:
            return check_name(found)
    named = header(scope, b"x-gtm-session")
    return check_name(named) if named is not None else None


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body already read, then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


class WhileConnected:
    """Cancels what runs inside it when the client leaves. The body must have been read."""

    __slots__ = ("_gone", "_receive", "_request", "_timer", "_watcher")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._request = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if not self._gone or self._request is None:
            return False
        # Somebody else may have cancelled the request too: that is theirs to see.
        return self._request.uncancel() == 0 and kind is asyncio.CancelledError

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._request is not None:
            self._request.cancel()
