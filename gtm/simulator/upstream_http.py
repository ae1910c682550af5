"""A real HTTP API: a tool's arguments as a request, its response as a result.

Redirects are not followed: they may lead to a host that nobody named. Retries nothing.
"""

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import httpx2

from gtm.errors import ConfigError
from gtm.simulator.recorder import text_of
from gtm.simulator.upstream import MAX_ANSWER, UpstreamError
from gtm.tools.live import HttpServer
from gtm.types import HttpBinding, Json, Result, Tool

TIMEOUT = 60.0


class HttpUpstream:
    """Calls the operations of an API at its base URL."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server

    async def call(self, tool: Tool, arguments: dict[str, Json]) -> Result:
        """What the API answers. Raises UpstreamError where it cannot be reached."""
        if tool.http is None:
            raise ConfigError(f"{tool.name!r} has no HTTP operation, so it cannot be real; simulate it")
        # A client of its own for each call: calls come from several event loops.
        async with httpx2.AsyncClient(timeout=TIMEOUT) as client:
            status, media, body = await fetch(client, request_of(tool.http, self._server, arguments))
        return result_of(status, media, body)

    async def aclose(self) -> None:
        """Nothing is kept open."""


async def fetch(client: httpx2.AsyncClient, request: httpx2.Request) -> tuple[int, str, bytes]:
    """Status, media type and body of a response, within bounds. Raises UpstreamError."""
    status, headers, body = await exchange(client, request)
    return status, headers.get("content-type", ""), body


async def exchange(client: httpx2.AsyncClient, request: httpx2.Request) -> tuple[int, httpx2.Headers, bytes]:
    """A whole response, unpacked. Raises UpstreamError where there is none."""
    where = f"{request.url.scheme}://{request.url.host}"
    try:
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise UpstreamError(f"{where!r} answered more than {MAX_ANSWER // 1_000_000} MB; ask for less")
        finally:
            await response.aclose()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UpstreamError(f"{where!r} cannot be reached ({reason}); check the address and the network") from None
    return response.status_code, response.headers, bytes(body)


def request_of(http: HttpBinding, server: HttpServer, arguments: Mapping[str, Json]) -> httpx2.Request:
    """The request that carries these arguments, each in its slot."""
    path, query, headers = http.path, list[tuple[str, str]](), dict(server.headers)
    cookies, fields, whole = dict[str, str](), dict[str, Json](), None
    for name, value in arguments.items():
        slot = http.slots.get(name)
        place, wire = (slot.place, slot.name) if slot else ("body", name)
        if place == "path":
            path = path.replace(f"{{{wire}}}", _segment(_joined(value)))
        elif place == "query":
            query.extend(_query(wire, value, explode=slot is None or slot.explode))
        elif place == "header":
            headers[wire] = _joined(value)
        elif place == "cookie":
            cookies[wire] = _joined(value)
        elif place == "whole_body":
            whole = value
        else:
            fields[wire] = value
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    content = None
    if whole is not None or fields:
        media = http.body_media_type or "application/json"
        content = _body(media, fields if whole is None else whole)
        headers["Content-Type"] = media.partition(";")[0]
    url = server.url.rstrip("/") + path.partition("?")[0] + (f"?{urlencode(query)}" if query else "")
    try:
        return httpx2.Request(http.method, url, headers=headers, content=content)
    except (httpx2.InvalidURL, ValueError, TypeError) as error:
        raise UpstreamError(f"the call cannot be sent to {server.url!r}: {error}") from None


def result_of(status: int, media: str, body: bytes) -> Result:
    """A response as a result: JSON, text, or Base64 of anything else."""
    return Result.model_validate(
        {
            "content": (content := content_of(media, body)),
            "text": text_of(content),
            "is_error": status >= 400,
            "status": status,
            "provenance": {"": "cassette"},
        }
    )


def content_of(media: str, body: bytes) -> Json:
    """What a body holds."""
    if not body:
        return None
    bare = media.partition(";")[0].strip().lower()
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()
    if "json" in bare or (not bare and text.lstrip()[:1] in ("{", "[")):
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return text
    return text


def _segment(text: str) -> str:
    """A path parameter's value; `..` must not climb out of its place."""
    return text.replace(".", "%2E") if not text.strip(".") else quote(text, safe=",")


def _query(name: str, value: Json, *, explode: bool) -> list[tuple[str, str]]:
    if isinstance(value, list) and explode:
        return [(name, _text(item)) for item in value]
    if isinstance(value, dict):
        return [(f"{name}[{key}]", _text(item)) for key, item in value.items()]
    return [(name, _joined(value))]


def _joined(value: Json) -> str:
    return ",".join(_text(item) for item in value) if isinstance(value, list) else _text(value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _body(media: str, value: Json) -> bytes:
    if media.startswith("application/x-www-form-urlencoded") and isinstance(value, dict):
        pairs = [pair for name, item in value.items() for pair in _query(name, item, explode=True)]
        return urlencode(pairs).encode()
    if "json" in media or not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).encode()
    return value.encode()


def _refuse(constant: str) -> Json:
    raise ValueError(constant)
