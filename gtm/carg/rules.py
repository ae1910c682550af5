"""What makes a call no example to learn from: one reason each, from a closed list.

Real answers are given: where they disagree with their definition, the definition may be wrong, so that is counted
and not refused. Planned answers were made here and are held to everything. Looks at one call at a time; what calls of
a session owe each other is in `gtm.carg.agreement`.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import jsonschema_rs

from gtm import prompt
from gtm.carg.records import Called, Session
from gtm.prompt import Ending
from gtm.simulator.redact import REDACTED
from gtm.simulator.validation import check_arguments
from gtm.types import Json, Tool
from gtm.world.tree import inside, leaves, steps_of

Flaw = Literal[
    "empty",
    "shape",
    "schema",
    "echo",
    "placeholder",
    "truncated",
    "false_error",
    "no_error",
    "status",
    "times",
    "totals",
    "too_long",
    "filled",
    "mended",
    "unexplained",
]

MAX_TARGET = 1500
"""Tokens of an answer, estimated: with the prompt's 2,000 it fits a sequence of 4,096 with room for the chat form."""

PROMPT_ROOM = 1.1
"""Of the prompt's budget: stand-ins for what was masked may be longer than what they stand for."""

_TYPE_WORDS = frozenset({"type", "kind", "format", "datatype", "valuetype", "fieldtype", "schema", "class"})
"""Names of fields whose value may well be `string`."""

_PLACEHOLDER = re.compile(
    r"string|\{[\w .:-]+\}|\$\{[\w .:-]+\}|\{\{[\w .:-]+\}\}|<[a-z][\w .:-]*>|\[[A-Z][A-Z _-]+\]|x{4,}|X{4,}|TODO|TBD"
    r"|(?:.*[^A-Za-z])?(?:YOUR|MY)[_-][A-Z][A-Z_-]*(?:[^A-Za-z].*)?|your[_-](?:[a-z]+[_-])*[a-z]+(?:[_-]here)"
    r"|.*\b[Ll]orem ipsum\b.*|placeholder",
    re.DOTALL,
)
_HINTS = re.compile(r"string|[{<\[]|xxxx|XXXX|TODO|TBD|YOUR|MY[_-]|your|orem ipsum|placeholder")
_CUT = '…"'
"""How collections end a text that they cut, as JSON writes it; what they cut of a list no target shows anyway."""

_CREATED = frozenset(
    "created createdat createdon createddate creationdate creationtime createtime datecreated".split()
)
_UPDATED = frozenset(
    "updated updatedat updatedon updateddate updatetime lastupdated lastupdatedat lastmodified lastmodifieddate"
    " modified modifiedat modifiedon modifieddate modificationdate lastmodifiedtime dateupdated datemodified".split()
)
_TOTALS = frozenset("total totalcount totalitems totalresults totalrecords totalelements totalsize".split())
_NOT_ECHOED = frozenset("limit offset page pagesize perpage cursor fields expand include sort order filter q".split())


def flaw(call: Called, session: Session, tool: Tool | None, validator: jsonschema_rs.Validator | None) -> Flaw | None:
    """The first thing that is wrong with a call, or None."""
    for check in (_unreadable, _size, _outcome, _mended):
        found = check(call, session)
        if found is not None:
            return found
    if session.real:
        return _unlike_documentation(call, tool) if call.origin == "documented" else None
    if call.result.is_error:
        return "unexplained" if tool is not None and _is_unexplained(call, tool) else None
    if call.result.fault is not None:
        return None
    bodiless = tool is not None and tool.http is not None and tool.http.media_type is None
    if validator is not None and not bodiless and not validator.is_valid(call.result.content):
        return "schema"
    return _made_badly(call, tool)


def oddities(call: Called, tool: Tool | None, validator: jsonschema_rs.Validator | None) -> Iterator[str]:
    """What is odd about a real answer, for the count."""
    if call.result.is_error:
        return
    content = call.result.content
    if validator is not None and not validator.is_valid(content):
        yield "schema"
    if tool is not None and call.effect in ("create", "update") and not echoes(call.arguments, content):
        yield "echo"
    if not _in_order(content):
        yield "times"
    if not _adds_up(content):
        yield "totals"
    if has_placeholder(content):
        yield "placeholder"


_BROKEN_OFF = "generation "
"""How the simulator's warnings about a completion that stopped midway begin."""


def _unreadable(call: Called, session: Session) -> Flaw | None:
    """Whether the target is what `parse` would read back, whole."""
    written = call.written
    if call.trimmed and (written is None or written.shape is None or _CUT in written.target):
        return "truncated"
    if written is None:
        return "empty" if call.result.is_error and not call.result.text.strip() else None
    if not written.target.strip():
        return "empty"
    if any(warning.startswith(_BROKEN_OFF) for warning in call.result.warnings):
        return "truncated"
    if written.shape is None:
        # A text that ran out of tokens is shown up to its last whole sentence.
        return None if session.real or call.result.text == written.target else "truncated"
    parsed = prompt.parse(written.target, written.shape)
    if parsed.ending is not Ending.COMPLETE:
        return "shape"
    return None if json.loads(written.target) == parsed.value else "shape"


def _size(call: Called, session: Session) -> Flaw | None:
    written = call.written
    target = call.result.text if written is None else written.target
    if len(target) > MAX_TARGET and prompt.tokens(target) > MAX_TARGET:
        return "too_long"
    if written is None:
        return None
    room = prompt.BUDGET * PROMPT_ROOM
    taken = sum(len(text) for _, text in written.messages)
    if taken > room and sum(prompt.tokens(text) for _, text in written.messages) > room:
        return "too_long"
    return "truncated" if "prompt" in written.cuts else None


def _outcome(call: Called, session: Session) -> Flaw | None:
    """Whether errors are errors and nothing else is."""
    result = call.result
    if call.expect_error is False and result.is_error:
        return "false_error"
    if not result.is_error and (call.expect_error or (call.kind == "wrong" and call.expect_error is None)):
        return "no_error"
    if result.status is not None and not (result.fault or session.real) and (result.status >= 400) != result.is_error:
        return "status"
    return None


def _mended(call: Called, session: Session) -> Flaw | None:
    """Whether the answer says all that the target says, or had to be mended to fit its schema."""
    written, result = call.written, call.result
    if written is None or written.shape is None or result.is_error or result.fault is not None:
        return None
    for pointer, value in leaves(json.loads(written.target)):
        shown = result.content
        for step in steps_of(pointer):
            shown = inside(shown, step)
        if shown != value and not (value in ({}, []) and isinstance(shown, type(value))):
            return "mended"
    return None


def _is_unexplained(call: Called, tool: Tool) -> bool:
    """Whether arguments were refused for a secret that is shown no more."""
    error = call.result.error
    if error is None or error.kind != "invalid_arguments" or REDACTED not in json.dumps(call.arguments):
        return False
    return not check_arguments(tool, call.arguments).violations


def _unlike_documentation(call: Called, tool: Tool | None) -> Flaw | None:
    """Documentation is written by hand: what contradicts itself there teaches nothing."""
    if call.result.is_error:
        return "placeholder" if has_placeholder(call.result.content) else None
    return _sense(call)


def _made_badly(call: Called, tool: Tool | None) -> Flaw | None:
    if call.origin == "teacher" and "default" in call.result.provenance.values():
        return "filled"
    return _sense(call)


def _sense(call: Called) -> Flaw | None:
    content = call.result.content
    if has_placeholder(content) or has_placeholder(call.arguments):
        return "placeholder"
    if call.effect in ("create", "update") and not echoes(call.arguments, content):
        return "echo"
    if not _in_order(content):
        return "times"
    if not _adds_up(content):
        return "totals"
    return "truncated" if call.origin != "code" and _breaks_off(content) else None


def has_placeholder(value: Json, name: str = "") -> bool:
    """Whether a value says what should stand there instead of saying it."""
    if isinstance(value, str):
        return (
            _HINTS.search(value) is not None
            and _PLACEHOLDER.fullmatch(value) is not None
            and not (value == "string" and flat(name)[-8:] in _TYPE_WORDS)
            and not any(flat(name).endswith(word) for word in _TYPE_WORDS)
        )
    if isinstance(value, dict):
        texts = [(key, text) for key, text in value.items() if isinstance(text, str)]
        if len(texts) > 1 and all(flat(key) == flat(text) for key, text in texts):
            return True
        return any(has_placeholder(item, key) for key, item in value.items())
    return isinstance(value, list) and any(has_placeholder(item, name) for item in value)


def echoes(arguments: dict[str, Json], content: Json) -> bool:
    """Whether what was sent shows where the answer has a field of that name; numbers and texts of one value agree."""
    document = document_of(content)
    if document is None:
        return True
    for name, sent in arguments.items():
        shown = document.get(name)
        if shown is None or sent is None or isinstance(sent, dict | list) or isinstance(shown, dict | list):
            continue
        if flat(name) not in _NOT_ECHOED and not alike(sent, shown):
            return False
    return True


def document_of(content: Json) -> dict[str, Json] | None:
    """The thing an answer shows: itself, or the one object inside."""
    if not isinstance(content, dict):
        return None
    inner = [value for value in content.values() if isinstance(value, dict)]
    return inner[0] if len(content) == 1 and inner else content


def alike(one: Json, other: Json) -> bool:
    """Whether two scalars say the same."""
    if one == other:
        return True
    if isinstance(one, bool) or isinstance(other, bool):
        return str(one).lower() == str(other).lower()
    left, right = str(one), str(other)
    return left == right or left.lower() == right.lower() or other == "[redacted]" or _rest(left) == _rest(right)


def _rest(text: str) -> str:
    """A name without the path before it: `projects/a/topics/b` and `b` are the same thing."""
    return text.rstrip("/").rpartition("/")[2]


@lru_cache(maxsize=65_536)
def flat(name: str) -> str:
    """A field's name in lower case without separators."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _objects(value: Json) -> Iterator[dict[str, Json]]:
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            yield here
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)


def _in_order(content: Json) -> bool:
    """Whether nothing changed before it was made, where both times are written alike."""
    for here in _objects(content):
        if len(here) < 2:
            continue
        names = {flat(name): value for name, value in here.items()}
        made = next((names[name] for name in names if name in _CREATED), None)
        changed = next((names[name] for name in names if name in _UPDATED), None)
        numbers = all(isinstance(t, int | float) and not isinstance(t, bool) for t in (made, changed))
        texts = isinstance(made, str) and isinstance(changed, str) and len(made) == len(changed) and _ISO.match(made)
        if (numbers or texts) and made > changed:  # type: ignore[operator]
            return False
    return True


_ISO = re.compile(r"\d{4}-\d\d-\d\dT.*Z$")


def _adds_up(content: Json) -> bool:
    """Whether a total is at least what is shown beside it."""
    for here in _objects(content):
        lists = [value for value in here.values() if isinstance(value, list)]
        if len(lists) != 1:
            continue
        for name, value in here.items():
            if flat(name) in _TOTALS and isinstance(value, int) and value < len(lists[0]):
                return False
    return True


def _breaks_off(value: Json) -> bool:
    if isinstance(value, str):
        return len(value) > 20 and value.endswith(("…", "[truncated]", "..[cut]"))
    if isinstance(value, dict):
        return any(_breaks_off(item) for item in value.values())
    return isinstance(value, list) and any(_breaks_off(item) for item in value)
