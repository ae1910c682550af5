"""Which thing a call is about and which of its fields it sets, where names and places differ a little."""

from gtm.types import Json
from tests.world.made import TEXT, session, several, thing, tool

NUMBER: Json = {"type": "integer"}


def test_a_part_of_a_path_is_the_argument_that_ends_as_it() -> None:
    account: dict[str, Json] = {"account_id": TEXT, "role": TEXT}
    s = session(
        tool("create_template", {"name": TEXT}, {"id": TEXT, "name": TEXT}, "POST /templates"),
        tool("get_template", {"id": TEXT}, {"id": TEXT, "name": TEXT}, "GET /templates/{id}"),
        tool(
            "create_account", {"template_id": TEXT, **account}, account, "POST /templates/{id}/accounts/{account_id}"
        ),
        tool(
            "list_accounts", {"template_id": TEXT}, {"accounts": several(**account)}, "GET /templates/{id}/accounts"
        ),
    )
    one, other = (s.call("create_template", {"name": name}).content["id"] for name in ("first", "second"))
    made = s.call("create_account", {"template_id": one, "account_id": "111", "role": "reader"}).content
    assert s.call("list_accounts", {"template_id": one}).content["accounts"] == [made]
    assert s.call("list_accounts", {"template_id": other}).content["accounts"] == []


def test_an_argument_called_as_what_readers_show_a_thing_in_holds_its_fields() -> None:
    lens: dict[str, Json] = {"id": TEXT, "enabled": {"type": "boolean"}, "level": thing(depth=NUMBER)}
    put = tool("put_lens", {"config": TEXT, "lens_configuration": thing(**lens)}, {}, "PUT /lenses/{config}")
    get = tool("get_lens", {"config": TEXT}, {"lens_configuration": thing(**lens)}, "GET /lenses/{config}")
    s = session(put.model_copy(update={"output_schema": None}), get)
    sent = {"id": "wide", "enabled": True, "level": {"depth": 3}}
    s.call("put_lens", {"config": "c1", "lens_configuration": sent})
    assert s.call("get_lens", {"config": "c1"}).content == {"lens_configuration": sent}


def test_an_argument_that_begins_as_the_thing_holds_its_only_field() -> None:
    rules = several(prefix=TEXT, days=NUMBER)
    shown: dict[str, Json] = {"rules": rules, "size": NUMBER}
    s = session(
        tool(
            "put_policy",
            {"bucket": TEXT, "lifecycle_configuration": thing(rules=rules)},
            {},
            "PUT /{bucket}/lifecycle",
        ),
        tool("get_policy", {"bucket": TEXT}, shown, "GET /{bucket}/lifecycle"),
    )
    sent = [{"prefix": "logs/", "days": 30}]
    s.call("put_policy", {"bucket": "b", "lifecycle_configuration": {"rules": sent}})
    assert s.call("get_policy", {"bucket": "b"}).content["rules"] == sent


def test_an_object_that_readers_show_is_a_field_and_holds_none() -> None:
    options = thing(priority=NUMBER)
    order: dict[str, Json] = {"id": TEXT, "priority": NUMBER, "order_options": options}
    s = session(
        tool("create_order", {"priority": NUMBER, "order_options": options}, order, "POST /orders"),
        tool("get_order", {"id": TEXT}, order, "GET /orders/{id}"),
    )
    made = s.call("create_order", {"priority": 1, "order_options": {"priority": 9}}).content
    assert (made["priority"], made["order_options"]) == (1, {"priority": 9})
    assert s.call("get_order", {"id": made["id"]}).content == made
