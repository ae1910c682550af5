"""OpenTelemetry GenAI spans of tool calls, as OTLP JSON: one document, or one a line as the collector writes.

Read are spans named by `gen_ai.operation.name: execute_tool`, with `gen_ai.tool.name`, `gen_ai.tool.call.arguments`
and `gen_ai.tool.call.result`. The last two are opt-in for those who emit them; a span without them is skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gtm.errors import SpecError
from gtm.serve.imports.exchange import Imported
from gtm.simulator.recorder import Recorder, text_of
from gtm.simulator.scrub import parsed_text
from gtm.tools.document import inflate, parse_line, read_document
from gtm.types import Json, Result, Toolset

MAX_DEPTH = 64
_FAILED = (2, "2", "STATUS_CODE_ERROR")


@dataclass(frozen=True, slots=True)
class Span:
    """One executed tool."""

    start: int
    attributes: dict[str, Json]
    failed: bool
    message: str


def read_otel(data: bytes, source: str) -> list[Span]:
    """The spans of tool calls, by their start. Raises SpecError that names the line."""
    data = inflate(data, source)
    lines = [line for line in data.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].rstrip().endswith(b"}") and lines[0].lstrip().startswith(b"{"):
        documents = [parse_line(line, f"{source!r} line {number}") for number, line in enumerate(lines, 1)]
    else:
        documents = [read_document(data, source)]
    if not any(isinstance(document, dict) and "resourceSpans" in document for document in documents):
        raise SpecError(f"{source!r} has no 'resourceSpans'; give OTLP JSON of traces")
    spans = [span for document in documents for span in _spans(document) if _is_call(span.attributes)]
    return sorted(spans, key=lambda span: span.start)


def keep_spans(spans: list[Span], toolset: Toolset, recorder: Recorder) -> Imported:
    """Record the calls of tools that the toolset has."""
    done = Imported()
    for span in spans:
        name = str(span.attributes.get("gen_ai.tool.name"))
        arguments = _value(span.attributes.get("gen_ai.tool.call.arguments"))
        tool = toolset.by_name.get(name)
        if tool is None:
            done.skipped[f"the tool {name[:100]!r} is not in the spec"] += 1
        elif "gen_ai.tool.call.arguments" not in span.attributes:
            done.skipped["the span has no gen_ai.tool.call.arguments; let your agent record contents"] += 1
        elif not isinstance(arguments or {}, dict):
            done.skipped[f"the arguments of {name[:100]!r} are no object"] += 1
        elif "gen_ai.tool.call.result" not in span.attributes and not span.failed:
            done.skipped["the span has no gen_ai.tool.call.result; let your agent record contents"] += 1
        else:
            recorder.keep(tool, arguments or {}, _result(span, toolset))
            done.matched += 1
    return done


def _result(span: Span, toolset: Toolset) -> Result:
    given = span.attributes.get("gen_ai.tool.call.result", span.message or "the tool failed")
    as_text = toolset.kind == "mcp" and isinstance(given, str)
    content = given if as_text else _value(given)
    failed = span.failed or "error.type" in span.attributes
    return Result(content=content, text=text_of(content), is_error=failed, provenance={"": "cassette"})


def _value(given: Json) -> Json:
    """A value, or the JSON object or array in a text."""
    return parsed_text(given) if isinstance(given, str) else given


def _is_call(attributes: dict[str, Json]) -> bool:
    operation = attributes.get("gen_ai.operation.name")
    return isinstance(attributes.get("gen_ai.tool.name"), str) and operation in (None, "execute_tool")


def _spans(document: Json) -> Iterator[Span]:
    for resource in _list(document, "resourceSpans"):
        for scope in _list(resource, "scopeSpans"):
            for raw in _list(scope, "spans"):
                if isinstance(raw, dict):
                    yield _span(raw)


def _span(raw: dict[str, Json]) -> Span:
    pairs = (pair for pair in _list(raw, "attributes") if isinstance(pair, dict))
    attributes = {str(pair.get("key")): _any(pair.get("value"), 0) for pair in pairs}
    status = raw.get("status") if isinstance(raw.get("status"), dict) else {}
    start = str(raw.get("startTimeUnixNano", "0"))
    failed = isinstance(status, dict) and status.get("code") in _FAILED
    message = str(status.get("message", "")) if isinstance(status, dict) else ""
    return Span(int(start) if start.isdigit() and len(start) < 30 else 0, attributes, failed, message)


def _any(value: Json, depth: int) -> Json:
    """OTLP's AnyValue as JSON."""
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return None
    if "arrayValue" in value:
        return [_any(item, depth + 1) for item in _list(value["arrayValue"], "values")]
    if "kvlistValue" in value:
        pairs = _list(value["kvlistValue"], "values")
        return {str(pair.get("key")): _any(pair.get("value"), depth + 1) for pair in pairs if isinstance(pair, dict)}
    if "intValue" in value:
        text = str(value["intValue"])
        return int(text) if text.lstrip("-").isdigit() and len(text) < 30 else text
    for kind in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if kind in value:
            return value[kind]
    return None


def _list(holder: Json, name: str) -> list[Json]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []
