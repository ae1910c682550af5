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
    policy: dict[str, Json] = {"bindings": several(role=TEXT, members={"type": "array", "items": TEXT})}
    s = session(
        tool("create_topic", {"name": TEXT}, POLICY, "POST /topics"),
        tool("get_topic", {"id": TEXT}, POLICY, "GET /topics/{id}"),
        tool("set_access", {"id": TEXT, "policy": thing(**policy)}, policy, "POST /topics/{id}:setAccessPolicy"),
        tool("get_access", {"id": TEXT}, policy, "GET /topics/{id}:getAccessPolicy"),
    )
    topic = s.call("create_topic", {"name": "news"}).content["id"]
    bindings = [{"role": "reader", "members": ["ann", "bob"]}]
    s.call("set_access", {"id": topic, "policy": {"bindings": bindings}})
    assert s.call("get_access", {"id": topic}).content == {"bindings": bindings}


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
