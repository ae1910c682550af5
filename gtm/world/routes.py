"""How paths are read: templates without versions and formats, each collection in one spelling, keys apart.

Knows nothing of effects (`gtm.world.paths`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gtm.types import Tool
from gtm.world.hints import answers_many
from gtm.world.words import ACTIONS, CLEAR, PREPOSITIONS, VERBS, flat, is_plural, noun, singular, words

_ASKS = frozenset("list get search find describe query fetch lookup retrieve filter".split())
"""First words of names that only ask."""

_CHANGING = frozenset(
    "create add insert update delete remove register replace modify set put save upsert next claim pop lock"
    " increment".split()
)
"""Words that no name of a read has (`get_or_create`)."""

_FORMAT = re.compile(r"(?<=[^/])\.(json|xml|\{format\})$")
"""How an answer is written: no part of what a path names (`/pets.json`, `/pets/{id}.json`)."""

_ECHOES = {
    "GET": ("details", "get"),
    "POST": ("create",),
    "PUT": ("update",),
    "PATCH": ("update",),
    "DELETE": ("delete",),
}
"""Last segments that say what the method says."""

_VERSION_WORDS = frozenset({"api", "rest", "v", "latest", "beta", "alpha", "public"})


@dataclass(frozen=True, slots=True)
class Path:
    """A path template: `(text, is_parameter)` segments, version prefixes dropped."""

    method: str
    segments: tuple[tuple[str, bool], ...]
    verb: str
    """What follows the last colon."""

    @classmethod
    def of(cls, tool: Tool) -> "Path":
        """The path of an HTTP tool."""
        assert tool.http is not None
        path, _, query = tool.http.path.partition("?")
        path = _FORMAT.sub("", path)
        last = path.rpartition("/")[2]
        path, _, verb = path.rpartition(":") if ":" in last and not last.startswith(":") else (path, "", "")
        segments = tuple(
            (text.strip("{}+*"), text.startswith("{")) for text in path.split("/") if text and not _is_version(text)
        )
        # `/{Bucket}?policy` is a part of the bucket; `x-id=Y` only says which operation is meant.
        parts = tuple((text, False) for text in query.split("&") if text and not set("={") & set(text))
        return cls(tool.http.method.upper(), segments + parts, verb)

    def is_rpc(self, tool: Tool) -> bool:
        """Transport without meaning: a `:verb` that is no action on an item, an operation's own name as segment."""
        if self.verb:
            return not self.is_item or words(self.verb)[:1] == () or words(self.verb)[0] not in ACTIONS
        last = self.statics[-1] if self.statics else ""
        posted = tool.http is not None and tool.http.method.upper() == "POST" and not self.is_item
        # `/v1/createqueue` of `CreateQueue`: the name tells the words.
        return len(words(tool.name)) > 1 and flat(last) == flat(tool.name) and (posted or _is_verb(tool.name))

    @property
    def is_item(self) -> bool:
        """Whether it names one thing."""
        return bool(self.segments) and self.segments[-1][1]

    @property
    def statics(self) -> tuple[str, ...]:
        """The fixed segments."""
        return tuple(text for text, parameter in self.segments if not parameter)

    @property
    def is_plural(self) -> bool:
        """Whether its last fixed segment is a plural."""
        return is_plural(self.statics[-1].lower()) if self.statics else False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters' names."""
        return tuple(text for text, parameter in self.segments if parameter)

    @property
    def collection(self) -> str:
        """The resource: fixed segments, singular, joined by `/`."""
        first = next((at for at, (_, parameter) in enumerate(self.segments) if not parameter), len(self.segments))
        # Before any fixed segment the parameters name what they hold: `/{bucket}/{key}`.
        leading = self.parameters[:first]
        return "/".join(
            singular(flat(text)) if len(words(text)) == 1 else noun(words(text)) or flat(text)
            for text in (*leading, *self.statics)
        )

    @property
    def parent(self) -> str:
        """The collection without its last fixed segment."""
        return self.collection.rpartition("/")[0]


def _asks(tool: Tool, path: Path) -> bool:
    """Whether a POST is called a read of what its path speaks of: its question does not fit into an address."""
    parts = words(tool.name)
    if path.method != "POST" or path.verb or not path.statics or not {*parts[:1]} & _ASKS or _CHANGING & {*parts[1:]}:
        return False
    last = words(path.statics[-1])
    if any(words(text)[:1] and words(text)[0] in VERBS | dict.fromkeys(ACTIONS, "") for text in path.statics):
        return False
    end = next((at for at, word in enumerate(parts) if word in PREPOSITIONS), len(parts))
    named = noun(parts[1:end], frozenset({"list"}))
    return flat(named).endswith(flat(noun(last)) or "-") and (
        parts[0] != "list" or is_plural(parts[-1]) or bool(answers_many(tool))
    )


def _meant(tools: list[Tool]) -> dict[str, Path]:
    """The tools' paths; a POST that only asks for what others have paths for, too, is a GET."""
    paths = {tool.name: Path.of(tool) for tool in tools}
    asking = {tool.name for tool in tools if _asks(tool, paths[tool.name])}
    others = {path.collection for name, path in paths.items() if name not in asking}
    said = Counter((path.method, path.segments) for path in paths.values())
    return {
        name: replace(path, method="GET")
        if name in asking
        and said[path.method, path.segments] == 1
        and any(other == path.collection or other.startswith(f"{path.collection}/") for other in others)
        else path
        for name, path in paths.items()
    }


def form_of(segments: Sequence[tuple[str, bool]]) -> tuple[str, ...]:
    """A path whatever its parameters are called: two of one form are one path."""
    return tuple("{}" if held else flat(text) for text, held in segments)


def _is_verb(name: str) -> bool:
    """Whether a name begins with what is done: `listPipelines`."""
    return words(name)[0] in CLEAR


def _is_version(segment: str) -> bool:
    parts = words(segment)
    return (
        bool(parts)
        and not segment.startswith("{")
        and all(part.isdigit() or part in _VERSION_WORDS for part in parts)
    )


def _spelt_alike(paths: dict[str, Path]) -> dict[str, Path]:
    """The same fixed segment in one spelling: `/queryPacks` beside `/querypacks/{name}` is one collection."""
    spellings: dict[str, str] = {}
    for text in sorted({text for path in paths.values() for text in path.statics}, key=lambda t: (-len(words(t)), t)):
        spellings.setdefault(flat(text), text)
    return {
        name: replace(path, segments=tuple((t if held else spellings[flat(t)], held) for t, held in path.segments))
        for name, path in paths.items()
    }


def _apart(paths: dict[str, Path], tools: list[Tool]) -> dict[str, Path]:
    """What follows the key of a written thing at once is inside of it: `{version}` of `/apis/{owner}/{api}`."""

    def form(segments: tuple[tuple[str, bool], ...]) -> tuple[str, ...]:
        return tuple("{}" if held else text for text, held in segments)

    one = {tool.name for tool in tools if not answers_many(tool)}
    shown = {form(path.segments) for name, path in paths.items() if path.method == "GET" and name in one}
    written = {form(path.segments) for path in paths.values() if path.method in {"DELETE", "PATCH", "PUT"}}
    names: dict[tuple[str, ...], str] = {}  # `{row}` and `{id}` at one place are one

    def opened(segments: tuple[tuple[str, bool], ...]) -> Iterator[tuple[str, bool]]:
        for at, (text, held) in enumerate(segments):
            above = form(segments[:at])
            if held and at and segments[at - 1][1] and above in shown & written:
                yield names.setdefault(above, text), False
            yield text, held

    return {name: replace(path, segments=tuple(opened(path.segments))) for name, path in paths.items()}


def _without_echoes(paths: dict[str, Path]) -> dict[str, Path]:
    """`DELETE /pets/{id}/delete` without what only says the method again, where nothing else is at that path."""
    taken = {(path.method, path.segments) for path in paths.values()}
    shorter = {
        name: replace(path, segments=path.segments[:-1])
        for name, path in paths.items()
        if len(path.segments) > 1 and not path.is_item and flat(path.segments[-1][0]) in _ECHOES.get(path.method, ())
    }
    return {
        name: shorter[name] if name in shorter and (path.method, shorter[name].segments) not in taken else path
        for name, path in paths.items()
    }


def read_paths(tools: list[Tool]) -> dict[str, Path]:
    """The paths of HTTP tools by their names, as they are meant: all tools of a toolset together."""
    return _without_echoes(_spelt_alike(_apart(_meant(tools), tools)))
