"""OpenAI and Anthropic tools: `{"type": "function", "function": {...}}`, the flat form, and `input_schema`.

One bad definition is refused with its reason; the others go on. Tools that their provider runs itself (web search,
code interpreter) have no definition and are refused.
"""

from typing import Literal

from gtm.errors import SpecError
from gtm.tools.gather import Gathering, read_output, read_parameters, text_of
from gtm.types import Json, Tool, Toolset


def read_functions(items: list[Json], *, name: str, kind: Literal["openai", "anthropic"], source: str) -> Toolset:
    """The toolset of a list of OpenAI or Anthropic tools. Raises SpecError where none is usable."""
    gathering = Gathering(kind, source)
    for index, item in enumerate(items):
        label = f"tool {index + 1}"
        try:
            if not isinstance(item, dict):
                raise SpecError("is not an object; give {'name': ..., 'parameters': ...}")
            function: dict[str, Json] = item["function"] if isinstance(item.get("function"), dict) else item
            label = text_of(function.get("name")) or label
            gathering.add(_tool(item, function, kind))
        except SpecError as error:
            gathering.refuse(label, str(error))
    return gathering.toolset(name)


def _tool(item: dict[str, Json], function: dict[str, Json], kind: Literal["openai", "anthropic"]) -> Tool:
    tool_name = function.get("name")
    if not isinstance(tool_name, str) or not tool_name:
        raise SpecError("has no name; give one")
    key = "input_schema" if kind == "anthropic" else "parameters"
    declared = item.get("type")
    if declared not in (None, "function", "custom") or (declared == "custom" and key not in function):
        raise SpecError(
            f"is of type {declared!r}, which its provider runs and does not define; only functions simulate"
        )
    if kind == "anthropic" and key not in function:
        raise SpecError("has no 'input_schema'; give a JSON Schema of its input")
    parameters = read_parameters(function.get(key))
    output, notes = read_output(function.get("output_schema"))
    return Tool(
        name=tool_name,
        description=text_of(function.get("description")),
        parameters=parameters.schema,
        output_schema=output,
        problems=(*parameters.notes, *notes),
    )
