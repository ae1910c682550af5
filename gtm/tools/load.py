"""Any tool definition in: a file, a parsed value, a URL, a command, each recognised by what it holds.

`load_toolset` gives one toolset, `load_toolsets` all of those in a file that holds several. What a document is, is
decided by content alone (see `recognise`). Nothing named inside a file is run or contacted without `allow_exec`;
what the caller typed is consent.
"""

import pathlib
import shlex
import shutil
from collections.abc import Callable

from gtm.errors import SpecError
from gtm.tools.catalog import is_catalog_line, load_catalog
from gtm.tools.document import MAX_BYTES, check_value, open_lines, parse_line, read_document
from gtm.tools.fetch import fetch_document
from gtm.tools.gather import slug
from gtm.tools.live import HttpServer, StdioServer, list_tools
from gtm.tools.mcp import read_listing
from gtm.tools.mcp_config import server_of, servers_block
from gtm.tools.openai import read_functions
from gtm.tools.openapi import read_openapi
from gtm.tools.recognise import Recognised, recognise
from gtm.types import Json, Toolset, ToolsetKind

MAX_CATALOG_LINE = 2_000_000
"""Bytes up to which a first line may make a file a collection; a minified document is not parsed twice."""

Source = str | pathlib.Path | dict[str, Json] | list[Json]


def load_toolset(
    source: Source, *, name: str | None = None, kind: ToolsetKind | None = None, allow_exec: bool = False
) -> Toolset:
    """The one toolset of `source`.

    Args:
        source: A path (`path#name` picks one of several), a parsed document, an `http(s)` URL of a document or of a
            live MCP server, or the command line of one.
        name: The toolset's name; else the document's title, the server's name or the file's.
        kind: What the document is, where its content could be taken for something else.
        allow_exec: Whether servers that an `mcp.json` names may be started or contacted.

    Raises:
        SpecError: It cannot be read, holds no usable tool, or holds several toolsets.
    """
    toolsets = load_toolsets(source, kind=kind, allow_exec=allow_exec, only_one=True)
    toolset = toolsets[0]
    return toolset if name is None else toolset.model_copy(update={"name": slug(name)})


def load_toolsets(
    source: Source, *, kind: ToolsetKind | None = None, allow_exec: bool = False, only_one: bool = False
) -> list[Toolset]:
    """All toolsets of `source` (as for `load_toolset`): one a server of an `mcp.json`, one a domain of a catalog.

    With `only_one`, several are a SpecError that lists them, raised before any server is started.
    """
    loader = _Loader(kind, allow_exec=allow_exec, only_one=only_one)
    if isinstance(source, dict | list):
        check_value(source, "the given value")
        return loader.document(source, "the given value", "tools", "")
    if isinstance(source, pathlib.Path):
        return loader.file(source, "")
    if source.startswith(("http://", "https://")):
        return loader.url(source)
    path, _, part = source.rpartition("#")
    if _is_file(source):
        return loader.file(pathlib.Path(source), "")
    if path and _is_file(path):
        return loader.file(pathlib.Path(path), part)
    return loader.command(source)


class _Loader:
    def __init__(self, kind: ToolsetKind | None, *, allow_exec: bool, only_one: bool) -> None:
        self._kind: ToolsetKind | None = kind
        self._allow_exec = allow_exec
        self._only_one = only_one

    def file(self, path: pathlib.Path, part: str) -> list[Toolset]:
        try:
            if self._kind == "catalog" or (self._kind is None and _holds_catalog(path)):
                return self._several(str(path), load_catalog(path, part or None))
            if path.stat().st_size > MAX_BYTES:
                limit = MAX_BYTES // 1_000_000
                raise SpecError(
                    f"{str(path)!r} is larger than {limit} MB; keep the operations you need in a smaller file"
                )
            data = path.read_bytes()
        except OSError as error:
            raise SpecError(f"{str(path)!r} cannot be read ({error.strerror}); check the path") from error
        stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
        return self.document(read_document(data, str(path)), str(path), stem, part)

    def document(self, value: Json, source: str, stem: str, part: str) -> list[Toolset]:
        block = servers_block(value) if self._kind is None else None
        if block is not None:
            return self._servers(block, source, part)
        if part:
            raise SpecError(f"{source!r} holds one toolset; leave {'#' + part!r} away")
        found = recognise(value, source, self._kind)
        return [_READERS[found.kind](found, slug(found.title or stem), source)]

    def url(self, url: str) -> list[Toolset]:
        data = fetch_document(url)
        if data is not None:
            stem = url.partition("?")[0].rstrip("/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
            return self.document(read_document(data, url), url, stem, "")
        return [_asked(HttpServer(url), "")]

    def command(self, line: str) -> list[Toolset]:
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise SpecError(
                f"{line[:200]!r} is neither a file, a URL nor a command line ({error}); check it"
            ) from error
        if line.lstrip()[:1] in ("{", "[") or not words:
            raise SpecError(f"{line[:60]!r} is not a file; pass a document as a parsed value, or its path")
        if shutil.which(words[0]) is None:
            raise SpecError(f"{line[:200]!r} is neither a file, a URL nor a command on PATH; check the spelling")
        return [_asked(StdioServer(words[0], tuple(words[1:])), "")]

    def _servers(self, block: dict[str, Json], source: str, part: str) -> list[Toolset]:
        if not block:
            raise SpecError(f"{source!r} names no servers; add one")
        if part and part not in block:
            raise SpecError(f"{source!r} has no server {part!r}; it has {_listed(list(block))}")
        chosen = {part: block[part]} if part else block
        if self._only_one and len(chosen) > 1:
            raise _too_many(source, list(block), "servers")
        toolsets = []
        for name, entry in chosen.items():
            server = server_of(name, entry)
            if not self._allow_exec:
                verb = "run" if isinstance(server, StdioServer) else "contact"
                raise SpecError(
                    f"{source!r} wants to {verb} {server.line!r} for {name!r}; allow it with --allow-exec"
                )
            toolsets.append(_asked(server, name))
        return toolsets

    def _several(self, source: str, toolsets: list[Toolset]) -> list[Toolset]:
        if self._only_one and len(toolsets) > 1:
            raise _too_many(source, [toolset.tools[0].domain for toolset in toolsets], "domains")
        return toolsets


def _from_openapi(found: Recognised, name: str, source: str) -> Toolset:
    return read_openapi(found.document, name=name, source=source)


def _from_listing(found: Recognised, name: str, source: str) -> Toolset:
    return read_listing(found.items, name=name, source=source, more=found.more)


def _from_openai(found: Recognised, name: str, source: str) -> Toolset:
    return read_functions(found.items, name=name, kind="openai", source=source)


def _from_anthropic(found: Recognised, name: str, source: str) -> Toolset:
    return read_functions(found.items, name=name, kind="anthropic", source=source)


_READERS: dict[ToolsetKind, Callable[[Recognised, str, str], Toolset]] = {
    "openapi": _from_openapi,
    "mcp": _from_listing,
    "openai": _from_openai,
    "anthropic": _from_anthropic,
}


def _asked(server: StdioServer | HttpServer, name: str) -> Toolset:
    listing = list_tools(server)
    check_value(listing.tools, server.line)
    return read_listing(listing.tools, name=slug(name or listing.name or "mcp"), source=server.line)


def _holds_catalog(path: pathlib.Path) -> bool:
    """Whether the first line of a file is a line of a tool collection."""
    try:
        first = next(open_lines(str(path)), b"")
        short = len(first) < MAX_CATALOG_LINE and first.lstrip()[:1] == b"{"
        return short and is_catalog_line(parse_line(first, str(path)))
    except SpecError:
        return False


def _is_file(text: str) -> bool:
    try:
        return pathlib.Path(text).is_file()
    except (OSError, ValueError):
        return False


def _too_many(source: str, names: list[str], what: str) -> SpecError:
    return SpecError(
        f"{source!r} holds {len(names)} {what}; choose one as {source + '#' + names[0]!r}: {_listed(names)}"
    )


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:12]) + (" ..." if len(names) > 12 else "")
