"""Tools as an importer finds them: kept, renamed or refused, and every word of it said in the toolset's problems.

Keeps that a toolset's names are unique and usable and that one bad definition never takes its siblings along.
Knows nothing of the formats.
"""

import re
from collections.abc import Mapping

from gtm.errors import SpecError
from gtm.tools.refs import References, Refused
from gtm.tools.schema import Finished, SchemaReader
from gtm.types import Json, Problem, Tool, Toolset, ToolsetKind

MAX_NAME = 128
"""Characters in a tool's name, as in the MCP specification; most model providers stop at 64."""
_COMMON = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


class Gathering:
    """The tools and problems of one toolset in the making."""

    def __init__(self, kind: ToolsetKind, source: str) -> None:
        self.tools: list[Tool] = []
        self.problems: list[Problem] = []
        self._kind: ToolsetKind = kind
        self._source = source
        self._taken: set[str] = set()

    def add(self, tool: Tool) -> str:
        """Keep a tool under its name, or under the nearest usable one, which is returned."""
        name = self._usable(tool.name)
        if name != tool.name:
            tool = tool.model_copy(update={"name": name, "title": tool.title or tool.name})
        self._taken.add(name)
        self.tools.append(tool)
        self.problems.extend(Problem(tool=name, kind="relaxed", message=note) for note in tool.problems)
        return name

    def refuse(self, name: str, reason: str) -> None:
        """Leave a tool out and say why."""
        self.problems.append(Problem(tool=name, kind="refused", message=reason))

    def say(self, tool: str | None, message: str) -> None:
        """Note something odd that a user may want to know."""
        self.problems.append(Problem(tool=tool, kind="odd", message=message))

    def rename(self, name: str, why: str) -> None:
        """Note that a tool is called `name` here though its definition says otherwise."""
        self.problems.append(Problem(tool=name, kind="renamed", message=f"{why}; it is {name!r} here"))

    def toolset(self, name: str) -> Toolset:
        """The finished toolset. Raises SpecError where not one tool is left."""
        if not self.tools:
            refusals = [problem for problem in self.problems if problem.kind == "refused"]
            if not refusals:
                raise SpecError(f"{self._source!r} defines no tools; give a definition with at least one")
            first = refusals[0]
            rest = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
            raise SpecError(f"{self._source!r} has no usable tool: {first.tool!r} {first.message}{rest}")
        return Toolset(name=name, kind=self._kind, tools=tuple(self.tools), problems=tuple(self.problems))

    def _usable(self, wanted: str) -> str:
        name = wanted
        if not name.isprintable() or not name.strip() or len(name) > MAX_NAME:
            name = safe_name(wanted)
            self.rename(name, f"its name {wanted[:80]!r} is not printable or longer than {MAX_NAME} characters")
        elif not _COMMON.match(name):
            self.say(
                name, "its name has other characters than A-Z a-z 0-9 _ . - or more than 64: some clients refuse it"
            )
        if name not in self._taken:
            return name
        number = 2
        while (unique := f"{name[: MAX_NAME - 8]}_{number}") in self._taken:
            number += 1
        self.rename(unique, f"the name {name!r} is taken by an earlier tool")
        return unique


def safe_name(text: str, limit: int = 64) -> str:
    """`text` as a name of letters, digits, `_`, `.` and `-` only, or "tool" where none is left."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-")[:limit] or "tool"


def slug(text: str) -> str:
    """`text` as a toolset's name: lower case, words joined by `-`."""
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")[:64] or "tools"


def read_parameters(value: Json) -> Finished:
    """The arguments' schema of a definition that carries its own. Raises Refused, SpecError where it has none."""
    if value is None or value is True:
        value = {}
    if not isinstance(value, dict):
        raise Refused(f"has parameters that are {_kind_of(value)}, not a JSON Schema; give an object schema")
    finished = _read(value)
    schema = finished.schema
    given = schema.get("type", "object")
    if given != "object" and not (isinstance(given, list) and "object" in given):
        raise Refused(f"takes {given!r} for its arguments, not an object; give a schema of type 'object'")
    return Finished(object_schema(schema), finished.notes)


def read_output(value: Json) -> tuple[dict[str, Json] | bool | None, tuple[str, ...]]:
    """The answer's schema of a definition that carries its own, and notes; None where there is no usable one.

    Raises Refused where it leaves the document.
    """
    if value is None or isinstance(value, bool):
        return value, ()
    if not isinstance(value, dict):
        return None, (f"its output schema is {_kind_of(value)}, not a JSON Schema; it was left out",)
    try:
        finished = _read(value)
    except Refused:
        raise
    except SpecError as error:
        return None, (f"its output schema was left out: {error}",)
    return finished.schema, tuple(f"output: {note}" for note in finished.notes)


def object_schema(schema: Mapping[str, Json]) -> dict[str, Json]:
    """`schema` with the type and the properties that every arguments' schema has."""
    rest = {key: value for key, value in schema.items() if key not in ("type", "properties")}
    return {"type": "object", "properties": schema.get("properties", {}), **rest}


def text_of(value: Json) -> str:
    """`value` where it is text, else nothing."""
    return value.strip() if isinstance(value, str) else ""


def _read(schema: dict[str, Json]) -> Finished:
    return SchemaReader(References(schema)).read(schema, here=())


def _kind_of(value: Json) -> str:
    names = {list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")
