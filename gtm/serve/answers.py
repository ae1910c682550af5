"""A Result as an HTTP response: documented status, media type, body and required headers.

That it is simulated stands in a header, never in the payload.
"""

import base64
import json
import math
import random

from starlette.types import Scope, Send

from gtm.serve.problems import PROBLEM_JSON
from gtm.simulator.definitions import Definition, Form
from gtm.simulator.refusals import documented
from gtm.tools.sampler import sample
from gtm.tools.shape import Unsatisfiable
from gtm.types import Json, Result, digest

_NO_BODY = frozenset((204, 205, 304))
_SIMULATED = (b"x-gtm-simulated", b"true")


class Answerer:
    """Writes the responses of one tool."""

    def __init__(self, definition: Definition) -> None:
        assert definition.tool.http is not None
        self._tool = definition.tool
        self._http = definition.tool.http
        self._form: Form = definition.form
        self._kinds: dict[int, str] = {}

    async def send(self, scope: Scope, send: Send, result: Result) -> None:
        """Answer a request."""
        status = result.status or (500 if result.is_error else self._http.status)
        media = self._error_media(status, result) if result.is_error else self._http.media_type
        headers = [_SIMULATED]
        body = b""
        if media is not None and status not in _NO_BODY:
            body = self._body(media, result)
            headers.append((b"content-type", _content_type(media)))
        if status not in _NO_BODY:
            headers.append((b"content-length", str(len(body)).encode()))
        if result.error is not None and result.error.retry_after is not None:
            headers.append((b"retry-after", str(math.ceil(result.error.retry_after)).encode()))
        if not result.is_error and self._http.response_headers:
            headers.extend(self._required(result))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _error_media(self, status: int, result: Result) -> str:
        if status not in self._kinds:
            response = documented(self._tool, status)
            media = response.media_type if response is not None else None
            if media is None:
                media = PROBLEM_JSON if _is_problem(result.content) else "application/json"
            self._kinds[status] = media
        return self._kinds[status]

    def _body(self, media: str, result: Result) -> bytes:
        if result.fault is not None and result.fault.kind == "truncated":
            return result.text.encode()
        if _is_json(media):
            return (json.dumps(result.content) if isinstance(result.content, str) else result.text).encode()
        if not result.is_error and self._form == "placeholder" and media != "text/csv":
            return base64.b64decode(result.text)
        return result.text.encode()

    def _required(self, result: Result) -> list[tuple[bytes, bytes]]:
        """Values for the headers that the definition requires; the same for the same answer."""
        found = []
        for name, schema in self._http.response_headers.items():
            rng = random.Random(digest([self._tool.name, name, result.text]))
            try:
                value: Json = sample(schema, rng, hint=name)
            except Unsatisfiable:
                continue
            text = value if isinstance(value, str) else json.dumps(value)
            safe = "".join(char if " " <= char <= "~" else "?" for char in text)
            found.append((name.lower().encode("ascii", "replace"), safe.encode()))
        return found


def _content_type(media: str) -> bytes:
    charset = "; charset=utf-8" if media.startswith("text/") and "charset" not in media else ""
    return f"{media}{charset}".encode("latin-1", "replace")


def _is_json(media: str) -> bool:
    return "json" in media or media == "*/*"


def _is_problem(content: Json) -> bool:
    return isinstance(content, dict) and {"type", "title", "status", "detail"} <= content.keys()
