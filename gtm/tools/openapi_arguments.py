"""What an OpenAPI operation takes: parameters and body as one flat set of arguments, and where each travels.

A body that is an object with plain properties is spread over the arguments; where a name clashes with a parameter, or
the body is anything else, the whole of it is the argument `body`. Credentials and the headers that HTTP itself needs
are not arguments. Versions differ only in where things are written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gtm.tools.gather import object_schema, text_of
from gtm.tools.inline import ANNOTATIONS
from gtm.tools.refs import References
from gtm.tools.schema import Schema, SchemaReader
from gtm.types import ArgumentPlace, ArgumentSlot, Json

_SKIPPED_HEADERS = frozenset(("authorization", "accept", "content-type"))
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_PLACES: dict[str, ArgumentPlace] = {"path": "path", "query": "query", "header": "header", "cookie": "cookie"}
_SPREADABLE = frozenset(("type", "properties", "required", "additionalProperties", "allOf")) | ANNOTATIONS
MAX_MERGES = 8
"""`allOf` inside `allOf` in a body; real ones need three."""


@dataclass(slots=True)
class Arguments:
    """The arguments of one operation."""

    schema: Schema = field(default_factory=dict)
    """Of all arguments; set when every one is known."""
    properties: Schema = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    slots: dict[str, ArgumentSlot] = field(default_factory=dict)
    body_media_type: str | None = None
    notes: list[str] = field(default_factory=list)
    values: dict[str, Json] = field(default_factory=dict)
    """Documented values of parameters."""
    bodies: dict[str, Json] = field(default_factory=dict)
    """Documented bodies by the name of the example."""

    def example(self, name: str, response: Json) -> dict[str, Json]:
        """The documented arguments that go with the response example `name`.

        Required ones that are not documented are taken from the response where it has them.
        """
        body = self.bodies.get(name, next(iter(self.bodies.values()), None))
        found = dict(self.values)
        for argument, slot in self.slots.items():
            if slot.place == "whole_body" and body is not None:
                found[argument] = body
            elif slot.place in ("body", "form") and isinstance(body, dict) and slot.name in body:
                found[argument] = body[slot.name]
        for required in self.schema.get("required", ()):
            if required not in found and isinstance(response, dict) and required in response:
                found[required] = response[required]
        return {argument: found[argument] for argument in self.slots if argument in found}


@dataclass(frozen=True, slots=True)
class _Spread:
    """A body's properties, as arguments."""

    properties: Schema
    required: list[str]
    closed: bool


def is_json(media_type: str) -> bool:
    """Whether bodies of this media type are JSON."""
    bare = media_type.partition(";")[0].strip().lower()
    return bare in ("application/json", "*/*", "application/*", "text/json") or bare.endswith("+json")


def examples_in(holder: Json, references: References) -> dict[str, Json]:
    """The named examples of a media type or parameter object; a single one has the name ""."""
    if not isinstance(holder, dict):
        return {}
    if "example" in holder:
        return {"": holder["example"]}
    given = holder.get("examples")
    if not isinstance(given, dict):
        return {}
    found = {}
    for name, item in given.items():
        entry = references.follow(item)
        if isinstance(entry, dict) and "value" in entry:
            found[name] = entry["value"]
    return found


class ArgumentsReader:
    """Reads the arguments of the operations of one document."""

    def __init__(self, references: References, schemas: SchemaReader, credentials: set[tuple[str, str]]) -> None:
        self._references = references
        self._schemas = schemas
        self._credentials = credentials

    def read(self, path: str, operation: Schema, shared: Json, consumes: Json) -> Arguments:
        """The arguments of `operation` at `path`, whose path item has the parameters `shared`. Raises Refused."""
        arguments = Arguments()
        body: Schema | None = None
        form: list[Schema] = []
        for parameter in self._parameters(shared, operation.get("parameters")):
            place = str(parameter.get("in"))
            if place == "body":
                body = parameter
            elif place == "formData":
                form.append(parameter)
            elif place in _PLACES and not self._skipped(parameter):
                self._parameter(parameter, _PLACES[place], arguments)
        for name in re.findall(r"\{([^{}]+)\}", path):
            if not any(slot.place == "path" and slot.name == name for slot in arguments.slots.values()):
                arguments.notes.append(f"the path's {name!r} is not among its parameters; it was taken as a string")
                self._parameter({"name": name, "schema": {"type": "string"}}, "path", arguments)
        root = self._body(operation, body, form, consumes, arguments)
        whole = {"properties": arguments.properties, "required": arguments.required, **root}
        finished = self._schemas.finish(object_schema(whole), arguments.notes)
        arguments.schema = object_schema(finished.schema)
        arguments.notes = list(finished.notes)
        return arguments

    def _parameters(self, *lists: Json) -> Iterator[Schema]:
        found: dict[tuple[str, str], Schema] = {}
        for given in lists:
            for item in given if isinstance(given, list) else ():
                parameter = self._references.follow(item)
                if isinstance(parameter, dict) and isinstance(parameter.get("name"), str):
                    found[(str(parameter.get("in")), parameter["name"])] = parameter
        yield from found.values()

    def _skipped(self, parameter: Schema) -> bool:
        place, name = parameter["in"], parameter["name"]
        return (place == "header" and name.lower() in _SKIPPED_HEADERS) or (place, name.lower()) in self._credentials

    def _parameter(self, parameter: Schema, place: ArgumentPlace, arguments: Arguments) -> None:
        wire = parameter["name"]
        name = wire
        if name in arguments.properties:
            name = f"{wire}_{place}"
            arguments.notes.append(f"{wire!r} is a parameter in two places; the one in {place!r} is {name!r} here")
        raw = _parameter_schema(parameter)
        schema = self._schemas.convert(raw, arguments.notes)
        description = text_of(parameter.get("description"))
        if description and "description" not in schema:
            schema = {**schema, "description": description}
        if parameter.get("deprecated") is True:
            schema = {**schema, "deprecated": True}
        arguments.properties[name] = schema
        arguments.slots[name] = ArgumentSlot(place=place, name=wire, explode=_explodes(parameter, place))
        if place == "path" or parameter.get("required") is True:
            arguments.required.append(name)
        holder = self._references.follow(raw)
        documented = [*examples_in(parameter, self._references).values(), *_schema_examples(holder)]
        if documented:
            arguments.values[name] = documented[0]

    def _body(
        self,
        operation: Schema,
        body: Schema | None,
        form: list[Schema],
        consumes: Json,
        arguments: Arguments,
    ) -> Schema:
        """Add the body's arguments; keywords for the root of the arguments' schema."""
        kinds = [kind for kind in consumes if isinstance(kind, str)] if isinstance(consumes, list) else []
        if form:
            arguments.body_media_type = next((kind for kind in kinds if kind in _FORMS), _FORMS[0])
            for parameter in form:
                self._parameter(parameter, "form", arguments)
            return {}
        if body is not None:
            media_type = next((kind for kind in kinds if is_json(kind)), kinds[0] if kinds else "application/json")
            holder: Schema = {"schema": body.get("schema", {})}
            given = body
        else:
            given = self._references.follow(operation.get("requestBody"))
            content = given.get("content") if isinstance(given, dict) else None
            if not isinstance(content, dict) or not content:
                return {}
            media_type = _chosen(content)
            holder = content[media_type] if isinstance(content[media_type], dict) else {}
        media_type = "application/json" if media_type in ("*/*", "application/*") else media_type
        arguments.body_media_type = media_type
        arguments.bodies = examples_in(holder, self._references)
        place: ArgumentPlace = "form" if media_type in _FORMS else "body"
        raw = holder.get("schema", {} if is_json(media_type) else {"type": "string"})
        schema = self._schemas.convert(raw, arguments.notes)
        needed = given.get("required")
        spread = self._spread(schema) if is_json(media_type) or place == "form" else None
        if spread is None or spread.properties.keys() & arguments.properties.keys():
            self._whole_body(schema, given, arguments)
            return {}
        for name, inner in spread.properties.items():
            arguments.properties[name] = inner
            arguments.slots[name] = ArgumentSlot(place=place, name=name)
        root: Schema = {"additionalProperties": False} if spread.closed else {}
        if needed is False and spread.required:
            # Only who sends a body at all must send these.
            root["dependentRequired"] = {
                name: [other for other in spread.required if other != name] for name in spread.properties
            }
        else:
            arguments.required.extend(name for name in spread.required if name not in arguments.required)
        return root

    def _whole_body(self, schema: Schema, given: Schema, arguments: Arguments) -> None:
        name = "body" if "body" not in arguments.properties else "request_body"
        description = text_of(given.get("description"))
        if description and "description" not in schema:
            schema = {**schema, "description": description}
        arguments.properties[name] = schema
        arguments.slots[name] = ArgumentSlot(place="whole_body", name="body")
        if given.get("required") is True:
            arguments.required.append(name)

    def _spread(self, schema: Schema, depth: int = 0) -> _Spread | None:
        """The properties of a plain object schema, or None where it is anything else."""
        schema = self._schemas.target(schema)
        kind = schema.get("type")
        others = schema.get("additionalProperties", True)
        if schema.keys() - _SPREADABLE or kind not in (None, "object") or not isinstance(others, bool | dict):
            return None
        if isinstance(others, dict) and others:
            return None
        properties: Schema = dict(schema.get("properties", {}))
        required = list(schema.get("required", ()))
        for part in schema.get("allOf", ()):
            inner = self._spread(part, depth + 1) if isinstance(part, dict) and depth < MAX_MERGES else None
            if inner is None or inner.closed or others is False:
                return None
            for name, value in inner.properties.items():
                known = properties.get(name)
                properties[name] = value if known in (None, value) else {"allOf": [known, value]}
            required += inner.required
        if not properties and (depth == 0 or (kind is None and not required)):
            return None
        needed = [name for name in dict.fromkeys(required) if name in properties or name not in self._schemas.hidden]
        return _Spread(properties, needed, others is False)


def _parameter_schema(parameter: Schema) -> Json:
    if "schema" in parameter:
        return parameter["schema"]
    content = parameter.get("content")
    if isinstance(content, dict) and content:
        first = next(iter(content.values()))
        return first.get("schema", {}) if isinstance(first, dict) else {}
    names = ("name", "in", "description", "required", "deprecated", "example", "examples", "style", "explode")
    return {key: value for key, value in parameter.items() if key not in names}


def _schema_examples(schema: Json) -> list[Json]:
    if not isinstance(schema, dict):
        return []
    if "example" in schema:
        return [schema["example"]]
    given = schema.get("examples")
    return given[:1] if isinstance(given, list) else []


def _explodes(parameter: Schema, place: ArgumentPlace) -> bool:
    if "collectionFormat" in parameter or "schema" not in parameter:
        return bool(parameter.get("collectionFormat") == "multi") or "content" in parameter
    if isinstance(parameter.get("explode"), bool):
        return bool(parameter["explode"])
    return parameter.get("style", "form" if place in ("query", "cookie") else "simple") in ("form", "deepObject")


def _chosen(content: Schema) -> str:
    """The media type to use of those a body may have: JSON, else a form, else the first."""
    for wanted in (is_json, _FORMS.__contains__):
        for media_type in content:
            if wanted(media_type):
                return media_type
    return next(iter(content))
