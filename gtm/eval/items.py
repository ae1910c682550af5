"""Items from a data folder: real recorded sessions of families that no model is trained on (splits dev and test).

A session becomes one item for each such family whose tools it calls. Families without recordings bring documented
pairs instead, one step each, source `documented`: the provider's own example of a call and its answer, with arguments
that are given or need none. Those families' tools lose their examples, else the definition would hold the answer.

Nothing is left out silently: `Items.excluded` names every session, step and definition that is, with the reason. An
item that cannot accept its own recorded answer is among them. Toolsets are whatever a user would import of a family.
"""

import gzip
import hashlib
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gtm.errors import SpecError
from gtm.eval.metrics.fields import Fields
from gtm.eval.metrics.response import Truth, measure, recorded
from gtm.eval.metrics.values import plain
from gtm.eval.records import Item, TrueTurn
from gtm.tools.catalog import load_catalog, split
from gtm.types import Json, Tool, Toolset

EvalSplit = Literal["dev", "test"]

FRESH = "getmoto/moto"
"""The source whose sessions each begin in an empty account."""
DOCUMENTED = "documented"
MAX_STEPS = 200
"""Turns of one session that are kept."""
TOKEN = "3f2b8c1e-9a4d-4c6e-8f10-2b7d5e9a1c04"
"""What a required idempotency token is given: SDKs add it below where calls were recorded."""
_TOKENS = ("clienttoken", "clientrequesttoken", "idempotencytoken")
_ARGUMENTS_FROM = ("doc", "none_needed", "from_response")
_RESPONSE_FROM = ("doc", "fixture")


class Families:
    """Family -> its toolset, and what a report says of it."""

    def __init__(self) -> None:
        self.fields = Fields()
        """The values of all recordings of these families, whichever items are asked."""
        self._lines: dict[str, list[dict[str, Json]]] = {}
        self._toolsets: dict[str, Toolset] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def toolset(self, family: str) -> Toolset:
        """All usable tools of a family. Raises SpecError where there are none."""
        if family not in self._toolsets:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "tools.jsonl")
                path.write_text("".join(json.dumps(line) + "\n" for line in self._lines[family]), encoding="utf-8")
                self._toolsets[family] = load_catalog(path)[0]
        return self._toolsets[family]

    def tool(self, item: Item, step: int) -> Tool:
        """The tool that a step calls."""
        return self.toolset(item.family).by_name[item.turns[step].tool]

    def truth(self, item: Item, step: int) -> Truth:
        """A recorded success, as the metrics take it."""
        return Truth(item, step, self.tool(item, step), self.fields)

    def domain(self, family: str) -> str:
        """What the family's tools are about, as their source says."""
        return next((str(line["category"]) for line in self._lines[family] if line.get("category")), "other")

    def is_inferred(self, tool: Tool) -> bool:
        """Whether a definition was made from recorded traffic, not written by its provider."""
        lines = self._lines.get(tool.domain, ())
        return any(line["id"] == tool.source and line.get("definition_from") == "inferred" for line in lines)

    def add(self, line: dict[str, Json]) -> None:
        """Take in one definition."""
        self._lines.setdefault(line["domain"], []).append(line)

    def take(self, toolset: Toolset) -> None:
        """Take in a whole toolset as a family."""
        self._lines[toolset.name] = []
        self._toolsets[toolset.name] = toolset

    def lines(self, family: str) -> list[dict[str, Json]]:
        """The definitions of a family as they are in the data."""
        return self._lines[family]

    def hide_examples(self, family: str) -> None:
        """Take the documented answers out of a family's definitions."""
        self._lines[family] = [{**line, "examples": []} for line in self._lines[family]]


@dataclass
class Items:
    """Items to iterate over, the families they are of, and what is not among them."""

    families: Families
    items: list[Item] = field(default_factory=list)
    excluded: dict[str, str] = field(default_factory=dict)
    """Name of a session, a step (`session#3`) or a tool -> why it is no item."""

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def steps(self) -> int:
        """Scored steps."""
        return sum(len(item.scored) for item in self.items)


def read_items(
    data: Path, splits: Sequence[EvalSplit] = ("dev", "test"), limit: int | None = None, seed: int = 0
) -> Items:
    """The items of a data folder (`tools/` and `calls/`), or of one file that holds both kinds of lines.

    With a limit at most so many scored steps, whole sessions, family by family in turn: the same for the same data
    and seed. Raises SpecError where there is no data or nothing in it can be scored.
    """
    reader = _Reader(splits)
    for path in _files(data, "tools"):
        reader.definitions(path)
    for path in _files(data, "calls"):
        reader.sessions(path)
    reader.documented()
    found = reader.items
    for item in found.items:
        found.families.fields.add(item)
    if limit is not None:
        found.items = spread(found.items, limit, seed)
    found.items = [kept for item in found.items if (kept := accepting(item, found)) is not None]
    if not found.items:
        raise SpecError(f"{str(data)!r} has no sessions of the splits {', '.join(splits)} that can be scored")
    return found


def accepts_itself(truth: Truth) -> bool:
    """Whether the metrics give a recorded answer 1.0 in everything when it is laid beside itself."""
    try:
        values = measure(truth, recorded(truth.turn)).values
    except (ValueError, RecursionError):
        return False
    return all(value == 1.0 for value in values.values())


def _files(data: Path, kind: str) -> list[Path]:
    files = sorted(Path(data, kind).glob("*.jsonl.gz")) if data.is_dir() else [data]
    if not files or not all(path.is_file() for path in files):
        raise SpecError(f"{str(data)!r} holds no {kind}; name a folder with tools/ and calls/, or one file with both")
    return files


def _lines(path: Path) -> Iterator[dict[str, Json]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise SpecError(f"{str(path)!r} line {number} is no JSON object; check the file")
                yield record
    except (OSError, EOFError, ValueError) as error:
        raise SpecError(f"{str(path)!r} cannot be read: {error}; it should be JSONL in gzip") from error


class _Reader:
    """Turns lines into items."""

    def __init__(self, splits: Sequence[EvalSplit]) -> None:
        self.items = Items(Families())
        self._splits = splits
        self._families: dict[str, str] = {}
        """Tool id -> family."""
        self._tools: dict[str, dict[str, Tool]] = {}
        """Family -> tool id -> tool."""
        self._taken: Counter[str] = Counter()
        self._seen: dict[str, str] = {}
        """Digest of what was called and answered -> the item that has it."""

    def definitions(self, path: Path) -> None:
        for line in _lines(path):
            if "parameters" in line and split(line["domain"]) in self._splits:
                self.items.families.add(line)
                self._families[line["id"]] = line["domain"]

    def sessions(self, path: Path) -> None:
        for line in _lines(path):
            if "session" in line:
                by_family: dict[str, list[dict[str, Json]]] = {}
                for turn in line["session"]:
                    by_family.setdefault(self._families.get(turn["tool"], ""), []).append(turn)
                for family in sorted(by_family.keys() - {""}):
                    self._item(line, family, by_family[family], path.name.partition(".")[0])

    def documented(self) -> None:
        """Pairs of families that have no recordings."""
        recorded_families = {item.family for item in self.items.items}
        for family in sorted(set(self.items.families) - recorded_families):
            pairs = [
                (line, example)
                for line in self.items.families.lines(family)
                for example in line.get("examples") or ()
                if example.get("args_from") in _ARGUMENTS_FROM
                and example.get("response_from") in _RESPONSE_FROM
                and example.get("args_valid") is True
                and not example.get("is_error")
            ]
            self.items.families.hide_examples(family)
            for index, (line, example) in enumerate(pairs):
                turn = {"is_error": False, **example, "tool": line["id"]}
                session = {"id": f"{line['id']} example {index}", "source": line["source"]}
                self._item(session, family, [turn], DOCUMENTED)

    def _tools_of(self, family: str) -> dict[str, Tool]:
        if family not in self._tools:
            try:
                tools = self.items.families.toolset(family).tools
            except SpecError as error:
                self.items.excluded[family] = str(error)
                tools = ()
            self._tools[family] = {tool.source: tool for tool in tools}
        return self._tools[family]

    def _item(self, line: dict[str, Json], family: str, turns: list[dict[str, Json]], source: str) -> None:
        name = self._name(line, family, turns)
        tools = self._tools_of(family)
        lost = sorted({turn["tool"] for turn in turns} - tools.keys())
        if lost:
            self.items.excluded[name] = f"calls tools that cannot be imported: {', '.join(lost)}"
            return
        told = [[turn["tool"], turn["arguments"], turn["response"]] for turn in turns]
        mark = hashlib.sha256(json.dumps([family, told], sort_keys=True).encode()).hexdigest()
        if mark in self._seen:
            self.items.excluded[name] = f"the same calls and answers as {self._seen[mark]!r}"
            return
        self._seen[mark] = name
        if len(turns) > MAX_STEPS:
            self.items.excluded[f"{name}#{MAX_STEPS}"] = f"this and later ones of {len(turns)} calls: too long"
        made = tuple(_turn(turn, tools[turn["tool"]]) for turn in turns[:MAX_STEPS])
        initial = line.get("initial_state")
        where = split(family)
        assert where != "train"
        item = Item(
            id=name,
            family=family,
            domain=self.items.families.domain(family),
            source=source,
            split=where,
            fresh=str(line["source"]).startswith(FRESH) or bool((initial or {}).get("files")),
            initial=initial,
            turns=made,
            scored=tuple(self._scored(name, made)),
        )
        if item.scored:
            self.items.items.append(item)

    def _name(self, line: dict[str, Json], family: str, turns: list[dict[str, Json]]) -> str:
        """A session's own name, with the family where it has others; numbered where others have it too."""
        name = str(line["id"]) if len(turns) == len(line.get("session", turns)) else f"{line['id']}@{family}"
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}~{self._taken[name]}"

    def _scored(self, name: str, turns: Sequence[TrueTurn]) -> Iterator[int]:
        for step, turn in enumerate(turns):
            if turn.trimmed:
                self.items.excluded[f"{name}#{step}"] = "the recorded answer was cut: nobody knows all of it"
            else:
                yield step


def _turn(turn: dict[str, Json], tool: Tool) -> TrueTurn:
    required = tool.parameters.get("required", ())
    return TrueTurn(
        tool=tool.name,
        arguments={**{name: TOKEN for name in required if plain(name) in _TOKENS}, **turn["arguments"]},
        response=turn["response"],
        is_error=turn["is_error"],
        status=turn.get("status"),
        trimmed=bool(turn.get("trimmed")),
    )


def accepting(item: Item, found: Items) -> Item | None:
    """The item with the steps that accept their own answer; None where none does."""
    kept = []
    for step in item.scored:
        if item.turns[step].is_error or accepts_itself(found.families.truth(item, step)):
            kept.append(step)
        else:
            found.excluded[f"{item.id}#{step}"] = "does not accept its own recorded answer"
    return item.model_copy(update={"scored": tuple(kept)}) if kept else None


def spread(items: list[Item], limit: int, seed: int) -> list[Item]:
    """Whole sessions, one family after the other in turn, while they fit; in the order of the data."""
    queues: dict[str, list[Item]] = {}
    for item in items:
        queues.setdefault(item.family, []).append(item)
    rng = random.Random(seed)
    order = sorted(queues)
    rng.shuffle(order)
    for family in order:
        rng.shuffle(queues[family])
    chosen: set[str] = set()
    left = limit
    while left and any(queues.values()):
        for family in order:
            fitting = next((item for item in queues[family] if len(item.scored) <= left), None)
            if fitting is None:
                queues[family] = []
            else:
                queues[family].remove(fitting)
                chosen.add(fitting.id)
                left -= len(fitting.scored)
    return [item for item in items if item.id in chosen]
