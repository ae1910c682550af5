"""Toolsets written down shortly, and sessions of them without a model."""

from gtm import Simulator
from gtm.simulator.session import Session
from gtm.types import ArgumentSlot, HttpBinding, Json, Tool, Toolset

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}


def tool(
    name: str,
    arguments: dict[str, Json],
    output: dict[str, Json],
    route: str = "",
    optional: dict[str, Json] | None = None,
) -> Tool:
    """A tool that demands its `arguments` and answers all of its `output`; `route` as in `GET /pets/{id}`."""
    method, _, path = route.partition(" ")
    placed = {name: ArgumentSlot(name=name, place="path") for name in arguments if f"{{{name}}}" in path}
    return Tool(
        name=name,
        parameters={"type": "object", "properties": arguments | (optional or {}), "required": [*arguments]},
        output_schema={"type": "object", "properties": output, "required": [*output]},
        http=HttpBinding(method=method, path=path, slots=placed) if route else None,
    )


def thing(**fields: Json) -> Json:
    """An object with these fields."""
    return {"type": "object", "properties": fields, "required": [*fields]}


def several(**fields: Json) -> Json:
    """An array of things with these fields."""
    return {"type": "array", "items": thing(**fields)}


def session(*tools: Tool, world: str = "closed") -> Session:
    """A session of these tools with the scripted engine."""
    toolset = Toolset(name="t", kind="openai", tools=tools)
    return Simulator(toolset, model="scripted", cache=False).session(world=world)  # type: ignore[arg-type]
