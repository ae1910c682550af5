"""Rules that a candidate row must meet."""

import pytest

from gtm.carg.records import Called, Session, Written
from gtm.carg.rules import flaw
from gtm.types import Json, Result


def taught(target: str, answer: str, *, shape: Json = None, warnings: tuple[str, ...] = ()) -> Called:
    written = Written(system="text", messages=(("user", "Call: say()"),), shape=shape, target=target)
    result = Result(content=answer, text=answer, warnings=warnings)
    return Called(
        tool="say", arguments={}, kind="ordinary", effect="read", origin="teacher", result=result, written=written
    )


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (taught("All is well.", "All is well."), None),
        (taught("All is well. But the", "All is well."), "truncated"),
        (taught('"x"', "x", shape={"type": "string"}), None),
        (taught('"x"', "x", shape={"type": "string"}, warnings=("generation cut: what is missing",)), "truncated"),
    ],
)
def test_an_answer_that_broke_off_is_no_example(call: Called, found: str | None) -> None:
    session = Session(
        id="s", family="f", source="planned", licence="MIT", real=False, seed=1, world="auto", prompt_version="1",
        toolset_digest="0", calls=(call,),
    )  # fmt: skip
    assert flaw(call, session, None, None) == found
