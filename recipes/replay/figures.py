"""What a replay counts, as one table a figure and one JSON value; keeps a few examples of each way to be wrong."""

import collections
import json
from dataclasses import dataclass, field

from gtm import Result
from gtm.types import Json
from replay.fields import Leaf
from replay.identity import MISSING
from replay.labels import error_kind
from replay.records import Recording, Turn

EXPLAINED = ("deleted", "never_seen", "never_made", "exists")
REFUSED = "definition"
"""A recorded success whose recorded arguments the definition itself refuses."""
CASCADE = "after_definition"
"""A recorded success after such a one in its session: what was refused may be what it needs."""
MAX_EXAMPLES = 400
"""Examples kept of one way to be wrong in one source."""


def outcome(result: Result) -> str:
    """`ok`, or the kind of the simulated error."""
    return result.error.kind if result.is_error and result.error else "error" if result.is_error else "ok"


@dataclass
class Tally:
    """Counts by source; `all` is their sum."""

    calls: dict[str, collections.Counter[str]] = field(default_factory=dict)
    examples: dict[str, list[Json]] = field(default_factory=dict)

    def call(self, recording: Recording, turn: Turn, result: Result, why: str) -> None:
        """Count one call; `why` explains the recorded error, or why a success could not be one here."""
        simulated = why if why in (REFUSED, CASCADE) and result.is_error else outcome(result)
        counts = ["calls"]
        if not turn.is_error:
            counts += ["valid", *([f"valid:{why}"] if why else ["valid:taken"])]
            counts += [] if simulated == "ok" else ["false", f"false:{simulated}"]
        else:
            label = why if why in EXPLAINED else f"unexplained {error_kind(turn)}"
            hit = ["hit"] if simulated != "ok" else []
            counts += ["errors", f"errors:{label}", *(f"{name}:{label}" for name in hit)]
            if why in EXPLAINED:
                counts += ["explained", *("recalled" for _ in hit)]
        counts += ["agree"] if (simulated == "ok") == (not turn.is_error) else []
        self._count(recording, counts)
        if turn.is_error and why in EXPLAINED and simulated == "ok":
            self._keep(recording, f"missed:{why}", _said(turn, result))
        elif not turn.is_error and simulated != "ok":
            self._keep(recording, f"false:{simulated}", _said(turn, result))

    def field(self, recording: Recording, turn: Turn, leaf: Leaf, why: str) -> None:
        """Count one leaf that was set earlier, in an answer where `why` says what the definition refused."""
        way = "equal" if leaf.equal else "missing" if leaf.shown is MISSING else "other"
        kinds = ["fields", *(["declared"] if leaf.declared and not why else [])]
        self._count(recording, [name for kind in kinds for name in (kind, f"{kind}:{way}")])
        if not leaf.equal:
            shown = None if leaf.shown is MISSING else leaf.shown
            told = {"tool": turn.tool, "path": leaf.path, "wanted": leaf.wanted, "shown": shown}
            self._keep(recording, f"field:{way}", {**told, "declared": len(kinds) > 1})

    def _count(self, recording: Recording, names: list[str]) -> None:
        for key in (recording.source, "all", *(["all test families"] if recording.split == "test" else [])):
            self.calls.setdefault(key, collections.Counter()).update(names)

    def _keep(self, recording: Recording, what: str, told: dict[str, Json]) -> None:
        kept = self.examples.setdefault(f"{recording.source} {what}", [])
        if len(kept) < MAX_EXAMPLES:
            kept.append({"session": recording.name, **told})

    def report(self) -> dict[str, Json]:
        """The figures of every source, and the raw counts they are made of."""
        return {source: {**_figures(n), "counts": dict(sorted(n.items()))} for source, n in self.calls.items()}


def _said(turn: Turn, result: Result) -> dict[str, Json]:
    return {
        "tool": turn.tool,
        "arguments": json.dumps(turn.arguments, ensure_ascii=False)[:300],
        "recorded": json.dumps(turn.response, ensure_ascii=False)[:300],
        "simulated": result.text[:300],
    }


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def _figures(n: "collections.Counter[str]") -> dict[str, Json]:
    kinds = {
        kind: {"n": n[f"errors:{kind}"], "recall": _share(n[f"hit:{kind}"], n[f"errors:{kind}"])}
        for kind in _kinds(n)
    }
    return {
        "calls": n["calls"],
        "explained": n["explained"],
        "recall": _share(n["recalled"], n["explained"]),
        "valid": n["valid"],
        "false_errors": _share(n["false"], n["valid"]),
        "false_where_taken": _share(n["false"] - n[f"false:{REFUSED}"] - n[f"false:{CASCADE}"], n["valid:taken"]),
        "false_by_definition": _share(n[f"false:{REFUSED}"], n["valid"]),
        "false_after_definition": _share(n[f"false:{CASCADE}"], n["valid"]),
        "false_by_own_ids": _share(n["false:invalid_arguments"], n["valid"]),
        "agreement": _share(n["agree"], n["calls"]),
        "always_success_agreement": _share(n["valid"], n["calls"]),
        "always_error_agreement": _share(n["errors"], n["calls"]),
        "by_kind": kinds,
        "fields": n["fields"],
        "fields_equal": _share(n["fields:equal"], n["fields"]),
        "fields_missing": _share(n["fields:missing"], n["fields"]),
        "declared": n["declared"],
        "declared_equal": _share(n["declared:equal"], n["declared"]),
        "declared_missing": _share(n["declared:missing"], n["declared"]),
    }


def _kinds(n: "collections.Counter[str]") -> list[str]:
    return sorted(name.removeprefix("errors:") for name in n if name.startswith("errors:"))


def tables(report: dict[str, Json]) -> str:
    """One table a figure, sources as rows."""
    errors = {
        "explained": "explained",
        "recall %": "recall",
        "valid": "valid",
        "false %": "false_errors",
        "where taken %": "false_where_taken",
        "by definition %": "false_by_definition",
        "after one %": "false_after_definition",
        "by own ids %": "false_by_own_ids",
        "agree %": "agreement",
        "always ok": "always_success_agreement",
        "always error": "always_error_agreement",
    }
    fields = {"fields": "fields", "equal %": "fields_equal", "missing %": "fields_missing"}
    fields |= {"declared": "declared", "its equal %": "declared_equal", "its missing %": "declared_missing"}
    kinds = report.get("all", {}).get("by_kind", {})
    rows = [[kind, str(of["n"]), _cell(of["recall"])] for kind, of in kinds.items()]
    return "\n\n".join(
        [
            "Errors that the recorded state explains, and false errors\n" + _by_source(report, errors),
            "Recorded errors by what explains them\n" + _grid(["kind", "errors", "simulated as errors %"], rows),
            "Fields set earlier in the session\n" + _by_source(report, fields),
        ]
    )


def _by_source(report: dict[str, Json], columns: dict[str, str]) -> str:
    order = sorted(report, key=lambda source: (source.startswith("all"), source))
    rows = [[source, *(_cell(report[source][key]) for key in columns.values())] for source in order]
    return _grid(["source", *columns], rows)


def _grid(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[index]) for row in [head, *rows]) for index in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [head, *rows]
    )


def _cell(value: Json) -> str:
    return "-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
