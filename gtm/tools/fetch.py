"""A document from a URL that the user typed; nothing else is ever fetched.

Bounded in time and size. Says None where the address does not answer a document, as MCP servers do.
"""

from gtm.errors import SpecError
from gtm.tools.document import MAX_BYTES

TIMEOUT = 30.0
_NOT_DOCUMENTS = ("text/event-stream", "text/html")


def fetch_document(url: str) -> bytes | None:
    """The body that `url` answers to a GET, or None where that is not a document. Raises SpecError."""
    import httpx2

    try:
        with httpx2.stream("GET", url, timeout=TIMEOUT, follow_redirects=True) as response:
            kind = response.headers.get("content-type", "")
            if response.status_code != 200 or kind.startswith(_NOT_DOCUMENTS):
                return None
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise SpecError(
                        f"{url!r} is larger than {MAX_BYTES // 1_000_000} MB; keep a part of it in a file"
                    )
            return bytes(body)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SpecError(f"{url!r} cannot be reached ({reason}); check the address and the network") from error
