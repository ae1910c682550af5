"""Paths that end with a verb and a part of their thing."""

from gtm.types import ArgumentSlot, HttpBinding, Json, Tool
from tests.world.made import TEXT, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
RULE: dict[str, Json] = {"priority": NUMBER, "action": TEXT}
POLICY: dict[str, Json] = {"id": TEXT, "name": TEXT}


def rule_tools() -> list[Tool]:
    """Policies, and their rules by verbs at the end of paths."""
    one: dict[str, Json] = {"id": TEXT, "priority": NUMBER}
    return [
        tool("create_policy", {"name": TEXT}, POLICY, "POST /policies"),
        tool("get_policy", {"id": TEXT}, POLICY, "GET /policies/{id}"),
        tool("add_rule", {"id": TEXT, "action": TEXT, "priority": NUMBER}, {}, "POST /policies/{id}/addRule"),
        tool("get_rule", one, RULE, "GET /policies/{id}/getRule"),
        tool("patch_rule", {**one, "action": TEXT}, {}, "POST /policies/{id}/patchRule"),
        tool("remove_rule", one, {}, "POST /policies/{id}/removeRule"),
    ]


def test_rules_of_a_policy_are_added_read_changed_and_removed() -> None:
    s = session(*rule_tools())
    policy = s.call("create_policy", {"name": "edge"}).content
    for priority in (10, 20):
        s.call("add_rule", {"id": policy["id"], "priority": priority, "action": "deny"})
    assert s.call("get_rule", {"id": policy["id"], "priority": 10}).content == {"priority": 10, "action": "deny"}
    s.call("patch_rule", {"id": policy["id"], "priority": 10, "action": "allow"})
    assert s.call("get_rule", {"id": policy["id"], "priority": 10}).content["action"] == "allow"
    s.call("remove_rule", {"id": policy["id"], "priority": 10})
    assert s.call("get_rule", {"id": policy["id"], "priority": 10}).is_error
    assert s.call("get_rule", {"id": policy["id"], "priority": 20}).content["action"] == "deny"
    assert s.call("get_policy", {"id": policy["id"]}).content == policy


def test_removing_an_item_does_not_delete_its_cart() -> None:
    cart: dict[str, Json] = {"id": TEXT, "owner": TEXT}
    s = session(
        tool("create_cart", {"owner": TEXT}, cart, "POST /carts"),
        tool("get_cart", {"id": TEXT}, cart, "GET /carts/{id}"),
        tool("add_item", {"id": TEXT, "sku": TEXT}, {}, "POST /carts/{id}/addItem"),
        tool("remove_item", {"id": TEXT, "sku": TEXT}, {}, "POST /carts/{id}/removeItem"),
    )
    made = s.call("create_cart", {"owner": "Ann"}).content
    s.call("add_item", {"id": made["id"], "sku": "a-1"})
    s.call("remove_item", {"id": made["id"], "sku": "a-1"})
    assert s.call("get_cart", {"id": made["id"]}).content == made


def test_a_verb_of_the_thing_itself_stays_what_it_is() -> None:
    pet: dict[str, Json] = {"id": TEXT, "name": TEXT}
    s = session(
        tool("create_pet", {"name": TEXT}, pet, "POST /pets"),
        tool("get_pet", {"id": TEXT}, pet, "GET /pets/{id}"),
        tool("remove_pet", {"id": TEXT}, {}, "POST /pets/{id}/removePet"),
        tool("add_to_list", {"id": TEXT, "list_name": TEXT}, {}, "POST /pets/{id}/addToList"),
    )
    made = s.call("create_pet", {"name": "Rex"}).content
    s.call("add_to_list", {"id": made["id"], "list_name": "dogs"})
    assert s.call("get_pet", {"id": made["id"]}).content == made
    s.call("remove_pet", {"id": made["id"]})
    assert s.call("get_pet", {"id": made["id"]}).is_error


def test_a_policy_that_is_set_on_a_thing_is_read_there() -> None:
    bindings = several(role=TEXT, members={"type": "array", "items": TEXT})
    policy: dict[str, Json] = {"bindings": bindings, "version": NUMBER}
    s = session(
        tool("create_topic", {"name": TEXT}, POLICY, "POST /topics"),
        tool("get_topic", {"id": TEXT}, POLICY, "GET /topics/{id}"),
        tool("set_access", {"id": TEXT, "policy": thing(**policy)}, policy, "POST /topics/{id}:setAccessPolicy"),
        tool("get_access", {"id": TEXT}, policy, "GET /topics/{id}:getAccessPolicy"),
    )
    topic = s.call("create_topic", {"name": "news"}).content["id"]
    sent = {"bindings": [{"role": "reader", "members": ["ann", "bob"]}], "version": 3}
    s.call("set_access", {"id": topic, "policy": sent})
    assert s.call("get_access", {"id": topic}).content == sent


def test_a_part_that_has_a_path_of_its_own_is_made_there() -> None:
    version: dict[str, Json] = {"name": TEXT, "state": TEXT}
    path = "/v1/projects/{projectsId}/secrets/{secretsId}"

    def at(name: str, method: str, end: str, argument: str, output: dict[str, Json], **sent: Json) -> Tool:
        pattern = "^projects/[^/]+/secrets/[^/]+/versions/[^/]+$" if end.startswith("/versions/") else "^projects/.+$"
        arguments = {argument: {"type": "string", "pattern": pattern}, **sent}
        made = tool(name, arguments, output, "GET /x")
        slots = {argument: ArgumentSlot(name=argument, place="path")}
        return made.model_copy(update={"http": HttpBinding(method=method, path=f"{path}{end}", slots=slots)})

    payload = thing(data=TEXT)
    tools = (
        at("add", "POST", ":addVersion", "parent", version, blob=payload),
        at("get", "GET", "/versions/{versionsId}", "name", version),
        at("access", "GET", "/versions/{versionsId}:access", "name", {"name": TEXT, "blob": payload}),
    )
    s = session(*tools, world="auto")
    made = s.call("add", {"parent": "projects/p/secrets/s", "blob": {"data": "abc"}}).content
    assert made["name"].startswith("projects/p/secrets/s/versions/")
    assert s.call("get", {"name": made["name"]}).content == made
    assert s.call("access", {"name": made["name"]}).content == {"name": made["name"], "blob": {"data": "abc"}}


def test_a_verb_after_a_thing_is_about_the_thing() -> None:
    hook: dict[str, Json] = {"id": TEXT, "name": TEXT, "target_url": TEXT}
    s = session(
        tool("create_hook", {"name": TEXT, "target_url": TEXT}, hook, "POST /hooks"),
        tool("get_hook", {"id": TEXT}, hook, "GET /hooks/{id}"),
        tool("check", {"id": TEXT}, hook, "POST /hooks/{id}/lifecycle/verify"),
        tool("drop", {"id": TEXT}, {}, "POST /hooks/{id}/delete"),
    )
    made = s.call("create_hook", {"name": "ci", "target_url": "https://example.com"}).content
    assert s.call("check", {"id": made["id"]}).content == made
    s.call("drop", {"id": made["id"]})
    assert s.call("get_hook", {"id": made["id"]}).is_error


def test_what_is_made_at_the_path_of_its_collection_is_read_below_it() -> None:
    row: dict[str, Json] = {"id": TEXT, "title": TEXT, "state": TEXT}
    table: dict[str, Json] = {"id": TEXT, "owner": TEXT, "rows": NUMBER}
    s = session(
        tool("get_table", {"table_id": TEXT}, table, "GET /tables/{table_id}"),
        tool("create_row", {"table_id": TEXT, "title": TEXT}, row, "POST /tables/{table_id}"),
        tool("get_row", {"table_id": TEXT, "row_id": TEXT}, row, "GET /tables/{table_id}/{row_id}"),
        world="auto",
    )
    made = [s.call("create_row", {"table_id": "plans", "title": title}).content for title in ("a", "b")]
    assert made[0]["id"] != made[1]["id"] and "plans" not in {row["id"] for row in made}
    assert [s.call("get_row", {"table_id": "plans", "row_id": row["id"]}).content for row in made] == made


def test_a_bucket_made_at_its_own_path_keeps_its_name() -> None:
    bucket: dict[str, Json] = {"bucket": TEXT, "owner": TEXT, "region": TEXT}
    held: dict[str, Json] = {"key": TEXT, "content": TEXT, "size": NUMBER}
    s = session(
        tool("create_bucket", {"bucket": TEXT, "region": TEXT}, bucket, "POST /buckets/{bucket}"),
        tool("get_bucket", {"bucket": TEXT}, bucket, "GET /buckets/{bucket}"),
        tool("put_object", {"bucket": TEXT, "key": TEXT, "content": TEXT}, held, "PUT /buckets/{bucket}/{key}"),
        tool("get_object", {"bucket": TEXT, "key": TEXT}, held, "GET /buckets/{bucket}/{key}"),
    )
    made = s.call("create_bucket", {"bucket": "logs", "region": "eu"}).content
    assert s.call("get_bucket", {"bucket": "logs"}).content == made and made["bucket"] == "logs"
