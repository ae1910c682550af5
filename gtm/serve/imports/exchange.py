"""One recorded HTTP exchange, whatever file it came from, and what becomes of it: a call of a tool, or a reason.

Bodies come in as bytes, already free of Base64; a `Content-Encoding` that was recorded is undone here, within bounds.
"""

import base64
import binascii
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gtm.errors import SpecError
from gtm.serve.matching import Matched, Matcher, split_url
from gtm.simulator.recorder import Recorder
from gtm.simulator.upstream_http import result_of
from gtm.types import Toolset

MAX_BODY = 20_000_000
"""Bytes of one unpacked body."""

MAX_BASE = 4
"""Leading segments of a URL's path that may be the API's base, which a spec's paths leave out."""

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response."""

    where: str
    """Its place in the file, for messages."""
    method: str
    url: str
    headers: Headers
    body: bytes
    status: int
    answered: Headers
    answer: bytes
    latency_ms: float | None = None


@dataclass(slots=True)
class Imported:
    """What was taken over, and why the rest was not."""

    matched: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason."""


async def keep_exchanges(exchanges: Iterable[Exchange], toolset: Toolset, to: str, recorder: Recorder) -> Imported:
    """Record what the toolset knows; `to` is the API's address, where only that is meant."""
    matcher, done = Matcher(toolset), Imported()
    found = [item for item in exchanges if _belongs(item, to, done)]
    bases = {to: to} if to else _bases(found, matcher)
    for item in found:
        origin, path, query = split_url(item.url)
        base = _base_path(to) if to else bases.get(origin, "")
        path = path[len(base) :] if path.startswith(base) else path
        try:
            body, answer = _unpacked(item.body, item.headers), _unpacked(item.answer, item.answered)
        except SpecError as error:
            done.skipped[str(error)] += 1
            continue
        result = await matcher.match(item.method, path or "/", query, item.headers, body)
        if not isinstance(result, Matched):
            done.skipped[f"{result.reason}: {item.method} {origin}{path[:100]}"] += 1
            continue
        answered = result_of(item.status, value_of(item.answered, "content-type"), answer)
        recorder.keep(result.tool, result.arguments, answered, latency_ms=item.latency_ms)
        done.matched += 1
    return done


def from_base64(text: str, where: str) -> bytes:
    """The bytes of a Base64 text, line breaks allowed. Raises SpecError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SpecError(f"{where} has a body that is no Base64; mend it") from None


def value_of(headers: Headers, name: str) -> str:
    """A header's first value, "" where there is none."""
    return next((value for key, value in headers if key.lower() == name), "")


def _belongs(item: Exchange, to: str, done: Imported) -> bool:
    try:
        origin, path, _ = split_url(item.url)
    except ValueError:
        done.skipped["the URL cannot be read"] += 1
        return False
    if item.status < 100:
        done.skipped["there was no response"] += 1
        return False
    if not to:
        return True
    wanted, base, _ = split_url(to)
    if origin != wanted or not (path + "/").startswith(base.rstrip("/") + "/"):
        done.skipped[f"another address than {to!r}"] += 1
        return False
    return True


def _base_path(to: str) -> str:
    return split_url(to)[1].rstrip("/")


def _bases(exchanges: Iterable[Exchange], matcher: Matcher) -> dict[str, str]:
    """For each host, the base path under which most of its requests are the spec's; the shortest of equals."""
    votes: dict[str, Counter[str]] = {}
    for item in exchanges:
        origin, path, _ = split_url(item.url)
        segments = path.split("/")[1:]
        for length in range(min(MAX_BASE, len(segments)) + 1):
            base = "".join(f"/{segment}" for segment in segments[:length])
            if matcher.has(item.method, path[len(base) :] or "/"):
                votes.setdefault(origin, Counter())[base] += 1
    return {origin: min(found, key=lambda base: (-found[base], len(base))) for origin, found in votes.items()}


def _unpacked(body: bytes, headers: Headers) -> bytes:
    """A body without its gzip or deflate; many recorders keep the header of a body they have unpacked."""
    coding = value_of(headers, "content-encoding").strip().lower()
    packed = body[:2] == b"\x1f\x8b" or (coding == "deflate" and body[:1] == b"\x78")
    if packed:
        try:
            body = zlib.decompressobj(wbits=47).decompress(body, MAX_BODY + 1)
        except zlib.error:
            raise SpecError("a body is damaged gzip") from None
    elif coding in ("br", "zstd") and body:
        try:
            body.decode()
        except UnicodeDecodeError:
            raise SpecError(f"a body is packed with {coding!r}, which is not read") from None
    if len(body) > MAX_BODY:
        raise SpecError(f"a body has more than {MAX_BODY // 1_000_000} MB")
    return body
