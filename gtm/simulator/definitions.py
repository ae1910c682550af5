"""A toolset made ready to simulate: every tool with a form of answer, an output schema, an effect.

Computed from definitions and configuration alone, so that it is the same in every process. What a model must propose
(the shape of a tool that says nothing about its answer) is left to `gtm.simulator.writer`.
"""

from dataclasses import dataclass, replace
from typing import Literal

from gtm.errors import SpecError
from gtm.simulator.config import Config
from gtm.simulator.validation import compile_validator
from gtm.tools.infer import scalar_kinds, schema_of, widened
from gtm.tools.shape import Shape, Unsatisfiable, output_shape
from gtm.tools.view import View
from gtm.types import Effect, Json, Tool, Toolset
from gtm.world import fields
from gtm.world.bound import STORED, Bound
from gtm.world.declared import resolve
from gtm.world.effects import infer_effects
from gtm.world.family import batch_argument
from gtm.world.model import WorldModel
from gtm.world.receipts import ended
from gtm.world.rules import RuledWorld
from gtm.world.takers import Takers
from gtm.world.words import flat, words

Form = Literal["json", "document", "text", "empty", "placeholder"]
"""How a tool answers: JSON; a JSON document written as text; free text; no body; a fixed stand-in for binary data."""

DOCUMENT_CONFIDENCE = 0.6
"""From here on an MCP tool without output schema is trusted to answer with the document its effect names."""

TEXT_FIELDS = fields.TEXT_FIELDS
"""A document's field that a reader prints as it is (a file's content)."""

ABOUT = frozenset({"info", "information", "metadata", "stat", "stats", "attributes", "details"})
"""Words in the name of a reader that tells about a thing, not its text."""

STATES = (("status",), ("state",))
"""Last words of a field that an action changes."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One tool, ready."""

    tool: Tool
    """With the output schema that counts, given or derived."""
    bound: Bound
    form: Form
    shape: Shape | None
    """None for text, empty bodies and tools whose shape a model must propose."""
    notes: tuple[str, ...]
    """What was relaxed, derived or treated as absent."""


class Definitions:
    """All tools of a toolset under a configuration. Each tool is made ready at its first use."""

    def __init__(self, toolset: Toolset, config: Config) -> None:
        config.check_tools(toolset)
        told = {name: tool.effect for name, tool in config.tools.items() if tool.effect is not None}
        declared = resolve(toolset, told)
        self.toolset = toolset
        self.effects: dict[str, Effect] = infer_effects(toolset, declared)
        self._config = config
        self._plain = WorldModel(toolset, lambda tool: None, self.effects)
        self._takers = Takers(toolset.tools)
        self._shapes: dict[str, Shape | None] = {}
        self._notes: dict[str, tuple[str, ...]] = {}
        self._told: dict[str | None, dict[str, dict[str, None]]] = {}
        tools = tuple(self._complete(tool) for tool in toolset.tools)
        self.world = WorldModel(toolset.model_copy(update={"tools": tools}), self._shape_schema, self.effects)
        self._tools = {tool.name: tool for tool in tools}
        self.rules = RuledWorld(self.world)
        self._ready: dict[str, Definition] = {}

    def get(self, name: str) -> Definition | None:
        """The tool, or None where the toolset has none of that name."""
        if name not in self._ready and name in self._tools:
            tool = self._tools[name]
            shape = self._shape(tool)
            bound = self.world.bind(tool)
            if shape is not None and bound.thing is not None and bound.document is not None:
                shape = replace(shape, schema=bound.thing.agreed(shape.schema, bound.document))
            self._ready[name] = Definition(tool, bound, self._form(tool), shape, self._notes.get(name, ()))
        return self._ready.get(name)

    def _complete(self, tool: Tool) -> Tool:
        configured = self._config.tools.get(tool.name)
        if configured is not None and configured.output_schema is not None:
            return tool.model_copy(update={"output_schema": configured.output_schema})
        if not _says_nothing(tool.output_schema) or (tool.http is not None and tool.http.media_type is None):
            return tool
        declared = compile_validator(True if tool.output_schema is None else tool.output_schema)
        responses = [e.response for e in tool.examples if not e.is_error and declared.is_valid(e.response)]
        if responses:
            self._note(tool, "no output schema: its shape comes from its examples")
            inferred = widened(schema_of(responses), self._kinds(self.effects[tool.name].resource))
            return tool.model_copy(update={"output_schema": inferred})
        effect = self.effects[tool.name]
        if _says_empty(tool.output_schema) and effect.kind not in {"read", "list"} and effect.reason != "declared":
            return tool.model_copy(update={"output_schema": {**_closed({}), "additionalProperties": False}})
        if tool.name in self._plain.counters:
            self._note(tool, "no output schema: it counts what a list shows")
            return tool.model_copy(update={"output_schema": _closed({"count": {"type": "integer"}})})
        if effect.kind in STORED and effect.resource and effect.confidence >= DOCUMENT_CONFIDENCE:
            self._note(
                tool, f"no output schema: its shape comes from the arguments of the tools on {effect.resource!r}"
            )
            return tool.model_copy(update={"output_schema": self._derived(tool, effect)})
        return tool

    def _kinds(self, resource: str | None) -> dict[str, dict[str, None]]:
        """What types the tools of a resource take and show in fields, by name."""
        if resource not in self._told:
            found: dict[str, dict[str, None]] = {}
            for tool in self.toolset.tools if resource is not None else ():
                if self.effects[tool.name].resource == resource:
                    scalar_kinds(tool.parameters, found)
                    shown = [example.response for example in tool.examples if not example.is_error]
                    for schema in (tool.output_schema, schema_of(shown)):
                        scalar_kinds(schema, found)
            self._told[resource] = found
        return self._told[resource]

    def _derived(self, tool: Tool, effect: Effect) -> dict[str, Json]:
        """What the writers of a resource say about it, with its key, as a schema."""
        assert effect.resource is not None
        plain = self._plain
        keys = plain.keys_of(effect.resource)
        known = {name: _plain_schema(schema) for name, schema in plain.fields_of(effect.resource).items()}
        key = keys[0] if keys else "id"
        if not any(flat(name) == flat(key) for name in known):
            known = {key: self._key_schema(effect.resource, key), **known}
        if plain.is_acted_on(effect.resource) and not any(words(name)[-1:] in STATES for name in known):
            known["status"] = {"type": "string"}
        if effect.kind == "read" and ABOUT & set(words(tool.name)):
            known = _described(known)
        document = {"type": "object", "properties": known, "required": list(known)}
        last = effect.resource.rpartition("/")[2]
        if effect.kind == "list":
            name = last if last.endswith("s") else f"{last}s"
            properties = {name: {"type": "array", "items": document}, "total": {"type": "integer"}}
            return {"type": "object", "properties": properties, "required": list(properties)}
        several = batch_argument(tool, effect, frozenset()) if effect.kind == "delete" else None
        if several is not None:
            names = View(tool.parameters, tool.parameters).child(several)
            properties = {several: _plain_schema(names.flat if names else {}), "deleted": {"type": "boolean"}}
            return {"type": "object", "properties": properties, "required": list(properties)}
        if effect.kind == "delete":
            properties = {
                key: known[next(n for n in known if flat(n) == flat(key))],
                "deleted": {"type": "boolean"},
            }
            return {"type": "object", "properties": properties, "required": list(properties)}
        return document

    def _key_schema(self, resource: str, key: str) -> dict[str, Json]:
        for tool in self.toolset.tools:
            found = (tool.parameters.get("properties") or {}).get(key)
            if self.effects[tool.name].resource == resource and isinstance(found, dict):
                return _plain_schema(found)
        return {"type": "string"}

    def _form(self, tool: Tool) -> Form:
        media = tool.http.media_type if tool.http else "application/json"
        if media is None:
            return "empty"
        if not _is_json(media):
            return "text" if media.startswith("text/") and media != "text/csv" else "placeholder"
        original = self.toolset.by_name[tool.name]
        if self.toolset.kind == "mcp" and original.output_schema is None and not tool.examples:
            configured = self._config.tools.get(tool.name)
            if configured is not None and configured.output_schema is not None:
                return "json"
            return "document" if tool.output_schema is not None else "text"
        return "json"

    def _shape_schema(self, tool: Tool) -> dict[str, Json] | None:
        shape = self._shape(tool)
        return shape.schema if shape is not None else None

    def _shape(self, tool: Tool) -> Shape | None:
        if tool.name not in self._shapes:
            self._shapes[tool.name] = self._make_shape(tool)
        return self._shapes[tool.name]

    def _make_shape(self, tool: Tool) -> Shape | None:
        if tool.output_schema is None or self._form(tool) in {"empty", "placeholder", "text"}:
            return None
        answers = [example.response for example in tool.examples if not example.is_error]
        try:
            shape = output_shape(tool.output_schema, examples=answers)
        except (Unsatisfiable, SpecError) as error:
            self._note(tool, f"the output schema is unsatisfiable ({error}): treated as none")
            return None
        if _says_nothing(tool.output_schema):
            return None
        for note in shape.notes:
            self._note(tool, note)
        noun = fields.last_noun(self.effects[tool.name].resource or "")
        told = (
            self._takers.named(shape.schema, output_shape(tool.output_schema).schema, noun)
            if answers
            else shape.schema
        )
        return replace(shape, schema=ended(self._takers.shape(told, noun)))

    def _note(self, tool: Tool, note: str) -> None:
        self._notes[tool.name] = (*self._notes.get(tool.name, ()), note)


def _closed(properties: dict[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _described(fields: dict[str, Json]) -> dict[str, Json]:
    """What a reader tells about a thing with a text: its measures in the text's place."""
    if not any(name in TEXT_FIELDS for name in fields):
        return fields
    moment = {"type": "string", "format": "date-time"}
    told = {name: schema for name, schema in fields.items() if name not in TEXT_FIELDS}
    return {**told, "size": {"type": "integer"}, "created": moment, "modified": moment}


def _says_nothing(schema: Json) -> bool:
    """No schema, or one that takes any object: the shape must come from elsewhere."""
    if schema is None or schema is True:
        return True
    view = View(schema, schema)
    open_object = view.type in {"object", ""} and not view.properties and not view.keyword("patternProperties")
    extra = view.keyword("additionalProperties")
    return open_object and (extra is None or extra is True) and not _CLOSING & set(view.flat)


def _says_empty(schema: Json) -> bool:
    """Whether an object is declared without properties: all of 1,524 recorded answers of such writes were empty."""
    return isinstance(schema, dict) and schema.get("properties") == {} and "additionalProperties" not in schema


_CLOSING = {"enum", "const", "minProperties", "maxProperties", "required", "propertyNames", "not", "items"}
"""Keywords by which a schema without properties still says something."""


def _plain_schema(schema: Json) -> dict[str, Json]:
    """An argument's schema as a stored field's: no defaults, references resolved one level."""
    view = View(schema, schema)
    return {key: value for key, value in view.flat.items() if key not in {"default", "writeOnly", "$defs"}}


def _is_json(media: str) -> bool:
    return "json" in media or media == "*/*"
