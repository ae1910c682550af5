"""Error results in the tool's own style.

An HTTP tool answers with a status and body that its definition documents, else with problem details (RFC 9457); AWS
exceptions go by their names; an MCP tool answers text; a function answers `{"error": …}`. The message always names
the cause.
"""

import difflib
import json
from collections.abc import Sequence

from gtm.simulator.redact import readable
from gtm.simulator.validation import error_body
from gtm.tools.infer import schema_of
from gtm.types import ErrorResponse, Json, Result, Tool, ToolError, Toolset, ToolsetKind

PROBLEM_JSON = "application/problem+json"

STATUS = {
    "invalid_arguments": 400,
    "not_found": 404,
    "conflict": 409,
    "unknown_tool": 404,
    "not_simulated": 501,
    "precondition": 409,
}

ALTERNATIVES: dict[int, tuple[int, ...]] = {
    400: (422, 405),
    404: (410, 400, 422),
    409: (400, 422, 412, 405),
    429: (503,),
    503: (500, 502, 504, 429),
    504: (408, 503, 500, 502),
    401: (403,),
    403: (401,),
}
"""Documented statuses that say nearly the same, best first."""

_NAMES = {
    400: ("validation", "invalidparameter", "invalid", "badrequest", "malformed"),
    404: ("notfound", "nosuch", "doesnotexist", "unknown"),
    409: ("alreadyexists", "conflict", "duplicate", "inuse"),
    429: ("throttl", "toomany", "limitexceeded", "slowdown"),
    503: ("unavailable", "internal", "servicefailure", "servererror"),
    501: ("notimplemented", "unsupported"),
    504: ("timeout", "unavailable", "internal"),
    403: ("accessdenied", "forbidden", "unauthorized", "notauthorized"),
    401: ("expired", "unauthorized", "accessdenied"),
}


def refuse(tool: Tool, kind: ToolsetKind, error: ToolError, status: int, messages: Sequence[str]) -> Result:
    """The error result that says `messages`."""
    message = "; ".join(messages)
    if tool.http is not None and kind in {"openapi", "catalog"}:
        return _http(tool, error, status, message)
    if kind == "mcp":
        return Result(content=message, text=message, is_error=True, error=error, provenance={"": "computed"})
    body = {"error": {"code": error.kind, "message": message}}
    return _result(body, error, None)


def documented(tool: Tool, status: int) -> ErrorResponse | None:
    """The documented error that fits a status best: itself, a near one, its class (`4XX`), else `default`."""
    errors = tool.http.errors if tool.http else ()
    exact = {error.status: error for error in reversed(errors) if not error.is_range}
    ranges = {error.status: error for error in reversed(errors) if error.is_range}
    for wanted in (status, *ALTERNATIVES.get(status, ())):
        if wanted in exact:
            return exact[wanted]
    return ranges.get(status // 100 * 100) or exact.get(None)


def _http(tool: Tool, error: ToolError, status: int, message: str) -> Result:
    response = documented(tool, status)
    name = _exception(tool.error_names, status)
    if response is None and name:
        return _result({"__type": name, "message": message}, error, status)
    if response is not None and response.status is not None and not response.is_range:
        status = response.status
    fields: dict[str, Json] = {"message": message, "status": status, "code": status, "kind": error.kind}
    if response is not None and response.body_schema is not None:
        return _result(error_body(response.body_schema, fields), error, status)
    if response is not None and isinstance(response.example, dict | list):
        return _result(error_body(schema_of([response.example]), fields), error, status)
    title = error.kind.replace("_", " ")
    return _result({"type": "about:blank", "title": title, "status": status, "detail": message}, error, status)


def _exception(names: Sequence[str], status: int) -> str | None:
    for word in _NAMES.get(status, ()):
        found = next((name for name in names if word in name.lower()), None)
        if found:
            return found
    return None


def _result(body: Json, error: ToolError, status: int | None) -> Result:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Result(content=body, text=text, is_error=True, status=status, error=error, provenance={"": "computed"})


def unknown_tool(toolset: Toolset, name: str) -> Result:
    """What is said to a call of a tool that there is not."""
    name = readable(name)
    message = f"there is no tool {name!r} in {toolset.name!r}"
    close = difflib.get_close_matches(name, toolset.by_name, 1)
    message += f"; did you mean {close[0]!r}?" if close else ""
    error = ToolError(kind="unknown_tool")
    return Result(content=message, text=message, is_error=True, status=404, error=error, provenance={"": "computed"})
