"""MCP `tools/list` results: of either spelling (`inputSchema`, `input_schema`), JSON-RPC, one page or a bare list.

Keeps annotations as hints in snake case. Resources and prompts are not read.
"""

import re

from gtm.errors import SpecError
from gtm.tools.gather import Gathering, read_output, read_parameters, text_of
from gtm.types import Json, Tool, Toolset

_HINTS = ("read_only_hint", "destructive_hint", "idempotent_hint", "open_world_hint")


def read_listing(items: list[Json], *, name: str, source: str, more: bool = False) -> Toolset:
    """The toolset of a listing; `more`: it has further pages. Raises SpecError where no tool is usable."""
    gathering = Gathering("mcp", source)
    if more:
        gathering.say(None, "the listing has a next page that is not in this file; the tools on it are missing")
    for index, item in enumerate(items):
        label = f"tool {index + 1}"
        try:
            if not isinstance(item, dict):
                raise SpecError("is not an object; give {'name': ..., 'inputSchema': ...}")
            label = text_of(item.get("name")) or label
            gathering.add(_tool(item))
        except SpecError as error:
            gathering.refuse(label, str(error))
    return gathering.toolset(name)


def _tool(item: dict[str, Json]) -> Tool:
    tool_name = item.get("name")
    if not isinstance(tool_name, str) or not tool_name:
        raise SpecError("has no name; give one")
    parameters = read_parameters(_either(item, "inputSchema", "input_schema"))
    output, notes = read_output(_either(item, "outputSchema", "output_schema"))
    given = item.get("annotations")
    annotations = {_snake(key): value for key, value in given.items()} if isinstance(given, dict) else {}
    return Tool(
        name=tool_name,
        title=text_of(item.get("title")) or text_of(annotations.get("title")),
        description=text_of(item.get("description")),
        parameters=parameters.schema,
        output_schema=output,
        annotations={hint: annotations[hint] for hint in _HINTS if isinstance(annotations.get(hint), bool)},
        problems=(*parameters.notes, *notes),
    )


def _either(item: dict[str, Json], first: str, second: str) -> Json:
    return item[first] if first in item else item.get(second)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", key).lower()
