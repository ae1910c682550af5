"""Items from a user's own cassettes, as `gtm record` writes them: is the clone of a server like the server?

One item an Episode. Only what really happened is scored: a turn that was simulated, and an Episode of another
toolset's tools, is left out by name. No split: nothing of ours was trained on a user's recordings.
"""

from collections.abc import Sequence
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
    """The items of Episode files (JSONL), all of one toolset.

    Raises:
        SessionError: a file is no Episode file; names the line.
        SpecError: none of them holds a call that can be scored.
    """
    found = Items(Families())
    found.families.take(toolset)
    for file in files:
        for number, (_, pairs) in enumerate(groupby(read_turns(file), key=lambda pair: id(pair[0]))):
            name = f"{file.name}#{number}"
            turns = [turn for _, turn in pairs]
            strange = sorted({turn.call.tool for turn in turns} - toolset.by_name.keys())
            if strange:
                found.excluded[name] = f"calls tools that {toolset.name!r} does not have: {', '.join(strange)}"
            else:
                found.items.append(_item(name, toolset.name, turns[:MAX_STEPS]))
                if len(turns) > MAX_STEPS:
                    found.excluded[f"{name}#{MAX_STEPS}"] = f"this and later ones of {len(turns)} calls: too long"
    for item in found.items:
        simulated = (step for step in range(len(item.turns)) if step not in item.scored)
        found.excluded |= {f"{item.id}#{step}": "this answer was simulated, not recorded" for step in simulated}
        found.families.fields.add(item)
    found.items = [kept for item in found.items if (kept := accepting(item, found)) is not None]
    if not found.items:
        why = next(iter(found.excluded.items()), None)
        first = f"; the first that was left out, {why[0]!r}: {why[1]}" if why else ""
        raise SpecError(f"no recorded call of {toolset.name!r} can be scored{first}; make recordings with gtm record")
    return found


def _item(name: str, family: str, turns: Sequence[Turn]) -> Item:
    return Item(
        id=name,
        family=family,
        domain=family,
        source="episode",
        split=OWN,
        fresh=False,
        turns=tuple(
            TrueTurn(
                tool=turn.call.tool,
                arguments=turn.call.arguments,
                response=turn.result.content,
                is_error=turn.result.is_error,
                status=turn.result.status,
            )
            for turn in turns
        ),
        scored=tuple(step for step, turn in enumerate(turns) if turn.observed),
    )
