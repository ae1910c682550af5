"""From bytes to a JSON value, within limits: JSON, YAML (1.2 rules), gzip.

Keeps that whatever comes out is plain JSON: string keys, finite numbers, whole Unicode, at most `MAX_DEPTH` deep and
`MAX_NODES` large, aliases counted as often as they are used. YAML goes through libyaml's events and our own builder:
PyYAML's constructor recurses, reads dates and `12:30` as other things than text, and does not bound aliases.
Knows nothing of tools.
"""

import codecs
import gzip
import json
import math
import re
import zlib
from collections.abc import Iterator
from typing import NoReturn

import yaml

from gtm.errors import SpecError
from gtm.types import Json

MAX_BYTES = 50_000_000
"""The largest published OpenAPI document (Microsoft Graph) has 35 MB."""
MAX_DEPTH = 128
"""Real documents stay below 40; pydantic's JSON parser gives up at 200."""
MAX_NODES = 5_000_000
"""Values in a document, each alias counted with all that it stands for."""

_LIMIT_ADVICE = "keep the operations you need in a smaller file"
_GZIP_MAGIC = b"\x1f\x8b"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_YAML_INT = re.compile(r"[-+]?[0-9]+\Z")
_YAML_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_YAML_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MERGE = "<<"


def read_document(data: bytes, source: str) -> Json:
    """The JSON value that `data` (JSON, YAML, or either in gzip) stands for.

    `source` names it in messages. Raises SpecError: not JSON or YAML, empty, too large, too deep, too many aliases.
    """
    text = decode(inflate(data, source), source)
    start = text.lstrip()[:1]
    if not start:
        raise SpecError(f"{source!r} is empty; give a file with tool definitions")
    if start in "{[":
        try:
            return _checked(_from_json(text, source), source)
        except SpecError:
            if not source.endswith((".yaml", ".yml")):
                raise
    return _from_yaml(text, source)


def inflate(data: bytes, source: str) -> bytes:
    """`data` unpacked if it is gzip, and of an allowed size. Raises SpecError."""
    if data[:2] == _GZIP_MAGIC:
        try:
            unpacker = zlib.decompressobj(wbits=31)
            data = unpacker.decompress(data, MAX_BYTES + 1)
        except zlib.error as error:
            raise SpecError(f"{source!r} is damaged gzip ({error}); fetch it again") from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"{source!r} is larger than {MAX_BYTES // 1_000_000} MB; {_LIMIT_ADVICE}")
    return data


def decode(data: bytes, source: str) -> str:
    """`data` as text by its byte order mark, else UTF-8. Raises SpecError on anything else."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SpecError(f"{source!r} is not text ({error.reason}); give JSON or YAML in UTF-8") from error


def parse_line(line: bytes, source: str) -> Json:
    """One line of a JSONL file, within the limits of a document. Raises SpecError."""
    return _checked(_from_json(decode(line, source), source), source)


def open_lines(path: str) -> Iterator[bytes]:
    """The lines of a JSONL file, unpacked as they are read; empty ones are left out. Raises SpecError, OSError."""
    with open(path, "rb") as raw:
        packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if packed else raw
        try:
            while line := stream.readline(MAX_BYTES + 1):
                if len(line) > MAX_BYTES:
                    raise SpecError(f"{path!r} has a line of more than {MAX_BYTES // 1_000_000} MB; split it")
                if line.strip():
                    yield line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SpecError(f"{path!r} is damaged gzip ({error}); fetch it again") from error


def check_value(value: Json, source: str) -> None:
    """Raise SpecError unless `value` is plain JSON within the limits (a Python value may be anything)."""
    nodes, level = 1, [value]
    for _ in range(MAX_DEPTH):
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                for key in item:
                    _check_text(key, source)
                below.extend(item.values())
            elif isinstance(item, list | tuple):
                below.extend(item)
            else:
                _check_scalar(item, source)
            if nodes + len(below) > MAX_NODES:
                raise SpecError(f"{source!r} holds more than {MAX_NODES} values; {_LIMIT_ADVICE}")
        if not below:
            return
        nodes += len(below)
        level = below
    raise SpecError(f"{source!r} is nested more than {MAX_DEPTH} levels deep; flatten it")


def _checked(value: Json, source: str) -> Json:
    check_value(value, source)
    return value


def _check_scalar(item: Json, source: str) -> None:
    if isinstance(item, str):
        _check_text(item, source)
    elif isinstance(item, float):
        if not math.isfinite(item):
            raise SpecError(f"{source!r} holds the number {item!r}, which JSON has not; write a finite number")
    elif item is not None and not isinstance(item, int):
        raise SpecError(f"{source!r} holds a {type(item).__name__}, which JSON has not; give parsed JSON")


def _check_text(item: Json, source: str) -> None:
    if not isinstance(item, str):
        raise SpecError(f"{source!r} has the key {item!r}, which is not a string; quote it")
    if not item.isascii():
        try:
            item.encode()
        except UnicodeEncodeError as error:
            raise SpecError(f"{source!r} holds half of a surrogate pair; write whole characters") from error


def _from_json(text: str, source: str) -> Json:
    def refuse(word: str) -> NoReturn:
        raise SpecError(f"{source!r} holds {word!r}, which JSON has not; write a finite number")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise SpecError(f"{source!r} is nested more than {MAX_DEPTH} levels deep; flatten it") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise SpecError(f"{source!r} is not JSON: {error.msg} at {where}; mend it there") from error
    except ValueError as error:
        raise SpecError(f"{source!r} holds a number that is too long ({error}); shorten it") from error


def _from_yaml(text: str, source: str) -> Json:
    try:
        return _Builder(source).build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in (error.problem or ""):  # libyaml's own limit, since PyYAML 6.0.4
            raise SpecError(f"{source!r} is nested more than {MAX_DEPTH} levels deep; flatten it") from error
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise SpecError(f"{source!r} is neither JSON nor YAML: {error.problem or error.context}{where}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SpecError(f"{source!r} is neither JSON nor YAML: {reason}") from error


class _Open:
    """A mapping or sequence whose end has not been read yet."""

    __slots__ = ("anchor", "key", "merges", "nodes", "value")

    def __init__(self, value: dict[str, Json] | list[Json], anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.nodes = 1
        self.merges: list[Json] = []


class _Builder:
    """Builds a value from YAML events without recursion, counting what aliases expand to."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Json, int]] = {}
        self._documents: list[Json] = []

    def build(self, events: Iterator[yaml.Event]) -> Json:
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._open({}, event)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open([], event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._close()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(str(event.anchor))
        if not self._documents:
            raise SpecError(f"{self._source!r} is empty; give a file with tool definitions")
        if len(self._documents) > 1:
            raise SpecError(f"{self._source!r} holds {len(self._documents)} YAML documents; give one a file")
        return self._documents[0]

    def _open(self, value: dict[str, Json] | list[Json], event: yaml.CollectionStartEvent) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise SpecError(f"{self._source!r} is nested more than {MAX_DEPTH} levels deep; flatten it")
        if self._wants_key():
            self._fail("a key that is a list or a mapping", event)
        self._stack.append(_Open(value, event.anchor))

    def _close(self) -> None:
        done = self._stack.pop()
        if isinstance(done.value, dict):
            for merged in done.merges:
                for key, item in merged.items():
                    done.value.setdefault(key, item)
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.nodes)
        self._add(done.value, done.nodes)

    def _alias(self, anchor: str) -> None:
        if anchor not in self._anchors:
            raise SpecError(f"{self._source!r} has the alias {anchor!r} inside or before its anchor; write it out")
        value, nodes = self._anchors[anchor]
        if self._wants_key() and not isinstance(value, str):
            raise SpecError(f"{self._source!r} has the alias {anchor!r} for a key that is not text; write it out")
        self._add(value, nodes)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._wants_key():
            value: Json = event.value
        else:
            value = self._resolve(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, 1)

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _add(self, value: Json, nodes: int) -> None:
        if not self._stack:
            self._documents.append(value)
            return
        top = self._stack[-1]
        top.nodes += nodes
        if top.nodes > MAX_NODES:
            raise SpecError(f"{self._source!r} holds more than {MAX_NODES} values, aliases included; {_LIMIT_ADVICE}")
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            top.key = value
        else:
            if top.key == _MERGE and (sources := _mergeable(value)) is not None:
                top.merges.extend(sources)
            else:
                top.value[top.key] = value
            top.key = None

    def _resolve(self, event: yaml.ScalarEvent) -> Json:
        text, tag = event.value, event.tag
        if tag is None and not event.implicit[0]:
            return text
        if tag in ("!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:binary"):
            return text
        if tag is not None and not tag.startswith("tag:yaml.org,2002:"):
            self._fail(f"the tag {tag!r}", event)
        if text in _YAML_WORDS:
            return _YAML_WORDS[text]
        if _YAML_INT.match(text) and len(text) < 400:
            return int(text)
        if _YAML_FLOAT.match(text) and math.isfinite(number := float(text)):
            return number
        return text

    def _fail(self, what: str, event: yaml.Event) -> NoReturn:
        line = event.start_mark.line + 1 if event.start_mark else 1
        raise SpecError(f"{self._source!r} uses {what} at line {line}, which JSON has not; write it as plain YAML")


def _mergeable(value: Json) -> list[dict[str, Json]] | None:
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return value
    return None
