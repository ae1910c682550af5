"""Several things written or taken away by one call of a tool that is known by its name."""

import pytest

from gtm.simulator.session import Session
from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

VECTORS = several(key=TEXT, data=TEXT)


def vectors(world: str = "closed") -> Session:
    return session(
        tool("put_vectors", {"vectors": VECTORS}, {}, optional={"index": TEXT}),
        tool("get_vectors", {"keys": TEXTS}, {"vectors": VECTORS}),
        tool("list_vectors", {}, {"vectors": VECTORS}, optional={"index": TEXT}),
        tool("delete_vectors", {"keys": TEXTS}, {}),
        world=world,
    )


def kept(s: Session, **arguments: Json) -> list[Json]:
    return list(s.call("list_vectors", dict(arguments)).content["vectors"])


@pytest.mark.parametrize("world", ["auto", "closed"])
def test_things_that_are_put_together_are_listed_and_put_over_one_by_one(world: str) -> None:
    s = vectors(world)
    before = kept(s)
    a, b = {"key": "a", "data": "1"}, {"key": "b", "data": "2"}
    assert not s.call("put_vectors", {"vectors": [a, b]}).is_error
    assert kept(s) == [*before, a, b]
    assert not s.call("put_vectors", {"vectors": [{"key": "a", "data": "9"}]}).is_error
    assert kept(s) == [*before, {"key": "a", "data": "9"}, b]
    assert s.call("get_vectors", {"keys": ["b"]}).content["vectors"] == [b]


@pytest.mark.parametrize("world", ["auto", "closed"])
def test_things_that_are_taken_away_together_are_gone(world: str) -> None:
    s = vectors(world)
    before = kept(s)
    s.call("put_vectors", {"vectors": [{"key": name, "data": name} for name in ("a", "b", "c")]})
    assert not s.call("delete_vectors", {"keys": ["a", "c", "never"]}).is_error
    assert kept(s) == [*before, {"key": "b", "data": "b"}]


def test_to_take_away_only_what_is_not_there_is_an_error_where_all_is_known() -> None:
    assert vectors().call("delete_vectors", {"keys": ["never"]}).is_error
    assert not vectors("auto").call("delete_vectors", {"keys": ["never"]}).is_error


def test_things_without_a_key_are_taken_away_by_what_they_are() -> None:
    tie = thing(**{"from": TEXT, "to": TEXT})
    ties: Json = {"type": "array", "items": tie}
    s = session(
        tool("create_relations", {"relations": ties}, {}),
        tool("list_relations", {}, {"relations": ties}),
        tool("delete_relations", {"relations": ties}, {}),
    )
    s.call("create_relations", {"relations": [{"from": "a", "to": "b"}, {"from": "a", "to": "c"}]})
    s.call("delete_relations", {"relations": [{"from": "a", "to": "b"}]})
    assert s.call("list_relations", {}).content["relations"] == [{"from": "a", "to": "c"}]


def test_what_was_made_in_one_place_is_not_listed_in_another_that_is_known() -> None:
    s = vectors()
    s.call("put_vectors", {"index": "red", "vectors": [{"key": "a", "data": "1"}]})
    s.call("put_vectors", {"index": "blue", "vectors": [{"key": "b", "data": "2"}]})
    assert [one["key"] for one in kept(s, index="red")] == ["a"]
    assert [one["key"] for one in kept(s, index="blue")] == ["b"]
    assert [one["key"] for one in kept(s)] == ["a", "b"]


def test_a_list_is_asked_for_by_what_is_a_text_here_and_a_list_there() -> None:
    s = vectors()
    s.call("put_vectors", {"index": "red", "vectors": [{"key": "a", "data": "1", "index": ["red"]}]})
    s.call("put_vectors", {"index": "red", "vectors": [{"key": "b", "data": "2"}]})
    assert [one["key"] for one in kept(s, index="red")] == ["a", "b"]


def test_what_really_happened_to_several_things_is_learnt() -> None:
    s = vectors()
    s.observe("put_vectors", {"vectors": [{"key": "a", "data": "1"}, {"key": "b", "data": "2"}]}, {})
    s.observe("delete_vectors", {"keys": ["a"]}, {})
    assert kept(s) == [{"key": "b", "data": "2"}]


def test_what_is_taken_out_of_something_is_still_there() -> None:
    product: dict[str, Json] = {"product_id": TEXT, "name": TEXT}
    s = session(
        tool("create_product", {"name": TEXT}, product),
        tool("get_product", {"product_id": TEXT}, product),
        tool("remove_products", {"cart_id": TEXT, "product_ids": TEXTS}, {}),
        tool("remove_products_from_wishlist", {"product_ids": TEXTS}, {}),
    )
    made = s.call("create_product", {"name": "lamp"}).content
    s.call("remove_products", {"cart_id": "c", "product_ids": [made["product_id"]]})
    s.call("remove_products_from_wishlist", {"product_ids": [made["product_id"]]})
    assert s.call("get_product", {"product_id": made["product_id"]}).content == made


def test_what_is_put_one_by_one_can_be_taken_away_together() -> None:
    row: dict[str, Json] = {"key": TEXT, "body": TEXT}
    s = session(
        tool("put_object", {"bucket": TEXT, "key": TEXT, "body": TEXT}, {}),
        tool("get_object", {"bucket": TEXT, "key": TEXT}, row),
        tool("list_objects", {"bucket": TEXT}, {"objects": several(**row)}),
        tool("delete_objects", {"bucket": TEXT, "keys": TEXTS}, {}),
    )
    for key in ("a", "b"):
        s.call("put_object", {"bucket": "x", "key": key, "body": key})
    s.call("delete_objects", {"bucket": "x", "keys": ["a"]})
    assert [one["key"] for one in s.call("list_objects", {"bucket": "x"}).content["objects"]] == ["b"]


def test_the_items_of_an_order_are_no_orders() -> None:
    lines = several(sku=TEXT, count=TEXT)
    order: dict[str, Json] = {"order_id": TEXT, "items": lines}
    s = session(
        tool("create_order", {"items": lines}, {"order_id": TEXT}),
        tool("get_order", {"order_id": TEXT}, order),
        tool("list_orders", {}, {"orders": several(**order)}),
    )
    sent = [{"sku": "s", "count": "1"}, {"sku": "t", "count": "2"}]
    made = s.call("create_order", {"items": sent}).content["order_id"]
    assert s.call("get_order", {"order_id": made}).content == {"order_id": made, "items": sent}
    assert len(s.call("list_orders", {}).content["orders"]) == 1


def test_a_delete_of_several_things_without_a_schema_says_which_and_that_it_went_well() -> None:
    task: dict[str, Json] = {"task_id": TEXT, "title": TEXT}
    delete = tool("delete_tasks", {"task_ids": TEXTS}, {}).model_copy(update={"output_schema": None})
    s = session(
        tool("create_task", {"title": TEXT}, task),
        tool("get_task", {"task_id": TEXT}, task),
        tool("list_tasks", {}, {"tasks": several(**task)}),
        delete,
    )
    made = s.call("create_task", {"title": "one"}).content["task_id"]
    assert s.call("delete_tasks", {"task_ids": [made]}).content == {"task_ids": [made], "deleted": True}
    assert s.call("list_tasks", {}).content["tasks"] == []
