"""Diff IoU: what a session changed is what its later reads have to show."""

from gtm.eval.metrics.diff import session_facts
from gtm.eval.metrics.response import recorded
from gtm.eval.records import Answer, Item, TrueTurn
from gtm.types import Json, Tool
from tests.eval.samples import changed, sample

TOOLS = {
    name: Tool(name=name)
    for name in ("create_user", "get_user", "list_users", "update_user", "delete_user", "get_team")
}
ADA = {"id": "u-17", "name": "Ada", "city": "Nairobi"}
BOB = {"id": "u-99", "name": "Bob", "city": "Lima"}


def turn(tool: str, response: Json, *, is_error: bool = False, **arguments: Json) -> TrueTurn:
    return TrueTurn(tool=tool, arguments=arguments, response=response, is_error=is_error)


MADE = turn("create_user", {"id": "u-17"}, name="Ada", city="Nairobi")
READ = turn("get_user", ADA, id="u-17")
LISTED = turn("list_users", [ADA, BOB])
REMOVED = turn("delete_user", None, id="u-17")
GONE = turn("get_user", {"error": "user not found"}, is_error=True, id="u-17")


def item(*turns: TrueTurn, fresh: bool = False) -> Item:
    return Item(
        id="i",
        family="f",
        domain="d",
        source="s",
        split="dev",
        fresh=fresh,
        turns=turns,
        scored=tuple(range(len(turns))),
    )


def iou(of: Item, *answers: Json) -> float | None:
    """With these contents as answers to the last calls; `ERROR` for an error."""
    first = len(of.turns) - len(answers)
    given = {
        first + index: Answer(content=content, is_error=content is ERROR) for index, content in enumerate(answers)
    }
    return session_facts(of, TOOLS, given).iou


ERROR: Json = {"error": "no"}


def test_the_truth_is_one_and_nothing_changed_is_zero() -> None:
    session = item(LISTED.model_copy(update={"response": [BOB]}), MADE, LISTED)
    assert iou(session, [ADA, BOB]) == 1.0
    assert iou(session, [BOB]) == 0.0
    assert iou(session, [BOB, ADA]) == 1.0, "order is no difference"
    assert iou(session, ERROR) == 0.0


def test_a_wrong_value_costs_an_invention_and_a_miss() -> None:
    session = item(MADE, READ)
    assert iou(session, {**ADA, "city": "Oslo"}) == 2 / 4
    assert iou(session, {"id": "u-17", "name": "Ada"}) == 2 / 3


def test_invented_fields_and_things_cost_as_much_as_misses() -> None:
    assert iou(item(MADE, READ), {**ADA, "age": 36}) == 3 / 4
    known = item(turn("list_users", [BOB]), MADE, LISTED)
    assert iou(known, [ADA, BOB, {"id": "u-5", "name": "Eve"}]) == 3 / 5
    unknown = item(MADE, LISTED)
    assert iou(unknown, [ADA, BOB, {"id": "u-5", "name": "Eve"}]) == 1.0, "who else was there, nobody knows"
    assert iou(item(MADE, LISTED, fresh=True), [ADA, BOB, {"id": "u-5", "name": "Eve"}]) == 3 / 5


def test_what_was_there_before_is_no_fact_but_for_what_was_changed() -> None:
    session = item(
        turn("get_user", BOB, id="u-99"),
        turn("update_user", None, id="u-99", city="Quito"),
        turn("get_user", {**BOB, "city": "Quito"}, id="u-99"),
    )
    facts = session_facts(session, TOOLS, {2: Answer(content={**BOB, "city": "Quito"})})
    assert (facts.shared, facts.true) == (1, 1)
    assert iou(session, BOB) == 0.0, "nothing changed"


def test_a_missed_deletion_costs_the_fact_and_what_is_still_shown() -> None:
    session = item(MADE, READ, REMOVED, turn("list_users", [BOB]), GONE)
    facts = session_facts(session, TOOLS, {at: recorded(one) for at, one in enumerate(session.turns)})
    assert (facts.iou, facts.true, facts.gone) == (1.0, 5, 2)
    assert iou(session, ADA, None, [BOB], ADA) == 4 / 8
    assert iou(session, ADA, None, [BOB, ADA], ERROR) == 4 / 8


def test_deletions_alone_give_no_value() -> None:
    assert iou(item(MADE, REMOVED, GONE), ERROR) is None
    assert iou(item(READ, LISTED), [ADA]) is None


def test_ids_that_nothing_has_shown_are_no_facts() -> None:
    session = item(MADE, turn("get_user", {**ADA, "etag": "x81", "made_at": "2031-01-01T00:00:00Z"}, id="u-17"))
    assert iou(session, {**ADA, "etag": "other", "made_at": "2026-01-01T00:00:00Z"}) == 1.0


def test_things_are_told_apart_by_id_where_they_share_a_name() -> None:
    other = {"id": "u-99", "name": "Ada", "city": "Lima"}
    session = item(turn("get_user", other, id="u-99"), MADE, turn("list_users", [other, ADA]))
    facts = session_facts(session, TOOLS, {2: Answer(content=[other])})
    assert (facts.shared, facts.true) == (0, 3)


def test_real_sessions_accept_themselves_and_refuse_nothing_changed() -> None:
    changing = 0
    for one in sample():
        tools = sample().families.toolset(one.family).by_name
        true = session_facts(one, tools, {step: recorded(one.turns[step]) for step in one.scored})
        if true.iou is None:
            continue
        changing += 1
        assert true.iou == 1.0
        nothing = session_facts(one, tools, {step: _before(one, step) for step in one.scored})
        assert nothing.iou is not None
        assert nothing.iou < 1.0, one.id
    assert changing >= 10


def _before(one: Item, step: int) -> Answer:
    """What the same read showed first, else the answer with every value another."""
    turn = one.turns[step]
    same = [t for t in one.turns[:step] if (t.tool, t.arguments) == (turn.tool, turn.arguments) and not t.is_error]
    content = same[0].response if same else changed(turn.response, lambda _, value: f"{value}~")
    return Answer(content=content)
