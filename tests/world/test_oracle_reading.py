"""What the judge holds a simulator to, and what it must not: readings of definitions that once were wrong."""

from gtm import Result
from gtm.eval.oracle.facts import Contradiction
from gtm.eval.oracle.memory import Oracle
from gtm.eval.oracle.reading import read_toolset
from gtm.types import Json, Tool, Toolset
from tests.world.made import TEXT, several, thing, tool

NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}


class Judged:
    """An oracle that is told calls with answers."""

    def __init__(self, *tools: Tool) -> None:
        routes = read_toolset(Toolset(name="t", kind="openai", tools=tools))
        self.kinds = {route.tool.name: route.kind for route in routes}
        self._routes = {route.tool.name: route for route in routes}
        self._oracle = Oracle()

    def see(self, name: str, arguments: dict[str, Json], answer: Json) -> list[Contradiction]:
        return self._oracle.see(self._routes[name], arguments, Result(content=answer, text="", is_error=False))


def test_an_object_with_a_mere_id_is_no_wrapper_of_what_is_sent() -> None:
    account: dict[str, Json] = {"id": TEXT, "active": FLAG, "tax": thing(id=TEXT)}
    sent: dict[str, Json] = {"id": TEXT, "active": FLAG, "tax": thing(id=TEXT)}
    j = Judged(
        tool("change_account", sent, {"data": thing(id=TEXT)}, "PATCH /accounts/{id}"),
        tool("get_account", {"id": TEXT}, account, "GET /accounts/{id}"),
    )
    j.see("get_account", {"id": "a"}, {"id": "a", "active": True, "tax": {"id": "t"}})
    j.see("change_account", {"id": "a", "active": False, "tax": {"id": "u"}}, {"data": {"id": "a"}})
    assert j.see("get_account", {"id": "a"}, {"id": "a", "active": False, "tax": {"id": "u"}}) == []
    [found] = j.see("get_account", {"id": "a"}, {"id": "a", "active": True, "tax": {"id": "u"}})[-1:]
    assert found.kind in {"sent_field_differs", "repeat_differs"}


def test_a_post_that_is_called_a_question_makes_nothing() -> None:
    episodes = several(id=TEXT)
    j = Judged(
        tool("getEpisodesInBatch", {"ids": TEXT}, {"episodes": episodes}, "POST /episodes"),
        tool("get_episode", {"id": TEXT}, {"id": TEXT}, "GET /episodes/{id}"),
        tool("create_show", {"name": TEXT}, {"id": TEXT}, "POST /shows"),
        tool("get_show", {"id": TEXT}, {"id": TEXT}, "GET /shows/{id}"),
    )
    assert (j.kinds["getEpisodesInBatch"], j.kinds["create_show"]) == ("act", "create")


def test_what_the_path_says_the_body_cannot_say_otherwise() -> None:
    group: dict[str, Json] = {"title": TEXT, "note": TEXT}
    j = Judged(
        tool("put_group", {"group_title": TEXT, **group}, group, "PUT /group/{group_title}"),
        tool("get_group", {"group_title": TEXT}, group, "GET /group/{group_title}"),
    )
    sent: dict[str, Json] = {"group_title": "a", "title": "b", "note": "n"}
    assert j.see("put_group", sent, {"title": "a", "note": "n"}) == []
    assert [c.kind for c in j.see("put_group", sent, {"title": "a", "note": "m"})] == ["sent_field_differs"]


def test_what_is_in_credentials_need_not_come_back() -> None:
    access = thing(credentials=thing(parameter=TEXT), url=TEXT)
    j = Judged(
        tool("put_backend", {"id": TEXT, "access": access}, {"id": TEXT, "access": access}, "PUT /backends/{id}"),
        tool("get_backend", {"id": TEXT}, {"id": TEXT, "access": access}, "GET /backends/{id}"),
    )
    sent: Json = {"credentials": {"parameter": "mine"}, "url": "http://a"}
    hidden: Json = {"credentials": {"parameter": "x"}, "url": "http://a"}
    assert j.see("put_backend", {"id": "b", "access": sent}, {"id": "b", "access": hidden}) == []
    other: Json = {"credentials": {"parameter": "x"}, "url": "http://b"}
    assert [c.kind for c in j.see("put_backend", {"id": "b", "access": sent}, {"id": "b", "access": other})] != []


def test_a_thing_that_was_sent_may_be_shown_by_its_id() -> None:
    product: Json = {"anyOf": [TEXT, thing(active=FLAG)]}
    plan: dict[str, Json] = {"id": TEXT, "product": product, "amount": NUMBER}
    j = Judged(
        tool("create_plan", {"product": thing(active=FLAG), "amount": NUMBER}, plan, "POST /plans"),
        tool("get_plan", {"id": TEXT}, plan, "GET /plans/{id}"),
    )
    shown: Json = {"id": "p", "product": "prod_1", "amount": 3}
    j.see("create_plan", {"product": {"active": False}, "amount": 3}, shown)
    assert j.see("get_plan", {"id": "p"}, shown) == []
