"""Rows as a person reads them, spread over kinds and sources."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from gtm.carg.folder import RunFolder
from gtm.carg.records import Row
from gtm.errors import RunError

WIDTH = 1200
"""Characters of a part that are shown."""

FILTERS = ("kind", "source", "origin", "split", "domain", "family", "refusal", "effect", "error")


def sample_rows(
    folder: RunFolder, count: int, seed: int = 0, filters: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Some rows of a run, drawn by the seed: in turn one of each kind and source. RunError for an unknown filter."""
    wanted = filters or {}
    for name in wanted:
        if name not in FILTERS:
            raise RunError(f"rows have no {name!r} to choose by; use one of {', '.join(FILTERS)}")
    groups: dict[tuple[str, str], list[tuple[bytes, Row]]] = {}
    for row in folder.every(Row, "curate", "curate"):
        labels = _labels(row)
        if row.repeat or any(labels[name] != value for name, value in wanted.items()):
            continue
        kept = groups.setdefault((labels["kind"], labels["source"]), [])
        kept.append((hashlib.sha256(f"{seed}/{row.id}".encode()).digest(), row))
        if len(kept) > 2 * count:
            kept.sort(key=lambda drawn: drawn[0])
            del kept[count:]
    turns = [sorted(kept, key=lambda drawn: drawn[0]) for _, kept in sorted(groups.items())]
    order = [turn[at][1] for at in range(count) for turn in turns if at < len(turn)]
    for row in order[:count]:
        yield shown(row)


def shown(row: Row) -> str:
    """One row."""
    call = row.call
    labels = " ".join(f"{name}={value}" for name, value in _labels(row).items() if value and name != "family")
    lines = [
        f"── {row.id} (call {row.step + 1} of {row.steps})",
        labels,
        f"{row.family} · {call.tool}({_cut(json.dumps(call.arguments, ensure_ascii=False))})",
    ]
    if row.notes:
        lines.append(f"notes: {row.notes}")
    if call.written is not None:
        lines += [f"prompt: {_cut(call.written.messages[-1][1])}", f"target: {_cut(call.written.target)}"]
    status = "error" if call.result.is_error else "answer"
    lines.append(f"{status} {call.result.status or ''}: {_cut(call.result.text)}")
    if call.result.warnings:
        lines.append(f"warnings: {_cut('; '.join(call.result.warnings))}")
    return "\n".join(lines)


def _labels(row: Row) -> dict[str, str]:
    call = row.call
    return {
        "kind": call.kind,
        "refusal": call.refusal or "",
        "origin": call.origin,
        "source": row.source,
        "split": row.split,
        "domain": row.domain,
        "family": row.family,
        "effect": call.effect,
        "error": call.result.error.kind if call.result.error else "",
    }


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}… ({len(text)} characters)"
