"""HAR 1.2 files, as browsers and proxies save them."""

from collections.abc import Iterator
from urllib.parse import urlencode

from gtm.errors import SpecError
from gtm.serve.imports.exchange import Exchange, from_base64
from gtm.tools.document import read_document
from gtm.types import Json


def read_har(data: bytes, source: str) -> Iterator[Exchange]:
    """The exchanges of a file, in order. Raises SpecError that names the line or entry."""
    document = read_document(data, source)
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise SpecError(f"{source!r} has no 'log' with 'entries'; give a HAR file")
    for number, entry in enumerate(entries, 1):
        yield _exchange(entry, f"{source!r} entry {number}")


def _exchange(entry: Json, where: str) -> Exchange:
    request, response = (entry.get(part) if isinstance(entry, dict) else None for part in ("request", "response"))
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise SpecError(f"{where} has no request and response; the file may be cut off")
    method, url, status = request.get("method"), request.get("url"), response.get("status")
    if not isinstance(method, str) or not isinstance(url, str) or type(status) is not int:
        raise SpecError(f"{where} lacks the request's method or url, or the response's status; mend it")
    content = response.get("content")
    content = content if isinstance(content, dict) else {}
    answered = _headers(response.get("headers"))
    if isinstance(content.get("mimeType"), str):
        answered = [("content-type", content["mimeType"]), *answered]
    time = entry.get("time")
    headers = _headers(request.get("headers"))
    posted = request.get("postData")
    if isinstance(posted, dict) and isinstance(posted.get("mimeType"), str):
        headers = [("content-type", posted["mimeType"]), *headers]
    return Exchange(
        where=where,
        method=method.upper(),
        url=url,
        headers=headers,
        body=_posted(posted, where),
        status=status,
        answered=answered,
        answer=_text(content, where),
        latency_ms=round(float(time), 3) if isinstance(time, int | float) and time >= 0 else None,
    )


def _headers(given: Json) -> list[tuple[str, str]]:
    pairs = given if isinstance(given, list) else []
    return [(str(pair.get("name", "")), str(pair.get("value", ""))) for pair in pairs if isinstance(pair, dict)]


def _posted(posted: Json, where: str) -> bytes:
    if not isinstance(posted, dict):
        return b""
    fields = posted.get("params")
    if not posted.get("text") and isinstance(fields, list):
        pairs = [(f.get("name", ""), f.get("value", "")) for f in fields if isinstance(f, dict)]
        return urlencode(pairs).encode()
    return _text(posted, where)


def _text(holder: dict[str, Json], where: str) -> bytes:
    text = holder.get("text")
    if not isinstance(text, str):
        return b""
    if holder.get("encoding") == "base64":
        return from_base64(text, where)
    return text.encode("utf-8", "surrogateescape")
