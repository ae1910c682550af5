"""What a judge says of answers that a teacher wrote. A judge that gives no verdict changes nothing and is counted."""

import asyncio
import json
from collections import Counter
from functools import lru_cache

from gtm.carg.records import Called
from gtm.engines.base import Engine
from gtm.engines.cache import CachedEngine
from gtm.engines.models import gtm_home, open_engine
from gtm.errors import JudgeError
from gtm.judge import judge
from gtm.types import Tool

GOOD = "good"
VERDICTS = (GOOD, "contradicts_the_call", "implausible", "not_an_answer")
QUESTION = "Is this what the real tool could have answered?"
SHOWN = 2000
"""Characters of a part that a judge is shown."""


def opinion(engine: Engine, call: Called, tool: Tool, counts: Counter[str]) -> str | None:
    """Why a call is no example, by a judge's verdict; None where it is one, or nobody can say."""
    question = "\n".join(
        (
            f"Tool: {tool.name}\n{tool.description[:SHOWN]}",
            f"Call: {tool.name}({json.dumps(call.arguments, ensure_ascii=False)[:SHOWN]})",
            f"Answer: {call.result.text[:SHOWN]}",
            QUESTION,
        )
    )
    try:
        verdict = asyncio.run(judge(engine, question, VERDICTS))
    except JudgeError:
        counts["unjudged"] += 1
        return None
    counts[f"judged/{verdict}"] += 1
    return None if verdict == GOOD else f"judged_{verdict}"


@lru_cache(maxsize=1)
def judging(model: str) -> Engine:
    """The judge of a recipe, one a process; what it said is kept, so that it says it again."""
    return CachedEngine(open_engine(model), gtm_home() / "judge.sqlite")
