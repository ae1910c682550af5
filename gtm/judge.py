"""A language model's verdict from a closed list, or an exception: no answer is never a bad mark.

Any `Engine` judges. What the question means and what follows from a verdict is the caller's business.
"""

import json
from collections.abc import Sequence

from gtm.engines.base import Engine, Request
from gtm.errors import JudgeError
from gtm.prompt import text_of
from gtm.types import Json, Message

MAX_TOKENS = 24
"""Enough for one verdict in its braces."""


async def judge(engine: Engine, question: str, verdicts: Sequence[str], *, seed: int = 0) -> str:
    """One of the verdicts.

    Raises:
        JudgeError: what came back is none of them.
        EngineError: the engine failed.
    """
    if not verdicts or len(set(verdicts)) < len(verdicts):
        raise JudgeError(f"a judge chooses between different verdicts; got {list(verdicts)!r}")
    shape: dict[str, Json] = {
        "type": "object",
        "properties": {"verdict": {"enum": list(verdicts)}},
        "required": ["verdict"],
        "additionalProperties": False,
    }
    asked = f"{question}\nWrite: {{verdict: {'|'.join(json.dumps(verdict) for verdict in verdicts)}}}"
    messages = (Message("system", text_of("judge")), Message("user", asked))
    [completion] = await engine.generate([Request(messages, shape, MAX_TOKENS, seed)])
    verdict = _read(completion.text)
    if verdict not in verdicts:
        raise JudgeError(
            f"{engine.name!r} gave no verdict but {completion.text!r:.80}; ask a model that follows a JSON Schema"
        )
    return verdict


def _read(text: str) -> str:
    """The verdict in a completion, or nothing."""
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1])
    except ValueError:
        return ""
    verdict = value.get("verdict") if isinstance(value, dict) else None
    return verdict if isinstance(verdict, str) else ""
