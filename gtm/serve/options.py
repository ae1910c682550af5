"""What a server is told: doors, address, tokens, limits. Checked here, once, before anything is bound."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gtm.errors import ConfigError

if TYPE_CHECKING:
    from gtm.world.store import Store

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine reaches; anything else must be asked for by name."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How simulators are served."""

    mcp: bool = True
    http: bool = True
    """Whether the paths of OpenAPI toolsets are served."""
    host: str = "127.0.0.1"
    port: int = 8765
    admin_port: int | None = None
    """The control plane listens here alone; None: on `port`, beside the tools."""
    token: str | None = None
    """Bearer token of the tools. It never opens the control plane."""
    admin_token: str | None = None
    """Bearer token of the control plane. None closes it where `token` is set, and leaves it open otherwise."""
    prefix: str = ""
    """Put before the paths of OpenAPI toolsets; `{spec}` in it stands for the toolset's name."""
    seed: int | None = None
    """Of sessions that name none; None: what each simulator's configuration says."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names in `Host` and `Origin` headers, without port, where these are checked."""
    max_body_bytes: int = 1_000_000
    episodes_dir: Path | None = None
    """Where each session's Episodes are appended, one file a session and toolset."""
    max_sessions: int = 10_000
    """In memory; with a store the others wait there."""
    store: "Store | None" = None
    """Where sessions last; its opener closes it. None: in memory."""

    def __post_init__(self) -> None:
        """Refuse what cannot be served."""
        if self.prefix and (not self.prefix.startswith("/") or self.prefix.endswith("/")):
            raise ConfigError(f"the prefix {self.prefix!r} must start with '/' and not end with it, as '/api' does")
        for port in (self.port, self.admin_port):
            if port is not None and not 0 <= port <= 65535:
                raise ConfigError(f"{port} is no port; give one from 1 to 65535")
        if self.admin_port == self.port and self.port:
            raise ConfigError(f"the control plane cannot have port {self.port} alone: the tools are there")
        if self.max_sessions < 1 or self.max_body_bytes < 1:
            raise ConfigError("max_sessions and max_body_bytes must be at least 1")
        for token in (self.token, self.admin_token):
            if token is not None and (not token.isascii() or not token.isprintable() or not token.strip()):
                raise ConfigError("a token must be printable ASCII and not empty; set another one")
        if self.token is not None and self.token == self.admin_token:
            raise ConfigError("the control plane needs another token than the tools: agents have theirs")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names that `Host` and `Origin` may have; None: any."""
        if not self.is_loopback and not self.allowed_hosts:
            return None
        names = {bare_host(host) for host in self.allowed_hosts} | {bare_host(self.host)}
        return frozenset(names | ({"127.0.0.1", "localhost", "::1"} if self.is_loopback else set()))


def bare_host(host: str) -> str:
    """The name in a `Host` header or address, lower case, without port and brackets; "" where it is malformed."""
    try:
        parts = urlsplit(f"//{host}" if host.count(":") < 2 or host.startswith("[") else f"//[{host}]")
        return (parts.hostname or "").lower()
    except ValueError:
        return ""
