"""One recording of another tool, of a format that is named or found from its content, into a cassette."""

from pathlib import Path
from typing import Literal

from gtm.errors import ConfigError, SpecError
from gtm.serve.imports.exchange import Imported, keep_exchanges
from gtm.serve.imports.har import read_har
from gtm.serve.imports.otel import keep_spans, read_otel
from gtm.serve.imports.vcr import read_vcr
from gtm.simulator.recorder import Recorder
from gtm.simulator.scrub import Scrubber
from gtm.tools.document import MAX_BYTES, inflate
from gtm.types import Toolset

Format = Literal["auto", "vcr", "har", "otel"]


async def import_recording(
    path: Path, toolset: Toolset, cassette: Path, *, kind: Format = "auto", to: str = "", redact: tuple[str, ...] = ()
) -> Imported:
    """Append the calls of a recording to a cassette.

    Args:
        path: the recording.
        toolset: whose calls are looked for in it.
        cassette: the Episode file, made or gone on with.
        kind: its format; `auto`: found from its content.
        to: only requests to this address (and below it) are meant; "": to any.
        redact: names of further secret fields.

    Raises:
        SpecError: it is damaged; the message names the line or entry. Nothing was written then.
        SessionError: the cassette cannot be written.
    """
    data = _bytes(path)
    source = str(path)
    chosen = kind if kind != "auto" else _recognised(data, source)
    if chosen == "otel":
        spans = read_otel(data, source)
        with Recorder(cassette, toolset, Scrubber(redact)) as recorder:
            return keep_spans(spans, toolset, recorder)
    exchanges = list((read_har if chosen == "har" else read_vcr)(data, source))
    with Recorder(cassette, toolset, Scrubber(redact)) as recorder:
        return await keep_exchanges(exchanges, toolset, to, recorder)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SpecError(f"{str(path)!r} is larger than {MAX_BYTES // 1_000_000} MB; split it")
        return inflate(path.read_bytes(), str(path))
    except OSError as error:
        raise SpecError(f"{str(path)!r} cannot be read: {error.strerror}; check the path") from None


def _recognised(data: bytes, source: str) -> Format:
    """By the words that each format cannot do without."""
    head = data.lstrip()[:1]
    if head == b"{" and b'"resourceSpans"' in data:
        return "otel"
    if head == b"{" and b'"entries"' in data:
        return "har"
    if b"interactions" in data:
        return "vcr"
    raise ConfigError(f"{source!r} is no recording that is known; name its format with --format vcr, har or otel")
