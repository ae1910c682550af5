"""Which tool a method and path mean: a tree of path segments, fixed ones before parameters.

Built once from the definitions; says what clashes. A lookup visits each node at most once. Knows nothing of requests.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from gtm.errors import ConfigError
from gtm.serve.directory import Directory, Entry

MAX_PATH = 8_000
"""Bytes of a path that are looked at: servers in front of real APIs take less."""

MAX_SEGMENTS = 64
"""Of a template; real ones have up to a dozen."""

MAX_COMPARED = 2_000
"""Paths compared with an unknown one for a hint."""

_PARAMETER = re.compile(r"\{([^{}/]+)\}")


@dataclass(frozen=True, slots=True)
class Match:
    """What a path means."""

    entry: Entry
    values: dict[str, str]
    """Path parameters by their names on the wire, decoded."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A path that means nothing, or not with this method."""

    allowed: tuple[str, ...]
    """Methods the path has; empty where there is no such path."""
    close: tuple[str, ...]
    """Templates that look like it."""


@dataclass(slots=True)
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], "_Node"]] = field(default_factory=list)
    """Segments with parameters; one that is nothing but a parameter comes last."""
    tools: dict[str, tuple[Entry, tuple[str, ...]]] = field(default_factory=dict)
    """By method: the tool and the names of its parameters, in order."""


class Routes:
    """The paths of all HTTP tools of a server."""

    def __init__(self, directory: Directory, prefix: str, *, mcp: bool) -> None:
        self._root = _Node()
        self.templates: dict[str, None] = {}
        self.shadowed: list[Entry] = []
        """Tools that cannot be reached: an earlier one of the toolset has their method and path, or it is endless."""
        for entry in directory.entries.values():
            if entry.tool.http is not None:
                path = prefix.replace("{spec}", directory.labels[entry.world]) + _clean(entry.tool.http.path)
                _check_reserved(entry, path, mcp)
                self._add(entry, path)

    def find(self, method: str, path: str) -> Match | Miss:
        """The tool for a method and a path as it came over the wire."""
        segments = path[:MAX_PATH].split("/")[1:]
        allowed: dict[str, None] = {}
        for node, values in _walk(self._root, segments):
            found = node.tools.get(method) or (node.tools.get("GET") if method == "HEAD" else None)
            if found is not None:
                entry, names = found
                return Match(entry, {name: unquote(value) for name, value in zip(names, values, strict=True)})
            allowed.update(dict.fromkeys(node.tools))
            if "GET" in node.tools:
                allowed["HEAD"] = None
        close = () if allowed else difflib.get_close_matches(path[:200], list(self.templates)[:MAX_COMPARED], 3, 0.5)
        return Miss(tuple(sorted(allowed)), tuple(close))

    def _add(self, entry: Entry, path: str) -> None:
        assert entry.tool.http is not None
        node, names, segments = self._root, _PARAMETER.findall(path), path.split("/")[1:]
        if len(segments) > MAX_SEGMENTS:
            self.shadowed.append(entry)
            return
        for segment in segments:
            node = _child(node, segment)
        known = node.tools.setdefault(entry.tool.http.method, (entry, tuple(names)))[0]
        if known is entry:
            self.templates.setdefault(path)
        elif known.world == entry.world:
            self.shadowed.append(entry)
        else:
            raise ConfigError(
                f"two specs have {entry.tool.http.method} {path} ({known.name!r} and {entry.name!r}); "
                "serve each under its own name with --prefix '/{spec}'"
            )


def _child(node: _Node, segment: str) -> _Node:
    """The node below for a segment of a template, made where it is new."""
    if "{" not in segment:
        return node.fixed.setdefault(unquote(segment), _Node())
    texts = _PARAMETER.split(segment)[::2]
    source = re.escape(texts[0])
    for index, text in enumerate(texts[1:], 2):
        # A value stops before the character that follows it: no backtracking on hostile paths.
        value = ".+" if index == len(texts) else f"[^{re.escape(text[0])}]+" if text else "."
        source += f"({value}){re.escape(text)}"
    for pattern, below in node.patterns:
        if pattern.pattern == source:
            return below
    below = _Node()
    node.patterns.append((re.compile(source, re.DOTALL), below))
    node.patterns.sort(key=lambda item: item[0].pattern == "(.+)")
    return below


def _walk(node: _Node, segments: Sequence[str], at: int = 0) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """Nodes that a path leads to, the most fixed first, with the raw values of the parameters on the way."""
    if at == len(segments):
        if node.tools:
            yield node, ()
        return
    fixed = node.fixed.get(unquote(segments[at])) if node.fixed else None
    if fixed is not None:
        yield from _walk(fixed, segments, at + 1)
    for pattern, below in node.patterns:
        match = pattern.fullmatch(segments[at])
        if match:
            for found, values in _walk(below, segments, at + 1):
                yield found, (*match.groups(), *values)


def _clean(path: str) -> str:
    """A template as a path: without query and fragment, which some documents put there."""
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    return path if path.startswith("/") else f"/{path}"


def _check_reserved(entry: Entry, path: str, mcp: bool) -> None:
    first = path.split("/")[1]
    if first in ("_gtm", "s") or (mcp and path == "/mcp"):
        raise ConfigError(
            f"the path {path!r} of {entry.name!r} is the server's own; put the specs elsewhere with --prefix /api"
        )
