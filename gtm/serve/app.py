"""A server of simulated tools: its parts put together, bound, run until told to stop.

Everything is one Starlette application, or two where the control plane has a port of its own. Listens on loopback
unless the options name another host.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm.errors import ConfigError, GtmError
from gtm.serve.control import Control
from gtm.serve.directory import Directory
from gtm.serve.guard import Guard
from gtm.serve.http import HttpTools
from gtm.serve.mcp import McpDoor, McpEndpoint
from gtm.serve.metrics import Metrics
from gtm.serve.options import ServeOptions
from gtm.serve.problems import Refused, handle, problem
from gtm.serve.registry import Registry
from gtm.simulator.simulator import Simulator

GRACE = 5
"""Seconds that running calls have to finish when the server stops."""

GC_THRESHOLDS = (20_000, 50, 100)
"""A session's turns stay: collecting them after every 700 allocations, as Python does, finds nothing."""

BACKLOG = 2048
"""Connections that may wait to be taken."""

log = logging.getLogger(__name__)


def build_app(simulators: Sequence[Simulator], *, options: ServeOptions) -> Starlette:
    """The application of all doors.

    Raises:
        ConfigError: paths clash with each other or with the server's own.
    """
    return _build(simulators, options)[0]


def serve(
    simulators: Sequence[Simulator], options: ServeOptions, on_ready: Callable[[int], None] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; running calls may finish first.

    Args:
        simulators: what is served; the caller closes them afterwards.
        options: how.
        on_ready: called with the port once connections are taken.

    Raises:
        ConfigError: a port cannot be bound, or paths clash.
    """
    app, admin = _build(simulators, options)
    listeners = [(app, _bind(options.host, options.port))]
    if admin is not None:
        assert options.admin_port is not None
        listeners.append((admin, _bind(options.host, options.admin_port)))
    asyncio.run(_serve(listeners, options, on_ready))


async def serve_app(app: ASGIApp, options: ServeOptions, on_ready: Callable[[int], None]) -> None:
    """Serve one other application the same way. Raises ConfigError where its port cannot be bound."""
    await _serve([(app, _bind(options.host, options.port))], options, on_ready)


def _build(simulators: Sequence[Simulator], options: ServeOptions) -> tuple[Starlette, Starlette | None]:
    """The application of the tools, and that of the control plane where it has its own port."""
    if not simulators:
        raise ConfigError("there is nothing to serve; name at least one spec")
    directory = Directory(simulators)
    for own, offered in directory.renamed:
        log.warning("the tool %r is offered as %r: several specs have the name", own, offered)
    registry, metrics = Registry(directory, options), Metrics()
    control = Control(registry, options, metrics)
    routes: list[BaseRoute] = []
    lifespan = None
    if options.mcp:
        endpoint = McpEndpoint(McpDoor(registry, metrics), options)
        routes += [Route("/mcp", endpoint), Route("/s/{session}/mcp", endpoint)]
        lifespan = _lifespan(endpoint)
    routes.append(control.routes if options.admin_port is None else Mount("/_gtm", _closed))
    if options.http:
        tools = HttpTools(registry, options, metrics)
        for entry in tools.routes.shadowed:
            log.warning("the tool %r cannot be reached over HTTP: an earlier one has its method and path", entry.name)
        routes.append(Route("/{path:path}", tools))
    app = _application(routes, options, lifespan)
    return app, _application([control.routes], options) if options.admin_port is not None else None


def _application(
    routes: Sequence[BaseRoute],
    options: ServeOptions,
    lifespan: Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]] | None = None,
) -> Starlette:
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, options=options)],
        exception_handlers={GtmError: handle, OSError: handle, HTTPException: _http_exception},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _lifespan(endpoint: McpEndpoint) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def run(app: Starlette) -> AsyncIterator[None]:
        async with endpoint.manager.run():
            yield

    return run


async def _closed(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for the control plane where it has a port of its own."""
    await problem(Refused(404, "the control plane is not on this port"))(scope, receive, send)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(Refused(error.status_code, f"{request.method} {request.url.path}: {error.detail}", error.headers))


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError where the address cannot be had."""
    listener = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol must be named: asyncio turns off Nagle's delay (40 ms an answer) only where it is.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        return listener
    except (OSError, UnicodeError) as error:
        if listener is not None:
            listener.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"cannot listen on {host!r} port {port}: {reason}; choose another --port") from None


class _Server(uvicorn.Server):
    """A server whose signals are handled outside, since there may be two."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


async def _serve(
    listeners: Sequence[tuple[ASGIApp, socket.socket]],
    options: ServeOptions,
    on_ready: Callable[[int], None] | None,
) -> None:
    servers = [_Server(_config(app)) for app, _ in listeners]

    def stop() -> None:
        for server in servers:
            # The second signal does not wait for anyone.
            server.force_exit = server.should_exit
            server.should_exit = True

    # Definitions live as long as the server; scanning them again for garbage took a third of a call's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    port = listeners[0][1].getsockname()[1]
    log.info("serving on http://%s:%d", f"[{options.host}]" if ":" in options.host else options.host, port)
    if on_ready is not None:
        on_ready(port)
    pairs = zip(servers, listeners, strict=True)
    await asyncio.gather(*(server.serve(sockets=[listener]) for server, (_, listener) in pairs))


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE,
    )
