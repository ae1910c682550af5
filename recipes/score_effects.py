"""Score the inference of effects on definitions that tell what they do: by method and path, or by a reader's label.

`recipes/score_effects.py --data DIR` reads DIR/tools/*.jsonl.gz. Method and path, and every mention of them in a
description, are hidden before `gtm.world.effects.infer_effects` sees a family's tools together; they give the
label (`path_labels.py`).

The main figures leave out labels whose number the documented answer contradicts (a list at a singular path). An
opaque effect counts as wrong. `effect_labels.jsonl` beside this file holds labels read by hand (AWS, MCP,
benchmarks), seven kinds instead of six. `--write` puts the tables into docs/effects.md.
"""

import argparse
import collections
import dataclasses
import gzip
import json
import os
import pathlib
import re
import sys
from collections.abc import Iterator

from path_labels import Label, agrees, is_same_resource, label_of, paths_of, singular_words, word_list

from gtm.tools.catalog import iter_entries, split
from gtm.types import Effect, Json, Tool, Toolset
from gtm.world.effects import THRESHOLD, infer_effects

HTTP = ("apisguru", "google", "recorded", "datadog", "aws")
KINDS = ("create", "read", "list", "update", "delete", "compute")
KEYED = frozenset({"read", "update", "delete"})
LABELS = pathlib.Path(__file__).with_name("effect_labels.jsonl")
PAGE = pathlib.Path(__file__).parents[1] / "docs" / "effects.md"
START, END = "<!-- scores -->", "<!-- /scores -->"

_MENTION = re.compile(r"(Endpoint: *)?\b(GET|HEAD|POST|PUT|PATCH|DELETE) +/\S*")


@dataclasses.dataclass(frozen=True)
class Scored:
    """One tool, its label and what was inferred."""

    source: str
    family: str
    tool: Tool
    label: Label
    effect: Effect
    agrees: bool = True
    """Whether path and documented answer agree in number (`GET /tax` that answers a list does not)."""

    @property
    def kind(self) -> str:
        """The kind that counts: what is not trusted is opaque."""
        if self.effect.kind == "create" and self.label.makes:
            return self.label.kind
        return self.effect.kind if self.effect.confidence >= THRESHOLD else "opaque"


def families(path: pathlib.Path) -> dict[str, tuple[list[Tool], dict[str, tuple[str, str]]]]:
    """The tools of each family with method and path by tool id (read apart: some have no leading slash)."""
    found: dict[str, tuple[list[Tool], dict[str, tuple[str, str]]]] = {}
    for entry in iter_entries(path):
        if entry.tool is not None:
            found.setdefault(entry.tool.domain, ([], {}))[0].append(entry.tool)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            method, _, where = (record.get("http") or "").partition(" ")
            if where and record["domain"] in found:
                found[record["domain"]][1][record["id"]] = (method.upper(), where)
    return found


def toolset_of(family: str, tools: list[Tool]) -> Toolset:
    """One world of a family's tools, each under a name of its own, nothing of HTTP left."""
    unique: dict[str, Tool] = {}
    for tool in tools:
        name, number = tool.name, 2
        while name in unique:
            name, number = f"{tool.name}_{number}", number + 1
        told = _MENTION.sub("", tool.description)
        unique[name] = tool.model_copy(update={"name": name, "http": None, "description": told})
    return Toolset(name=family or "family", kind="catalog", tools=tuple(unique.values()))


def score_http(path: pathlib.Path, source: str, limit: int | None = None) -> Iterator[Scored]:
    """Every tool whose method and path give a label; whole families until `limit` tools were scored."""
    done = 0
    for family, (tools, paths) in families(path).items():
        if limit is not None and done >= limit:
            return
        known = paths_of(paths.values())
        toolset = toolset_of(family, tools)
        effects = infer_effects(toolset, {})
        for tool in toolset.tools:
            method, where = paths.get(tool.source, ("", ""))
            label = label_of(method, where, known) if where else None
            if label is not None:
                done += 1
                ok = agrees(label, tool.output_schema)
                yield Scored(source, family, tool, label, effects[tool.name], ok)


def score_labels(folder: pathlib.Path) -> Iterator[Scored]:
    """The tools labelled by hand, each among its family."""
    rows = map(json.loads, LABELS.read_text(encoding="utf-8").splitlines())
    wanted: dict[str, dict[str, Json]] = {row["id"]: row for row in rows}
    for source in ("aws", "mcp", "bench"):
        for family, (tools, _) in families(folder / f"{source}.jsonl.gz").items():
            if not any(tool.source in wanted for tool in tools):
                continue
            toolset = toolset_of(family, tools)
            effects = infer_effects(toolset, {})
            for tool in toolset.tools:
                row = wanted.get(tool.source)
                if row is not None:
                    label = Label(row["kind"], row["resource"], row["key"])
                    yield Scored(source, family, tool, label, effects[tool.name])


def is_resource_right(scored: Scored) -> bool | None:
    """Whether the resource is the label's (`path_labels.py`). None: no label."""
    if scored.label.resource is None or scored.label.kind == "compute":
        return None
    return scored.kind != "opaque" and is_same_resource(
        (scored.effect.resource or "").rpartition("/")[2], scored.label
    )


def is_key_right(scored: Scored) -> bool | None:
    """Whether the key's argument is the label's: `petId`, `pet_id`, and `id` of a pet are one. None: no label."""
    key, names = scored.label.key, scored.tool.parameters["properties"]
    if key is None or not any("".join(word_list(name)) == "".join(word_list(key)) for name in names):
        return None
    if scored.label.makes and scored.effect.kind == "create":
        return None  # what makes a thing has its parents' keys only
    if scored.kind not in KEYED or not scored.effect.key:
        return False
    owner = singular_words(scored.label.resource or "")
    return _bare(scored.effect.key[-1], owner) == _bare(key, owner)


def _bare(name: str, owner: str) -> str:
    flat = "".join(word_list(name))
    return flat.removeprefix(owner) or "id"


def figures(rows: list[Scored], kinds: tuple[str, ...]) -> dict[str, float]:
    """The figures of one line of the table."""
    right = [row.kind == row.label.kind for row in rows]
    decided = [ok for row, ok in zip(rows, right, strict=True) if row.kind != "opaque" or row.label.kind == "opaque"]
    resources = [ok for row in rows if (ok := is_resource_right(row)) is not None]
    keys = [(ok, row.kind == row.label.kind) for row in rows if (ok := is_key_right(row)) is not None]
    sides = [row.kind != "opaque" and _writes(row.kind) == _writes(row.label.kind) for row in rows]
    return {
        "tools": len(rows),
        "read/write": _share(sides),
        "kind": _share(right),
        "macro-F1": macro_f1(rows, kinds),
        "opaque": _share([row.kind == "opaque" for row in rows]),
        "kind, decided": _share(decided),
        "resource": _share(resources),
        "key": _share([ok for ok, _ in keys]),
        "key, kind right": _share([ok for ok, same in keys if same]),
    }


def macro_f1(rows: list[Scored], kinds: tuple[str, ...]) -> float:
    """The mean over the kinds that occur as labels of the harmonic mean of precision and recall."""
    scores = []
    for kind in kinds:
        hit = sum(row.kind == kind == row.label.kind for row in rows)
        said = sum(row.kind == kind for row in rows)
        true = sum(row.label.kind == kind for row in rows)
        if true:
            scores.append(2 * hit / (said + true))
    return sum(scores) / len(scores) if scores else 0.0


def _writes(kind: str) -> bool:
    return kind in {"create", "update", "delete", "opaque"}


def _share(values: list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def table(groups: dict[str, list[Scored]], kinds: tuple[str, ...]) -> str:
    """A Markdown table, one line a group."""
    heads = tuple(figures([], kinds))
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for name, rows in groups.items():
        if rows:
            found = figures(rows, kinds)
            cells = [str(len(rows)), *(f"{found[head]:.1%}" for head in heads[1:])]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def confusion(rows: list[Scored], kinds: tuple[str, ...]) -> str:
    """A Markdown table: a line per label, a column per inferred kind."""
    counts = collections.Counter((row.label.kind, row.kind) for row in rows)
    columns = [*dict.fromkeys((*kinds, "opaque"))]
    lines = [f"| label | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for kind in kinds:
        lines.append(f"| {kind} | {' | '.join(str(counts[kind, column]) for column in columns)} |")
    return "\n".join(lines)


def report(scored: list[Scored], read: list[Scored]) -> str:
    """All tables as Markdown."""
    seven = (*KINDS, "opaque")
    http = [row for row in scored if row.agrees]
    test = [row for row in http if split(row.family) == "test"]
    held = [row for row in read if split(row.family) == "test"]
    apart = {"all": http, "all, and where path and answer disagree": scored}
    return "\n\n".join(
        (
            "Labels by method and path, all families:",
            table({**_by_source(http, HTTP), **apart}, KINDS),
            "The same for families of split `test`, which were not looked at while the rules were made:",
            table({**_by_source(test, HTTP), "all": test}, KINDS),
            "What was taken for what (families of split `test`):",
            confusion(test, KINDS),
            "Labels read by hand:",
            table({**_by_source(read, ("aws", "mcp", "bench")), "all": read, "families of `test`": held}, seven),
            confusion(read, seven),
        )
    )


def _by_source(rows: list[Scored], sources: tuple[str, ...]) -> dict[str, list[Scored]]:
    return {source: [row for row in rows if row.source == source] for source in sources}


def main() -> int:
    """Score and print; with `--write` into docs/effects.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data", default=os.environ.get("GTM_DATA"), help="folder with tools/*.jsonl.gz, else GTM_DATA"
    )
    parser.add_argument("--limit", type=int, help="stop a source after about this many tools (whole families)")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/effects.md")
    options = parser.parse_args()
    folder = pathlib.Path(options.data or "") / "tools"
    if not options.data or not folder.is_dir():
        print("needs the data: give --data DIR or set GTM_DATA to the folder that holds tools/", file=sys.stderr)
        return 2
    http = [
        row
        for source in HTTP
        if (path := folder / f"{source}.jsonl.gz").exists()
        for row in score_http(path, source, options.limit)
    ]
    text = report(http, list(score_labels(folder)))
    print(text)
    if options.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        PAGE.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
