"""What HTTP APIs take although their definition does not say so.

Of 143 recorded calls that sent null for what may be left out none was refused for it, of 175 that sent a protobuf
enum's number none, 58 of 63 that sent a time without an offset succeeded, and some published patterns refuse the
definition's own example. Only tools that are bound to HTTP; whatever else a definition refuses stays refused.
"""

import copy
import re
from collections.abc import Iterator

from gtm.simulator.validation import ArgumentReport, check_arguments
from gtm.simulator.violations import Violation, schema_at
from gtm.tools.validator import prepare
from gtm.tools.workpiece import at
from gtm.types import Json, Tool
from gtm.world.tree import steps_of

MAX_ROUNDS = 5
"""A report names ten violations; so many are looked at one after the other."""

_UNSPECIFIED = "_UNSPECIFIED"
"""How the first name of a protobuf enum ends, by its style guide; its JSON mapping takes names and numbers."""

_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?")
"""A time that does not say of where (RFC 3339 without its offset): taken as UTC."""


def accepted(tool: Tool, arguments: Json) -> tuple[Json, ArgumentReport]:
    """A call's arguments as the tool takes them, and what is wrong with them.

    Raises:
        SpecError: the tool's own schema is unusable.
    """
    first = report = check_arguments(tool, arguments)
    if report.ok or tool.http is None or not isinstance(arguments, dict):
        return arguments, report
    taken: Json = copy.deepcopy(arguments)
    for _ in range(MAX_ROUNDS):
        broken = [one for one in report.violations if not _is_contradicted(tool, one)]
        if not broken:
            return taken, ArgumentReport((), report.unknown, report.hints)
        places = {one.pointer: one for one in broken}
        if not all(_is_mended(tool, one, taken) for one in places.values()):
            break
        report = check_arguments(tool, taken)
    return arguments, first


def _is_mended(tool: Tool, violation: Violation, arguments: Json) -> bool:
    """Whether a place's value was put into what the definition takes."""
    *outer, last = [*_path(violation.pointer, arguments)] or [""]
    holder = at(arguments, outer)
    if violation.keyword not in {"type", "enum", "format"} or not isinstance(holder, dict) or last not in holder:
        return False
    value = holder[str(last)]
    if violation.keyword == "format":
        is_local = isinstance(value, str) and _LOCAL_TIME.fullmatch(value) is not None
        holder[str(last)] = f"{value}Z" if is_local else value
        return is_local
    if value is None:
        del holder[str(last)]
        # In a change it may mean that what is there be taken away.
        return tool.http is not None and tool.http.method.upper() not in {"PUT", "PATCH"}
    names = schema_at(prepare(tool.parameters).schema, (*outer, last), arguments).get("enum")
    if not isinstance(names, list) or not any(str(name).endswith(_UNSPECIFIED) for name in names):
        return False
    if type(value) is not int or not 0 <= value < len(names):
        return False
    holder[str(last)] = names[value]
    return True


def _is_contradicted(tool: Tool, violation: Violation) -> bool:
    """Whether a pattern refuses the definition's own example of the place."""
    if violation.keyword != "pattern":
        return False
    shown = (check_arguments(tool, one.arguments) for one in tool.examples if not one.is_error)
    refused = (other.pointer for report in shown for other in report.violations if other.keyword == "pattern")
    return _anywhere(violation.pointer) in map(_anywhere, refused)


def _anywhere(pointer: str) -> list[str]:
    """A pointer whatever the items of arrays are that it goes through."""
    return [part for part in pointer.split("/") if not part.isdigit()]


def _path(pointer: str, value: Json) -> Iterator[str | int]:
    """A JSON pointer as a path into a value."""
    for step in steps_of(pointer):
        part = int(step) if isinstance(value, list) and step.isdigit() else step
        yield part
        value = at(value, (part,))
