"""A recording reverse proxy in front of an HTTP API: what the spec knows lands in a cassette.

Requests go on to the one host that the user named, and answers come back as they are. Headers are never recorded;
credentials pass through in memory only. Redirects are handed to the client, not followed. A request that the spec
does not know is forwarded too, and counted.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gtm.errors import ConfigError, SessionError
from gtm.serve.app import serve_app
from gtm.serve.guard import Guard
from gtm.serve.matching import Matched, Matcher
from gtm.serve.options import ServeOptions
from gtm.serve.problems import Refused, problem
from gtm.serve.wire import ClientGone, read_body
from gtm.simulator.recorder import Recorder
from gtm.simulator.scrub import Scrubber
from gtm.simulator.upstream import UpstreamError
from gtm.simulator.upstream_http import TIMEOUT, exchange, result_of
from gtm.types import Toolset

_OWN = frozenset(
    b"host connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade"
    b" content-length accept-encoding".split()
)
"""Headers of a connection, which a proxy does not pass on."""

_UNPACKED = frozenset(("content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"))

MAX_BODY = 20_000_000

log = logging.getLogger(__name__)


class HttpRecorder:
    """An ASGI application in front of one API."""

    def __init__(self, base: str, toolset: Toolset, recorder: Recorder) -> None:
        if not base.startswith(("http://", "https://")):
            raise ConfigError(f"{base!r} is no address of an API; give it as https://host/base")
        self._base = base.rstrip("/")
        self._matcher = Matcher(toolset)
        self._recorder = recorder
        self._client: httpx2.AsyncClient | None = None
        self.unmatched: Counter[str] = Counter()
        """Requests that were forwarded but not recorded, by method, path and reason."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request."""
        try:
            response = await self._forward(scope, await read_body(scope, receive, MAX_BODY))
        except ClientGone:
            return
        except UpstreamError as error:
            response = problem(Refused(502, str(error)))
        except (Refused, SessionError) as error:
            response = problem(error)
        await response(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """Hold the connections to the API."""
        async with httpx2.AsyncClient(timeout=TIMEOUT) as self._client:
            yield

    async def _forward(self, scope: Scope, body: bytes) -> Response:
        assert self._client is not None
        path, query = _raw_path(scope), scope["query_string"].decode("latin-1")
        url = self._base + path + (f"?{query}" if query else "")
        headers = [(name, value) for name, value in scope["headers"] if name not in _OWN]
        try:
            request = httpx2.Request(scope["method"], url, headers=headers, content=body or None)
        except (httpx2.InvalidURL, ValueError) as error:
            raise Refused(400, f"the request cannot be forwarded: {error}") from None
        began = time.perf_counter()
        status, answered, content = await exchange(self._client, request)
        latency = round((time.perf_counter() - began) * 1000, 3)
        await self._record(scope, path, query, body, (status, answered.get("content-type", ""), content), latency)
        response = Response(content, status)
        response.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in answered.multi_items()
            if name.lower() not in _UNPACKED
        ]
        if scope["method"] != "HEAD" and status not in (204, 304):
            response.raw_headers.append((b"content-length", str(len(content)).encode()))
        return response

    async def _record(
        self, scope: Scope, path: str, query: str, body: bytes, answer: tuple[int, str, bytes], latency: float
    ) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        found = await self._matcher.match(scope["method"], path, query, headers, body)
        if not isinstance(found, Matched):
            place = f"{scope['method']} {path[:200]}: {found.reason}"
            if place not in self.unmatched:
                log.warning("forwarded, not recorded: %s", place)
            self.unmatched[place] += 1
            return
        self._recorder.keep(found.tool, found.arguments, result_of(*answer), latency_ms=latency)


def app_of(proxy: HttpRecorder, options: ServeOptions) -> Starlette:
    """The proxy as an application, for any ASGI server."""
    app = Starlette(
        routes=[Route("/{path:path}", proxy)], middleware=[Middleware(Guard, options=options)], lifespan=proxy.running
    )
    app.router.redirect_slashes = False
    return app


def record_http(
    base: str,
    toolset: Toolset,
    cassette: Path,
    options: ServeOptions,
    on_ready: Callable[[int], None],
    *,
    redact: tuple[str, ...] = (),
) -> tuple[int, Counter[str]]:
    """Stand in for an API on a port until interrupted; how many turns there are, and what was not recorded.

    Raises:
        ConfigError: the spec has no HTTP operations, or the port cannot be had.
        SessionError: the cassette cannot be written.
    """
    with Recorder(cassette, toolset, Scrubber(redact)) as recorder:
        proxy = HttpRecorder(base, toolset, recorder)
        asyncio.run(serve_app(app_of(proxy, options), options, on_ready))
        return recorder.turns, proxy.unmatched


def _raw_path(scope: Scope) -> str:
    """The path as it came over the wire. Raises Refused where it is none."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1")
    if not path.startswith("/"):
        raise Refused(400, "the request's target is no path")
    return path
