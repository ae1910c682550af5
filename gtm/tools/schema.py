"""Any dialect of JSON Schema in, self-contained draft 2020-12 out.

`SchemaReader` belongs to one document and one side of a call (what is sent, what is answered): draft-4 booleans,
`nullable`, tuple `items`, Python's type names and OpenAPI's own keywords become 2020-12 or are dropped; references
are written out where they end, and kept as `#/$defs/Name` where they recur or where writing out would be large.
Every definition is converted once a document and shared by its tools. What was relaxed is said in notes. Validity is
the business of `gtm.tools.validator`, which has the last word.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from gtm.tools.inline import ANNOTATIONS, DEFS, levels, name_in, names_in, nodes, write_out
from gtm.tools.refs import IN_PLACE, LISTS, MAPS, SINGLES, Pointer, References, pointer_of
from gtm.tools.validator import prepare
from gtm.types import Json

Dialect = Literal["json-schema", "openapi-2", "openapi-3.0"]
"""OpenAPI 3.1 speaks `json-schema`."""
Side = Literal["request", "response", "any"]
Schema = dict[str, Json]

MAX_LEVELS = 40
"""Schemas inside schemas, after writing out; deeper ones accept anything. Real definitions stay below 20."""
MAX_INLINE = 2_000
"""JSON values up to which a whole schema is written out without `$defs`."""
MAX_SMALL = 60
"""JSON values up to which a definition is written out even in a large schema (ids, enums, money)."""
MAX_NODES = 8_000
"""JSON values of one schema with its `$defs`; definitions beyond that accept anything."""

_DROPPED = frozenset(
    "$schema $id $anchor $dynamicAnchor $dynamicRef $recursiveAnchor $recursiveRef $vocabulary $defs definitions "
    "components nullable x-nullable discriminator xml externalDocs example collectionFormat allowEmptyValue "
    "additionalItems".split()
)
_TYPES = {
    **dict.fromkeys(("dict", "map", "hashmap", "Object"), "object"),
    **dict.fromkeys(("list", "tuple", "set", "Array", "ArrayList"), "array"),
    **dict.fromkeys(("int", "long", "Integer"), "integer"),
    **dict.fromkeys(("float", "double", "Number"), "number"),
    **dict.fromkeys(("str", "file", "String", "date", "datetime", "char"), "string"),
    **dict.fromkeys(("bool", "Boolean"), "boolean"),
    **dict.fromkeys(("None", "NoneType"), "null"),
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A converted target of references."""

    schema: Schema
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """A schema fit for a `Tool`."""

    schema: Schema
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sized:
    schema: Schema
    size: int
    levels: int
    notes: tuple[str, ...]
    """Of the definitions that were written out in it."""


class SchemaReader:
    """Converts the schemas of one document, as seen from one side of a call."""

    def __init__(self, references: References, dialect: Dialect = "json-schema", side: Side = "any") -> None:
        self.hidden: set[str] = set()
        """Names of properties left out because this side never carries them."""
        self._references = references
        self._dialect = dialect
        self._dropped_flag = {"request": "readOnly", "response": "writeOnly"}.get(side)
        self._definitions: dict[str, Definition] = {}
        self._pointers: dict[str, Pointer] = {}
        self._names: dict[Pointer, str] = {}
        self._finished: dict[str, Finished] = {}
        self._inlined: dict[tuple[str, bool], _Sized] = {}

    def read(self, schema: Json, here: Pointer | None = None) -> Finished:
        """`schema` converted and made self-contained. Raises Refused (remote reference), SpecError (no schema)."""
        reference = schema.get("$ref") if isinstance(schema, dict) and len(schema) == 1 else None
        if isinstance(reference, str) and reference in self._finished:
            return self._finished[reference]
        notes: list[str] = []
        finished = self.finish(self.target(self.convert(schema, notes, here)), notes)
        if isinstance(reference, str):
            self._finished[reference] = finished
        return finished

    def convert(self, schema: Json, notes: list[str], here: Pointer | None = None) -> Schema:
        """`schema` in 2020-12 with its references as `#/$defs/Name`, to be made whole by `finish`."""
        converted = _Conversion(self, notes, here).schema(schema, in_place=True, level=0)
        return converted if isinstance(converted, dict) else {} if converted else {"not": {}}

    def target(self, schema: Schema) -> Schema:
        """`schema`, or the definition that its `$ref` (as `convert` wrote it) ends at."""
        seen = set()
        while (name := name_in(schema)) is not None and name not in seen and len(schema) == 1:
            seen.add(name)
            schema = self.definition(name).schema
        return schema

    def finish(self, root: Schema, notes: list[str]) -> Finished:
        """`root` with references written out or carried along in `$defs`, compiled once to see that it is usable."""
        whole = self._whole(root, notes) if names_in(root) else root
        prepared = prepare(whole)
        return Finished(prepared.schema if prepared.notes else whole, tuple(dict.fromkeys((*notes, *prepared.notes))))

    def _whole(self, root: Schema, notes: list[str]) -> Schema:
        sized = self._inline(root, small=False)
        if sized.size > MAX_INLINE or sized.levels > MAX_LEVELS:
            sized = self._inline(root, small=True)
        notes.extend(sized.notes)
        definitions, cut = self._collect(sized.schema, sized.size)
        for name in definitions:
            notes.extend(self._inlined_definition(name, small=True).notes)
        if cut:
            named = ", ".join(repr(name) for name in cut[:5]) + (" ..." if len(cut) > 5 else "")
            notes.append(f"cut at {MAX_NODES} values: {named} accept anything")
        return {**sized.schema, "$defs": definitions} if definitions else sized.schema

    def reference(self, reference: str, here: Pointer | None, *, in_place: bool, notes: list[str]) -> Schema:
        """The converted form of a `$ref`; an empty schema where it leads nowhere."""
        pointer = pointer_of(reference)
        try:
            self._references.find(pointer)
        except KeyError:
            notes.append(f"its $ref {reference[:120]!r} points at nothing; anything is accepted there")
            return {}
        self._references.analyse(pointer)
        if in_place and here is not None and (here, pointer) in self._references.endless:
            notes.append(f"its $ref {reference[:120]!r} only leads back to itself; anything is accepted there")
            return {}
        return {"$ref": DEFS + self._name(pointer)}

    def carries(self, schema: Json) -> bool:
        """Whether this side of a call carries a property with this (unconverted) schema."""
        if self._dropped_flag is None:
            return True
        for _ in range(8):
            if not isinstance(schema, dict):
                return True
            if schema.get(self._dropped_flag) is True:
                return False
            inner = schema.get("allOf")
            if isinstance(inner, list) and len(inner) == 1:
                schema = inner[0]
            elif isinstance(schema.get("$ref"), str):
                try:
                    schema = self._references.find(pointer_of(schema["$ref"]))
                except KeyError:
                    return True
            else:
                return True
        return True

    @property
    def merges_siblings(self) -> bool:
        """Whether keywords beside `$ref` count (they do not before draft 2019-09)."""
        return self._dialect == "json-schema"

    @property
    def null_keyword(self) -> str | None:
        """The keyword by which this dialect admits null."""
        return {"openapi-3.0": "nullable", "openapi-2": "x-nullable"}.get(self._dialect)

    def definition(self, name: str) -> Definition:
        """The definition of this name, converted when first asked for."""
        if name not in self._definitions:
            notes: list[str] = []
            pointer = self._pointers[name]
            schema = self.convert(self._references.find(pointer), notes, pointer)
            self._definitions[name] = Definition(schema, tuple(notes))
        return self._definitions[name]

    def _name(self, pointer: Pointer) -> str:
        if pointer not in self._names:
            base = re.sub(r"[^A-Za-z0-9_.-]+", "_", pointer[-1] if pointer else "root")[:80] or "schema"
            name, number = base, 2
            while name in self._pointers:
                name, number = f"{base}_{number}", number + 1
            self._names[pointer] = name
            self._pointers[name] = pointer
        return self._names[pointer]

    def _inline(self, schema: Schema, *, small: bool, depth: int = 0) -> _Sized:
        """`schema` with references written out where they may be."""
        plan = {name: self._written_out(name, small=small, depth=depth) for name in names_in(schema)}
        found = {name: entry for name, entry in plan.items() if entry is not None}
        whole = write_out(schema, {name: entry.schema for name, entry in found.items()}) if found else schema
        notes = dict.fromkeys(note for entry in found.values() for note in entry.notes)
        return _Sized(whole, nodes(whole), levels(whole), tuple(notes))

    def _written_out(self, name: str, *, small: bool, depth: int) -> _Sized | None:
        if depth > MAX_LEVELS or self._pointers[name] in self._references.loops:
            return None
        entry = self._inlined_definition(name, small=small, depth=depth)
        fits = entry.size <= (MAX_SMALL if small else MAX_INLINE) and entry.levels <= MAX_LEVELS // 2
        return entry if fits else None

    def _inlined_definition(self, name: str, *, small: bool, depth: int = 0) -> _Sized:
        key = (name, small)
        if key not in self._inlined:
            definition = self.definition(name)
            inner = self._inline(definition.schema, small=small, depth=depth + 1)
            self._inlined[key] = replace(inner, notes=(*definition.notes, *inner.notes))
        return self._inlined[key]

    def _collect(self, root: Schema, size: int) -> tuple[dict[str, Schema], list[str]]:
        found: dict[str, Schema] = {}
        cut: list[str] = []
        queue = list(names_in(root))
        for name in queue:
            if name in found:
                continue
            entry = self._inlined_definition(name, small=True)
            size += entry.size
            if size > MAX_NODES:
                found[name] = {}
                cut.append(name)
            else:
                found[name] = entry.schema
                queue.extend(names_in(entry.schema))
        return found, cut


class _Conversion:
    """The walk over one schema: which keyword becomes what."""

    def __init__(self, reader: SchemaReader, notes: list[str], here: Pointer | None) -> None:
        self._reader = reader
        self._notes = notes
        self._here = here

    def schema(self, schema: Json, *, in_place: bool, level: int) -> Schema | bool:
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            self._notes.append(f"{str(schema)[:60]!r} stands where a schema should; anything is accepted there")
            return True
        if level > MAX_LEVELS:
            self._notes.append(f"cut at {MAX_LEVELS} levels; anything is accepted below")
            return True
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return self._keywords(schema, in_place=in_place, level=level)
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if not self._reader.merges_siblings:
            rest = {key: value for key, value in rest.items() if key in ANNOTATIONS}
        target = self._reader.reference(reference, self._here, in_place=in_place, notes=self._notes)
        return {**target, **self._keywords(rest, in_place=in_place, level=level)} if rest else target

    def _keywords(self, schema: Schema, *, in_place: bool, level: int) -> Schema:
        out: Schema = {}
        for keyword, value in schema.items():
            if keyword in _DROPPED or keyword.startswith("x-"):
                continue
            if keyword == "items" and isinstance(value, list):
                self._tuple(schema, out, level)
            elif keyword in MAPS and isinstance(value, dict):
                out[keyword] = self._map(keyword, value, in_place=in_place, level=level)
            elif keyword in LISTS and isinstance(value, list):
                inner = [self._inner(keyword, item, in_place, level) for item in value]
                # What accepts anything because its reference was lost must not make the other branches wrong.
                lost = keyword == "oneOf" and any(
                    item == {} and isinstance(raw, dict) and "$ref" in raw
                    for raw, item in zip(value, inner, strict=True)
                )
                out["anyOf" if lost and "anyOf" not in schema else keyword] = inner
            elif keyword in SINGLES and not isinstance(value, list):
                out[keyword] = self._inner(keyword, value, in_place, level)
            elif keyword in MAPS or keyword in LISTS or keyword in SINGLES:
                self._notes.append(f"dropped the malformed keyword {keyword!r}")
            else:
                out[keyword] = value
        self._draft4(schema, out)
        return self._nullable(schema, out)

    def _inner(self, keyword: str, value: Json, in_place: bool, level: int) -> Schema | bool:
        return self.schema(value, in_place=in_place and keyword in IN_PLACE, level=level + 1)

    def _map(self, keyword: str, value: Schema, *, in_place: bool, level: int) -> Schema:
        out = {}
        for name, inner in value.items():
            if keyword == "properties" and not self._reader.carries(inner):
                self._reader.hidden.add(name)
                continue
            out[name] = self._inner(keyword, inner, in_place, level)
        return out

    def _tuple(self, schema: Schema, out: Schema, level: int) -> None:
        if schema["items"]:
            out["prefixItems"] = [self._inner("prefixItems", item, False, level) for item in schema["items"]]
        if "additionalItems" in schema:
            out["items"] = self._inner("items", schema["additionalItems"], False, level)

    def _draft4(self, schema: Schema, out: Schema) -> None:
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(out.get(exclusive), bool) and out.pop(exclusive) and bound in out:
                out[exclusive] = out.pop(bound)
        if "example" in schema and "examples" not in out:
            out["examples"] = [schema["example"]]
        dependencies = out.pop("dependencies", None)
        if isinstance(dependencies, dict):
            needed = {name: value for name, value in dependencies.items() if isinstance(value, list)}
            if needed:
                out["dependentRequired"] = needed
            if len(needed) < len(dependencies):
                self._notes.append("dropped 'dependencies' that are schemas; they are not checked")
        self._required(schema, out)
        self._type(out)

    def _required(self, schema: Schema, out: Schema) -> None:
        required = out.get("required")
        if not isinstance(required, list):
            if "required" in out and not isinstance(required, bool):
                self._notes.append("dropped the malformed keyword 'required'")
            out.pop("required", None)
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        properties = schema.get("properties")
        if isinstance(properties, dict):
            dropped = {name for name in properties if not self._reader.carries(properties[name])}
            names = [name for name in names if name not in dropped]
            # Draft 3 wrote `required: true` into the property itself.
            names += [name for name, inner in properties.items() if _says_required(inner) and name not in dropped]
        if isinstance(required, list) or names:
            out["required"] = list(dict.fromkeys(names))
            if not out["required"]:
                del out["required"]

    def _type(self, out: Schema) -> None:
        given = out.get("type")
        if given is None:
            out.pop("type", None)
            return
        names = given if isinstance(given, list) else [given]
        known = [_TYPES.get(name, name) for name in names if isinstance(name, str) and name.lower() != "any"]
        if known != names:
            self._notes.append(f"the type {str(given)[:60]!r} was read as {' or '.join(known) or 'anything'!r}")
        if not known:
            del out["type"]
        else:
            out["type"] = known if isinstance(given, list) else known[0]

    def _nullable(self, schema: Schema, out: Schema) -> Schema:
        keyword = self._reader.null_keyword
        if keyword is None or schema.get(keyword) is not True:
            return out
        if isinstance(out.get("type"), str) and "allOf" not in out and "oneOf" not in out and "anyOf" not in out:
            out["type"] = [out["type"], "null"]
            if isinstance(out.get("enum"), list) and None not in out["enum"]:
                out["enum"] = [*out["enum"], None]
            return out
        notes = {key: out.pop(key) for key in list(out) if key in ANNOTATIONS}
        return {"anyOf": [out, {"type": "null"}], **notes} if out else notes


def _says_required(schema: Json) -> bool:
    return isinstance(schema, dict) and schema.get("required") is True
