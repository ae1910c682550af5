"""The stage `read`: every line of the catalogs, the specs and the recordings, normalised, with what finds duplicates.

A unit is a run of raw lines, shipped with it. Files: `read` (tools) and `recorded` (sessions), and for each a file of
keys, a short line a record, by which `sources` sorts and drops without reading the records themselves. A line that is
no usable record is counted with its reason.
"""

import base64
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from gtm.carg.folder import RunFolder, write_whole
from gtm.carg.minhash import shingles, signature
from gtm.carg.records import Documented, Entry, RecordedCall, to_line
from gtm.carg.stage import Done, Progress, Unit
from gtm.carg.teacher import Teacher
from gtm.errors import ConfigError, SpecError
from gtm.tools.catalog import read_line, split
from gtm.tools.document import open_lines, parse_line
from gtm.tools.gather import text_of
from gtm.tools.load import load_toolsets
from gtm.types import Frozen, Json, Tool, canonical, digest
from gtm.world.words import words

LINES = 500
"""Raw lines in a unit: about 1.3 MB, half a second of work."""
_SPEC_FILES = (".json", ".yaml", ".yml", ".json.gz", ".yaml.gz")
_log = logging.getLogger(__name__)


class Spec(Frozen):
    """Definitions in any format that `gtm.tools.load` reads."""

    source: str
    """A file, a folder of files, an `mcp.json`, the URL or the command line of a server."""
    licence: str = "unknown"


class Found(Frozen):
    """A tool as it was read: a line of `read`."""

    entry: Entry
    """Without a domain, and under the name that its source gave it."""
    topic: str = ""
    """What the source itself says it is about."""


class Heard(Frozen):
    """A session as it was recorded, over any number of families: a line of `recorded`."""

    id: str
    source: str
    origin: str
    licence: str
    initial: Json = None
    calls: tuple[RecordedCall, ...]


class ReadStage:
    """Raw lines in, records and their keys out."""

    name = "read"
    files: tuple[str, ...] = ("read", "read_keys", "recorded", "recorded_keys")

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Ask for the specs once: a server may answer otherwise tomorrow."""
        path = folder.path / "read.specs.jsonl"
        if not path.exists():
            write_whole(path, b"".join(_spec_lines(folder)))
        return {}

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """Runs of lines, file by file in the order of their names."""
        settings = folder.recipe.sources
        yield from _units("spec", "read.specs", _lines_of(folder.path / "read.specs.jsonl"))
        for kind, patterns in (("tools", settings.catalogs), ("calls", settings.recordings)):
            for path in files_of(folder, patterns):
                yield from _units(kind, path.name.partition(".")[0], _lines_of(path))

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """Normalise one run of lines."""
        done = Done()
        first, source, near = unit.given["first"], unit.given["source"], folder.recipe.sources.near > 0
        for number, line in enumerate(unit.given["lines"], first):
            where = f"{source}:{number}"
            try:
                if unit.given["kind"] == "calls":
                    _add_session(done, _heard(parse_line(line, where), source))
                else:
                    found = _from_spec(line) if unit.given["kind"] == "spec" else _found(line, where, source)
                    _add_tool(done, found, near)
            except SpecError as error:
                done.counts[f"dropped/{_reason(str(error))}"] += 1
                _log.info("%s left out: %s", where, error)
        return done


def files_of(folder: RunFolder, patterns: Iterable[str]) -> Iterator[Path]:
    """The data files of patterns, each once, in order. Raises ConfigError where a pattern names none."""
    seen = set()
    for pattern in patterns:
        root = folder.data or Path()
        found = [root / pattern] if (root / pattern).is_file() else sorted(root.glob(pattern))
        if not found:
            raise ConfigError(f"the recipe's sources, {pattern!r}: no such file in {str(root)!r}; check --data")
        yield from (path for path in found if path not in seen)
        seen.update(found)


def tokens_of(tool: Tool) -> list[str]:
    """What makes a tool like another: runs of the words of its name and description, its arguments, its answer."""
    text = [*words(tool.name), *re.findall(r"\w+", tool.description.lower())]
    arguments = [f"<{name} {_kind(schema)}" for name, schema in _properties(tool.parameters).items()]
    answer = [f">{name} {_kind(schema)}" for name, schema in _properties(tool.output_schema).items()]
    return [*shingles(text), *arguments, *answer]


def _units(kind: str, source: str, lines: Iterator[bytes]) -> Iterator[Unit]:
    first = 1
    while run := list(islice(lines, LINES)):
        yield Unit(f"{kind}/{source}/{first}", given={"kind": kind, "source": source, "first": first, "lines": run})
        first += len(run)


def _lines_of(path: Path) -> Iterator[bytes]:
    try:
        yield from open_lines(str(path))
    except OSError as error:
        raise SpecError(f"{str(path)!r} cannot be read ({error.strerror}); check the path") from error


def _spec_lines(folder: RunFolder) -> Iterator[bytes]:
    for spec in folder.recipe.sources.specs:
        for source in _spec_sources(folder, spec.source):
            try:
                toolsets = load_toolsets(source, allow_exec=folder.allow_exec)
            except SpecError as error:
                if source == spec.source:
                    raise
                _log.warning("%s left out: %s", source, error)
                continue
            for toolset in toolsets:
                family = toolset.tools[0].domain or f"spec/{toolset.name}"
                for tool in toolset.tools:
                    id = tool.source or f"{family}:{tool.name}"
                    licence = tool.licence or spec.licence
                    tool = tool.model_copy(update={"domain": family, "source": id, "licence": licence})
                    yield to_line(Found(entry=_entry(tool, "specs", _documented_by(tool))))


def _spec_sources(folder: RunFolder, source: str) -> list[str]:
    """A spec, or the specs of a folder. Raises ConfigError where something would have to be contacted or run."""
    path = (folder.base or folder.data or Path()) / source
    if path.is_dir():
        return [str(file) for file in sorted(path.rglob("*")) if file.name.endswith(_SPEC_FILES)]
    if path.is_file() or (path.parent / path.name.partition("#")[0]).is_file():
        return [str(path)]
    if not folder.allow_exec:
        raise ConfigError(
            f"the recipe's sources want to contact or run {source!r}, which is no file; allow it with --allow-exec"
        )
    return [source]


def _from_spec(line: bytes) -> Found:
    return Found.model_validate_json(line)


def _found(line: bytes, where: str, source: str) -> Found:
    read = read_line(line, where)
    if read.tool is None:
        raise SpecError(read.reason)
    documented = tuple(_documented(read.record.get("examples")))
    return Found(entry=_entry(read.tool, source, documented), topic=text_of(read.record.get("category")))


def _entry(tool: Tool, source: str, documented: tuple[Documented, ...]) -> Entry:
    return Entry(
        id=tool.source,
        family=tool.domain,
        split=split(tool.domain),
        domain="",
        source=source,
        licence=tool.licence,
        tool=tool,
        documented=documented,
    )


def _documented_by(tool: Tool) -> tuple[Documented, ...]:
    return tuple(
        Documented(arguments=one.arguments, response=one.response, is_error=one.is_error) for one in tool.examples
    )


def _documented(given: Json) -> Iterator[Documented]:
    for item in given if isinstance(given, list) else ():
        if isinstance(item, dict) and isinstance(item.get("arguments"), dict):
            yield Documented(
                arguments=item["arguments"],
                response=item.get("response"),
                is_error=item.get("is_error") is True,
                args_from=text_of(item.get("args_from")) or "doc",
                response_from=text_of(item.get("response_from")) or "doc",
                args_valid=item.get("args_valid") is not False,
                trimmed=item.get("trimmed") is True,
            )


def _heard(record: Json, source: str) -> Heard:
    if not isinstance(record, dict) or not isinstance(record.get("session"), list) or not text_of(record.get("id")):
        raise SpecError(f"{source!r} has a line without 'id' or 'session'; this is no recorded session")
    fields = ("tool", "arguments", "response", "is_error", "status", "trimmed", "perturbed")
    try:
        calls = tuple(
            RecordedCall.model_validate({key: call[key] for key in fields if call.get(key) is not None})
            for call in record["session"]
        )
    except (ValidationError, AttributeError, TypeError):
        raise SpecError(f"{source!r} has a session with a malformed call; give 'tool' and 'arguments'") from None
    return Heard(
        id=record["id"],
        source=source,
        origin=text_of(record.get("source")),
        licence=text_of(record.get("licence")),
        initial=record.get("initial_state"),
        calls=calls,
    )


def _add_tool(done: Done, found: Found, near: bool) -> None:
    tool, line = found.entry.tool, to_line(found)
    alike = [tool.name, " ".join(tool.description.split()), tool.parameters, tool.output_schema]
    key = {
        "id": found.entry.id,
        "family": found.entry.family,
        "name": tool.name,
        "digest": digest(alike)[:32],
        "bytes": len(line),
    }
    if near:
        key["signature"] = base64.b64encode(signature(tokens_of(tool))).decode()
    done.add("read", line)
    done.add("read_keys", canonical(key) + b"\n")
    done.counts["tools"] += 1


def _add_session(done: Done, heard: Heard) -> None:
    line = to_line(heard)
    calls = Counter(call.tool for call in heard.calls)
    done.add("recorded", line)
    done.add("recorded_keys", canonical({"calls": calls, "bytes": len(line)}) + b"\n")
    done.counts["sessions"] += 1
    done.counts["recorded_calls"] += len(heard.calls)


def _properties(schema: dict[str, Json] | bool | None) -> dict[str, Json]:
    return schema.get("properties", {}) if isinstance(schema, dict) else {}


def _kind(schema: Json) -> str:
    return str(schema.get("type", "")) if isinstance(schema, dict) else ""


_REASONS = {
    "is not JSON": "not_json",
    "is not text": "not_text",
    "is no line of a tool collection": "no_catalog_line",
    "no recorded session": "no_session",
    "malformed call": "malformed_call",
    "has no name": "no_name",
    "nested": "too_deep",
    "holds half of a surrogate": "not_text",
    "refer": "remote_reference",
}


def _reason(message: str) -> str:
    """A refusal in a word, so that its counts can be summed."""
    return next((word for sign, word in _REASONS.items() if sign in message), "unusable_schema")
