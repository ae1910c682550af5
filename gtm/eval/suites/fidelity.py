"""Fidelity: with the true history before it, how like the recorded real response is an answer?

Every recorded success is asked once, open loop, and measured (`gtm.eval.metrics.response`); a session that changed
something that later reads show is measured as a whole too (`gtm.eval.metrics.diff`; its score has step -1). Recorded
errors are asked for the latter only; the suite `errors` measures them. An answer that fails, or is an error where the
tool succeeded, is 0, never left out.
"""

import json
from collections.abc import Mapping, Sequence

from gtm.eval.items import Families
from gtm.eval.metrics.diff import session_facts
from gtm.eval.metrics.response import measure
from gtm.eval.records import Answer, Candidate, Item, Score, SuiteName
from gtm.eval.slices import slices_of
from gtm.eval.suite import task_of
from gtm.types import Json

SHOWN = 4_000
"""Characters of an answer that a report keeps."""


class FidelitySuite:
    """One unit an item."""

    name: SuiteName = "fidelity"
    at_once = 16

    def __init__(self, items: Mapping[str, Item], families: Families, seed: int) -> None:
        self._items = items
        self._families = families
        self._seed = seed

    def units(self, candidate: str) -> Sequence[str]:
        """The items."""
        return list(self._items)

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """The scores of one item: its steps, then the session."""
        item = self._items[unit]
        toolset = self._families.toolset(item.family)
        tasks = [task_of(item, step, toolset, self._seed) for step in item.scored]
        answers = dict(zip(item.scored, await candidate.answer(tasks), strict=True))
        steps = [self._step(item, step, answers[step], candidate.name) for step in self._successes(item)]
        return [*steps, *self._session(item, answers, candidate.name)]

    def _successes(self, item: Item) -> list[int]:
        return [step for step in item.scored if not item.turns[step].is_error]

    def _step(self, item: Item, step: int, answer: Answer, candidate: str) -> Score:
        turn = item.turns[step]
        measured = measure(self._families.truth(item, step), answer)
        return Score(
            suite=self.name,
            candidate=candidate,
            item=item.id,
            family=item.family,
            step=step,
            slices=self._slices(item, step),
            values=measured.values,
            counts=measured.counts,
            show={"call": {turn.tool: turn.arguments}, "true": shorn(turn.response), "answer": shown(answer)},
        )

    def _session(self, item: Item, answers: Mapping[int, Answer], candidate: str) -> list[Score]:
        facts = session_facts(item, self._families.toolset(item.family).by_name, answers)
        if facts.iou is None:
            return []
        last = self._slices(item, item.scored[-1])
        score = Score(
            suite=self.name,
            candidate=candidate,
            item=item.id,
            family=item.family,
            step=-1,
            slices={name: last[name] for name in last if name not in ("effect", "schema_size", "history_length")},
            values={"diff_iou": facts.iou},
            counts={
                "diff_shared": facts.shared,
                "diff_true": facts.true,
                "diff_given": facts.given,
                "diff_gone": facts.gone,
            },
        )
        return [score]

    def _slices(self, item: Item, step: int) -> dict[str, str]:
        tool = self._families.tool(item, step)
        definition = "inferred" if self._families.is_inferred(tool) else "published"
        return {**slices_of(item, step, self._families.toolset(item.family)), "definition": definition}


def shown(answer: Answer) -> Json:
    """An answer as a report shows it."""
    if answer.failed:
        return {"no answer": answer.failed, "written": (answer.raw or "")[:SHOWN]}
    return {"error": shorn(answer.content)} if answer.is_error else shorn(answer.content)


def shorn(value: Json) -> Json:
    """A response, or the beginning of its text where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return value if len(text) <= SHOWN else f"{text[:SHOWN]}…"
