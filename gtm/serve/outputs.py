"""What MCP clients are told of a tool's output, and the structured content they then check against it.

Only what the original definition declares is published, and only where every answer is JSON of that schema. Before
the 2026 protocol both must be objects: anything else travels as `{"result": ...}` to older peers.
"""

from dataclasses import dataclass

import jsonschema_rs

from gtm.simulator.simulator import Simulator
from gtm.simulator.validation import compile_validator
from gtm.types import Json


@dataclass(frozen=True, slots=True)
class Output:
    """A tool's published output."""

    schema: dict[str, Json]
    wrapped: dict[str, Json]
    """For older peers: the same where it is an object already."""
    validator: jsonschema_rs.Validator

    def fits(self, content: Json) -> bool:
        """Whether a client will take the content."""
        return bool(self.validator.is_valid(content))

    def structured(self, content: Json, *, wrap: bool) -> Json:
        """The content as structured content."""
        return {"result": content} if wrap and self.wrapped is not self.schema else content


def output_of(simulator: Simulator, name: str) -> Output | None:
    """What to publish of a tool's output; None: nothing."""
    original = simulator.toolset.by_name[name].output_schema
    if not isinstance(original, dict):
        return None
    definition = simulator.definitions.get(name)
    if definition is None or definition.form != "json" or definition.shape is None:
        return None
    schema = definition.tool.output_schema
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object":
        wrapped = schema
    else:
        inner = {key: value for key, value in schema.items() if key not in ("$defs", "$schema", "$id")}
        wrapped = {"type": "object", "properties": {"result": inner}, "required": ["result"]}
        if "$defs" in schema:
            wrapped["$defs"] = schema["$defs"]
    return Output(schema, wrapped, compile_validator(schema))
