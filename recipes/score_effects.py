"""Score the inference of effects on definitions that tell what they do: by method and path, or by a reader's label.

`recipes/score_effects.py --data DIR` reads DIR/tools/*.jsonl.gz. Method and path, and every mention of them in a
description, are hidden before `gtm.world.effects.infer_effects` sees a family's tools together; they give the
label:

- A path that ends with a parameter is an item: GET, HEAD read it, DELETE deletes it, PUT, PATCH, POST update it.
- Any other path ends with a word. If that is a verb, a search lists and a calculation computes; every other verb,
  `:verb` endings, `POST /` and paths with a query are transport without meaning and are left out. A GET below a word
  like `search` lists.
- GET, HEAD list where the family has an item path below it or the last word is plural, else read; PUT and PATCH
  update; DELETE deletes; POST creates where the family gets the same path or an item below it or where the last word
  is plural, else it is left out: nothing says that `POST /ocr/photo` makes a thing.
- The resource is the last fixed word, the key the last parameter where the tool has an argument of that name.

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
from collections.abc import Iterable, Iterator

from gtm.tools.catalog import iter_entries, split
from gtm.types import Effect, Json, Tool, Toolset
from gtm.world.effects import THRESHOLD, infer_effects

HTTP = ("apisguru", "google", "recorded", "datadog", "aws")
KINDS = ("create", "read", "list", "update", "delete", "compute")
Paths = tuple[frozenset[str], frozenset[str]]
KEYED = frozenset({"read", "update", "delete"})
LABELS = pathlib.Path(__file__).with_name("effect_labels.jsonl")
PAGE = pathlib.Path(__file__).parents[1] / "docs" / "effects.md"
_SAID = json.loads(pathlib.Path(__file__).with_name("effect_verbs.json").read_text(encoding="utf-8"))
SEARCHES, CALCULATIONS, ACTIONS = (frozenset(_SAID[key].split()) for key in ("searches", "calculations", "actions"))
_VERSION = re.compile(r"(api|rest|public|v?\d[\w.]*|v\d+(alpha|beta)\d*|latest|beta|alpha)\Z", re.IGNORECASE)
START, END = "<!-- scores -->", "<!-- /scores -->"

_MENTION = re.compile(r"(Endpoint: *)?\b(GET|HEAD|POST|PUT|PATCH|DELETE) +/\S*")


@dataclasses.dataclass(frozen=True)
class Label:
    """What a tool does, told by its method and path or by a reader."""

    kind: str
    resource: str | None
    key: str | None


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
        return self.effect.kind if self.effect.confidence >= THRESHOLD else "opaque"


def agrees(label: Label, schema: Json) -> bool:
    """Whether the documented answer can be what the label says: a list shows an array, anything else not only one."""
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "array":
        return label.kind in {"list", "compute"}
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return True
    arrays = [name for name, sub in properties.items() if has_array(sub, 1)]
    if label.kind == "list":
        return bool(arrays)
    things = [name for name, sub in properties.items() if has_array(sub, 0) or "properties" in (sub or {})]
    return (
        label.kind in {"update", "delete", "compute"} or len(properties) > 3 or things != arrays or len(arrays) != 1
    )


def has_array(schema: Json, depth: int) -> bool:
    """Whether a place is an array or, so much deeper, holds one."""
    if not isinstance(schema, dict):
        return False
    inner = schema.get("properties")
    below = inner.values() if depth and isinstance(inner, dict) else ()
    return schema.get("type") == "array" or "items" in schema or any(has_array(sub, depth - 1) for sub in below)


def word_list(name: str) -> list[str]:
    """`petId`, `pet-id`, `PetID` -> pet, id."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name)]


def one(word: str) -> str:
    """The singular, as far as plain English endings tell."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "ias", "news", "series")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes", "tuses", "iases")) else word[:-1]


def label_of(method: str, path: str, family: Paths) -> Label | None:
    """The label that method and path give among their family's paths, or None where they have no meaning."""
    parts = parts_of(path)
    if not parts or ":" in parts[-1].split("}")[-1] or "?" in path or "#" in path:
        return None
    fixed = [part for part in parts if "{" not in part and not _VERSION.match(part)]
    parameters = [part.strip("{}+*") for part in parts if part.startswith("{")]
    key = parameters[-1] if parameters else None
    resource = fixed[-1] if fixed else None
    if method == "GET" and any(verb_of(part) in SEARCHES for part in fixed[:-1] or fixed):
        return Label("list", None, None)
    if parts[-1].startswith("{"):
        kinds = {
            "GET": "read",
            "HEAD": "read",
            "DELETE": "delete",
            "PUT": "update",
            "PATCH": "update",
            "POST": "update",
        }
        return Label(kinds[method], resource, key) if method in kinds else None
    if "{" in parts[-1] or resource != parts[-1]:
        return None
    if re.match(r"(get|create|update|delete)[a-z]{4}", resource):
        return None
    verb = verb_of(resource)
    if verb:
        reads = method in {"GET", "HEAD", "POST"}
        kind = "list" if verb in SEARCHES else "compute" if verb in CALCULATIONS else None
        return Label(kind, None, None) if kind and reads else None
    last = word_list(resource)[-1:]
    many = template(path) in family[0] or (bool(last) and one(last[0]) != last[0])
    if method == "POST" and not many and template(path) not in family[1]:
        return None
    if method in {"GET", "HEAD"}:
        return Label("list", resource, None) if many else Label("read", resource, key)
    kinds = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
    return Label(kinds[method], resource, None if method == "POST" else key) if method in kinds else None


def verb_of(segment: str) -> str:
    """The verb a path's last word starts with; `check-runs` and `reports` are things."""
    said = word_list(segment)
    if not said or said[0] not in ACTIONS | SEARCHES | CALCULATIONS:
        return ""
    noun = (
        len(said) > 1
        and one(said[-1]) != said[-1]
        and said[0] in {"check", "test", "report", "log", "request", "review"}
    )
    return "" if noun else said[0]


def parts_of(path: str) -> list[str]:
    """The segments of a path, without query, extension and empty ones."""
    plain = re.sub(r"\.(json|xml)$", "", re.split(r"[?#]", path)[0].strip("/"))
    pieces = [[part] if "{" in part or _VERSION.match(part) else part.split(".") for part in plain.split("/")]
    return [part for piece in pieces for part in piece if part]


def template(path: str) -> str:
    """A path with its parameters unnamed, so that siblings meet."""
    return "/".join("{}" if part.startswith("{") else part.lower() for part in parts_of(path))


def paths_of(calls: Iterable[tuple[str, str]]) -> Paths:
    """The templates of a family that have an item below them, and those that are got."""
    shapes = [(method, template(path)) for method, path in calls]
    items = frozenset(shape[:-3] for _, shape in shapes if shape.endswith("/{}"))
    return items, frozenset(shape for method, shape in shapes if method == "GET")


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
    """Whether the resource is the label's: the same words, or one's words the end of the other's. None: no label."""
    if scored.label.resource is None or scored.label.kind == "compute":
        return None
    inferred = _singular_words((scored.effect.resource or "").rpartition("/")[2])
    wanted = _singular_words(scored.label.resource)
    if scored.kind == "opaque" or not inferred or not wanted:
        return False
    short, long = sorted((inferred, wanted), key=len)
    return long.endswith(short) if min(len(short), len(long)) > 2 else long == short


def is_key_right(scored: Scored) -> bool | None:
    """Whether the key's argument is the label's: `petId`, `pet_id`, and `id` of a pet are one. None: no label."""
    key, names = scored.label.key, scored.tool.parameters["properties"]
    if key is None or not any("".join(word_list(name)) == "".join(word_list(key)) for name in names):
        return None
    if scored.kind not in KEYED or not scored.effect.key:
        return False
    owner = _singular_words(scored.label.resource or "")
    return _bare(scored.effect.key[-1], owner) == _bare(key, owner)


def _singular_words(name: str) -> str:
    return "".join(one(word) for word in word_list(name))


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
