"""What every request passes first: Host and Origin against DNS rebinding, then the token of its door.

The tools' token never opens the control plane: an agent that can reset its world can cheat its reward. Pure ASGI,
since it runs before each call.
"""

import hmac
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from gtm.serve.options import ServeOptions, bare_host
from gtm.serve.problems import Refused, problem

CONTROL = "/_gtm"
HEALTH = "/_gtm/health"
"""Open to everyone who may connect: what waits for a server to start has no token."""


class Guard:
    """Middleware around the whole application."""

    def __init__(self, app: ASGIApp, options: ServeOptions) -> None:
        self._app = app
        self._hosts = options.hosts
        self._token = options.token.encode() if options.token is not None else None
        self._admin = options.admin_token.encode() if options.admin_token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] == "http":
            try:
                self._check(scope)
            except Refused as error:
                await problem(error)(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host = origin = authorization = None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"authorization":
                authorization = value
        if self._hosts is not None:
            self._check_names(self._hosts, host, origin)
        path: str = scope["path"]
        if path != HEALTH:
            if path == CONTROL or path.startswith(CONTROL + "/"):
                self._check_control(authorization)
            elif self._token is not None:
                _check_token(authorization, self._token)

    def _check_names(self, hosts: Iterable[str], host: bytes | None, origin: bytes | None) -> None:
        if host is None or bare_host(host.decode("latin-1")) not in hosts:
            shown = (host or b"").decode("latin-1")[:100]
            raise Refused(421, f"the Host {shown!r} is not this server's; reach it by its own name")
        if origin is not None:
            scheme, _, rest = origin.decode("latin-1").partition("://")
            if scheme not in ("http", "https") or bare_host(rest) not in hosts:
                raise Refused(403, f"pages of the origin {origin[:100].decode('latin-1')!r} may not call this server")

    def _check_control(self, authorization: bytes | None) -> None:
        if self._admin is not None:
            _check_token(authorization, self._admin)
        elif self._token is not None:
            raise Refused(403, "the control plane is closed: the tools have a token and it has none of its own")


def _check_token(authorization: bytes | None, token: bytes) -> None:
    """Raise Refused (401) unless the header carries the token. Takes the same time for any wrong one."""
    scheme, _, given = (authorization or b"").partition(b" ")
    if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), token):
        message = "this needs 'Authorization: Bearer TOKEN' with the right token"
        raise Refused(401, message, {"WWW-Authenticate": "Bearer"})
