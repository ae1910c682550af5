"""What a parsed document is, by its content alone: OpenAPI, an MCP listing, OpenAI or Anthropic tools.

`input_schema` is written by Anthropic's API and by MCP's Python SDK alike. The rule: a listing that shows any mark of
MCP (`inputSchema`, a JSON-RPC `result`, `nextCursor`, or a tool with `outputSchema`, `annotations`, `title`, `icons`,
`execution` or `_meta`) is MCP; every other list with `input_schema` is Anthropic's. Both read the same way, so a
wrong guess costs only the toolset's kind.
"""

from dataclasses import dataclass, field

from gtm.errors import SpecError
from gtm.tools.gather import text_of
from gtm.types import Json, ToolsetKind

_FORMS = "OpenAPI, MCP tools/list, mcp.json, OpenAI or Anthropic tools"
_MCP_ENVELOPE = frozenset(("nextCursor", "next_cursor", "ttlMs", "ttl_ms", "cacheScope", "resultType", "result_type"))
_MCP_TOOL = frozenset(
    ("inputSchema", "outputSchema", "output_schema", "annotations", "title", "icons", "execution", "_meta", "meta")
)
_KINDS: tuple[ToolsetKind, ...] = ("openapi", "mcp", "openai", "anthropic")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A document and what it is."""

    kind: ToolsetKind
    document: dict[str, Json] = field(default_factory=dict)
    items: list[Json] = field(default_factory=list)
    title: str = ""
    more: bool = False
    """A listing says that it has a next page."""


def recognise(value: Json, source: str, kind: ToolsetKind | None = None) -> Recognised:
    """What `value` is, or that it can be read as `kind`. Raises SpecError where it is none of the known forms."""
    if isinstance(value, dict) and ("openapi" in value or "swagger" in value or kind == "openapi"):
        if kind not in (None, "openapi"):
            raise SpecError(f"{source!r} is an OpenAPI document, not {kind!r}; leave the kind away")
        info = value.get("info")
        return Recognised(
            "openapi", document=value, title=text_of(info.get("title")) if isinstance(info, dict) else ""
        )
    envelope, items = _items(value)
    if items is None or (kind is not None and kind not in _KINDS) or kind == "openapi":
        raise SpecError(f"{source!r} is {_described(value)}, not one of {_FORMS}; give one of those")
    found = kind or _kind_of(envelope, items)
    if found is None:
        raise SpecError(f"{source!r} lists things that are not tools ({_described(items[0])}); give {_FORMS}")
    server = envelope.get("serverInfo", envelope.get("server_info"))
    title = text_of(server.get("name")) if isinstance(server, dict) else ""
    return Recognised(found, items=items, title=title, more=bool(envelope.get("nextCursor")))


def _items(value: Json) -> tuple[dict[str, Json], list[Json] | None]:
    """The envelope that tools came in, and the tools."""
    if isinstance(value, list):
        return {}, value
    if not isinstance(value, dict):
        return {}, None
    if isinstance(value.get("result"), dict) and isinstance(value["result"].get("tools"), list):
        return {"nextCursor": None, **value["result"]}, value["result"]["tools"]
    for key in ("tools", "functions"):
        if isinstance(value.get(key), list):
            return value, value[key]
    if _kind_of({}, [value]) is not None:
        return {}, [value]
    return value, None


def _kind_of(envelope: dict[str, Json], items: list[Json]) -> ToolsetKind | None:
    tools = [item for item in items if isinstance(item, dict)]
    if any("inputSchema" in tool for tool in tools):
        return "mcp"
    if any("input_schema" in tool for tool in tools):
        marked = envelope.keys() & _MCP_ENVELOPE or any(tool.keys() & _MCP_TOOL for tool in tools)
        return "mcp" if marked else "anthropic"
    if any(_is_function(tool) for tool in tools):
        return "openai"
    if not items:
        return "mcp" if envelope.keys() & _MCP_ENVELOPE else "openai"
    return None


def _is_function(tool: dict[str, Json]) -> bool:
    return (
        tool.get("type") == "function"
        or isinstance(tool.get("function"), dict)
        or (isinstance(tool.get("name"), str) and "parameters" in tool)
    )


def _described(value: Json) -> str:
    if isinstance(value, dict):
        keys = ", ".join(repr(str(key)[:30]) for key in list(value)[:4])
        return f"an object with the keys {keys}" if keys else "an empty object"
    return (
        "a list" if isinstance(value, list) else f"the text {value[:30]!r}" if isinstance(value, str) else repr(value)
    )
