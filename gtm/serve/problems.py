"""Requests that a server itself refuses: problem details (RFC 9457), and which error becomes which status.

What a simulated tool answers, errors included, is a Result and never comes through here. No detail holds more than
the one line of its exception.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from gtm.errors import (
    ConfigError,
    EngineError,
    GtmError,
    LimitError,
    ModelError,
    SessionError,
    SpecError,
    StoreError,
    ToolsetChanged,
)
from gtm.types import Json

PROBLEM_JSON = "application/problem+json"

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (EngineError, 503),
    (ModelError, 503),
    (StoreError, 503),
    (ToolsetChanged, 409),
    (LimitError, 409),
    (SessionError, 400),
    (ConfigError, 400),
    (SpecError, 501),
    (OSError, 503),
)
"""First that fits. A tool whose own schema is unusable is not implemented: the caller can do nothing about it."""


class Refused(GtmError):
    """A request answered with a problem instead of a simulated result."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})


def status_of(error: Exception) -> int:
    """The HTTP status that says what went wrong."""
    if isinstance(error, Refused):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(error: Exception) -> Response:
    """The response to a request that failed with `error`."""
    status = status_of(error)
    body: dict[str, Json] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": one_line(error),
    }
    headers = error.headers if isinstance(error, Refused) else None
    return Response(json.dumps(body), status, headers, media_type=PROBLEM_JSON)


async def handle(request: Request, error: Exception) -> Response:
    """`problem`, as Starlette asks for it."""
    return problem(error)


def one_line(error: Exception) -> str:
    """An exception's message on one line; of the system's own errors without any path."""
    if isinstance(error, OSError):
        return f"the server cannot write its files: {error.strerror}"
    return " ".join(str(error).split())
