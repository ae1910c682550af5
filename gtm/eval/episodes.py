"""Items from a user's own cassettes, as `gtm record` writes them: is the clone of a server like the server?

One item an Episode, several of a long one: each scores its part with all that came before it. Only what really
happened counts: calls of tools that the definitions lack are left out by name, and so is all from the first answer on
that was simulated. No split: whether a model was trained on the server is not known.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gtm.errors import SpecError
from gtm.eval.items import MAX_STEPS, Families, Items, accepting
from gtm.eval.records import Item, TrueTurn
from gtm.simulator.cassette import read_turns
from gtm.types import Toolset, Turn

OWN = "own"
"""The split of recordings that are no part of the published data."""


def read_episodes(files: Sequence[Path], toolset: Toolset) -> Items:
    """The items of Episode files (JSONL), all of one toolset; a file that is named twice counts once.

    Raises:
        SessionError: a file is no Episode file; names the line.
        SpecError: none of them holds a call that can be scored.
    """
    found = Items(Families())
    found.families.take(toolset)
    for name, turns in _episodes(files):
        found.items += _items(name, toolset.name, _real(name, turns, toolset, found.excluded))
    for item in found.items:
        found.families.fields.add(item)
    found.items = [kept for item in found.items if (kept := accepting(item, found)) is not None]
    if not found.items:
        why = next(iter(found.excluded.items()), None)
        first = f"; the first that was left out, {why[0]!r}: {why[1]}" if why else ""
        raise SpecError(f"no recorded call of {toolset.name!r} can be scored{first}; make recordings with gtm record")
    return found


def _episodes(files: Sequence[Path]) -> Iterator[tuple[str, list[Turn]]]:
    """Every Episode under a name of its own: the file's, longer where two files share it."""
    whole = list(dict.fromkeys(file.resolve() for file in files))
    shared = [file.name for file in whole]
    for file in whole:
        name = file.name if shared.count(file.name) == 1 else str(file)
        for number, (_, pairs) in enumerate(groupby(read_turns(file), key=lambda pair: id(pair[0]))):
            yield f"{name}#{number}", [turn for _, turn in pairs]


def _real(name: str, turns: Sequence[Turn], toolset: Toolset, excluded: dict[str, str]) -> list[Turn]:
    """The turns that can be measured against."""
    kept = []
    for step, turn in enumerate(turns):
        if not turn.observed:
            excluded[f"{name}#{step}"] = (
                f"this and all later ones of {len(turns)} calls: here the answer was simulated"
            )
            break
        if turn.call.tool not in toolset.by_name:
            excluded[f"{name}#{step}"] = f"calls {turn.call.tool!r}, which {toolset.name!r} does not have"
        else:
            kept.append(turn)
    return kept


def _items(name: str, family: str, turns: Sequence[Turn]) -> Iterator[Item]:
    told = tuple(
        TrueTurn(
            tool=turn.call.tool,
            arguments=turn.call.arguments,
            response=turn.result.content,
            is_error=turn.result.is_error,
            status=turn.result.status,
        )
        for turn in turns
    )
    for start in range(0, len(told), MAX_STEPS):
        end = min(start + MAX_STEPS, len(told))
        yield Item(
            id=f"{name}@{start}" if start else name,
            family=family,
            domain=family,
            source="episode",
            split=OWN,
            fresh=False,
            turns=told[:end],
            scored=tuple(range(start, end)),
        )
