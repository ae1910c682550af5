"""VCR.py cassettes, version 1: YAML or JSON, bodies as text, bytes (`!!binary`) or Base64.

The document is checked within the usual limits first; only then is it read once more for its binary bodies, by a
loader that makes nothing but plain values.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from gtm.errors import SpecError
from gtm.serve.imports.exchange import Exchange, from_base64
from gtm.tools.document import decode, read_document
from gtm.types import Json


class _Plain(yaml.CSafeLoader):
    """Times stay text; `!!binary` becomes bytes."""


def _text(loader: Any, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Plain.add_constructor("tag:yaml.org,2002:timestamp", _text)


def read_vcr(data: bytes, source: str) -> Iterator[Exchange]:
    """The exchanges of a cassette, in order. Raises SpecError that names the line or interaction."""
    document = read_document(data, source)
    if b"!!binary" in data:
        try:
            document = yaml.load(decode(data, source), Loader=_Plain)
        except yaml.YAMLError as error:
            raise SpecError(f"{source!r} cannot be read: {' '.join(str(error).split())[:300]}; mend it") from None
    found = document.get("interactions") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise SpecError(f"{source!r} has no list of 'interactions'; give a VCR.py cassette of version 1")
    for number, item in enumerate(found, 1):
        yield _exchange(item, f"{source!r} interaction {number}")


def _exchange(item: Json, where: str) -> Exchange:
    request, response = (item.get(part) if isinstance(item, dict) else None for part in ("request", "response"))
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise SpecError(f"{where} has no request and response; the file may be cut off")
    method, url, status = request.get("method"), request.get("uri"), response.get("status")
    code = status.get("code") if isinstance(status, dict) else response.get("status_code", status)
    if not isinstance(method, str) or not isinstance(url, str) or type(code) is not int:
        raise SpecError(f"{where} lacks the request's method or uri, or the response's status code; mend it")
    return Exchange(
        where=where,
        method=method.upper(),
        url=url,
        headers=_headers(request.get("headers")),
        body=_bytes(request.get("body"), where),
        status=code,
        answered=_headers(response.get("headers")),
        answer=_bytes(response.get("body", response.get("content")), where),
    )


def _headers(given: Json) -> list[tuple[str, str]]:
    if not isinstance(given, dict):
        return []
    pairs = []
    for name, values in given.items():
        for value in values if isinstance(values, list) else [values]:
            pairs.append((str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value)))
    return pairs


def _bytes(body: Json, where: str) -> bytes:
    if isinstance(body, dict):
        if isinstance(body.get("base64_string"), str):
            return from_base64(body["base64_string"], where)
        body = body.get("string")
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    raise SpecError(f"{where} has a body that is neither text nor bytes; mend it")
