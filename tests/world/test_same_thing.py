"""A thing that is reached in another way is the same thing: a part's path, a setter, an action, another name."""

from gtm.simulator.session import Session
from gtm.types import Json
from tests.world.made import TEXT, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
FREE: Json = {"type": "object"}


def zones(world: str = "closed") -> Session:
    zone: dict[str, Json] = {"id": TEXT, "name": TEXT, "status": TEXT}
    return session(
        tool("create_zone", {"name": TEXT}, zone, "POST /zones"),
        tool("get_zone", {"zone_id": TEXT}, zone, "GET /zones/{zone_id}"),
        tool("activate_zone", {"zone_id": TEXT}, zone, "POST /zones/{zone_id}/lifecycle/activate"),
        world=world,
    )


def test_an_action_below_a_segment_that_is_nothing_is_one_on_the_thing() -> None:
    s = zones()
    made = s.call("create_zone", {"name": "office"}).content
    active = s.call("activate_zone", {"zone_id": made["id"]}).content
    assert (active["id"], active["name"], active["status"]) == (made["id"], "office", "active")
    assert s.call("get_zone", {"zone_id": made["id"]}).content == active


def test_a_part_that_is_a_field_of_its_thing_is_the_same_by_both_paths() -> None:
    parcel = thing(city=TEXT, street=TEXT)
    order: dict[str, Json] = {"id": TEXT, "shipping": parcel}
    where: dict[str, Json] = {"city": TEXT, "street": TEXT}
    s = session(
        tool("create_order", {"shipping": parcel}, order, "POST /orders"),
        tool("get_order", {"id": TEXT}, order, "GET /orders/{id}"),
        tool("get_shipping", {"id": TEXT}, where, "GET /orders/{id}/shipping"),
        tool("set_shipping", {"id": TEXT, **where}, where, "PUT /orders/{id}/shipping"),
    )
    order_id = s.call("create_order", {"shipping": {"city": "Oslo", "street": "Long 1"}}).content["id"]
    assert s.call("get_shipping", {"id": order_id}).content == {"city": "Oslo", "street": "Long 1"}
    s.call("set_shipping", {"id": order_id, "city": "Bergen", "street": "Short 2"})
    assert s.call("get_order", {"id": order_id}).content["shipping"] == {"city": "Bergen", "street": "Short 2"}


def test_a_part_that_was_only_read_changes_nothing_that_was_shown() -> None:
    battery = thing(level=NUMBER)
    s = session(
        tool("list_cars", {}, {"cars": several(id=TEXT, battery=battery)}, "GET /cars"),
        tool("get_car", {"id": TEXT}, {"id": TEXT, "battery": battery}, "GET /cars/{id}"),
        tool("get_battery", {"id": TEXT}, {"level": NUMBER, "health": NUMBER}, "GET /cars/{id}/battery"),
        world="auto",
    )
    shown = s.call("list_cars", {}).content
    car = shown["cars"][0]
    assert s.call("get_battery", {"id": car["id"]}).content["level"] == car["battery"]["level"]
    assert s.call("list_cars", {}).content == shown


def test_a_write_at_a_part_that_answers_the_thing_changes_the_thing() -> None:
    order: dict[str, Json] = {"id": TEXT, "note": TEXT, "status": TEXT, "total": NUMBER}
    s = session(
        tool("create_order", {"note": TEXT, "total": NUMBER}, order, "POST /orders"),
        tool("get_order", {"id": TEXT}, order, "GET /orders/{id}"),
        tool("put_status", {"id": TEXT, "status": TEXT}, order, "PUT /orders/{id}/status"),
    )
    made = s.call("create_order", {"note": "two", "total": 7}).content
    changed = s.call("put_status", {"id": made["id"], "status": "packed"}).content
    assert changed == {**made, "status": "packed"}
    assert s.call("get_order", {"id": made["id"]}).content == changed


def test_a_field_that_has_a_tool_of_its_own_is_a_field_of_what_it_names() -> None:
    group: dict[str, Json] = {"group_name": TEXT, "desired_capacity": NUMBER}
    s = session(
        tool("create_group", {"group_name": TEXT, "desired_capacity": NUMBER}, {}),
        tool("describe_group", {"group_name": TEXT}, group),
        tool("list_groups", {}, {"groups": several(**group)}),
        tool("set_desired_capacity", {"group_name": TEXT, "desired_capacity": NUMBER}, {}),
    )
    s.call("create_group", {"group_name": "web", "desired_capacity": 2})
    s.call("set_desired_capacity", {"group_name": "web", "desired_capacity": 5})
    assert s.call("describe_group", {"group_name": "web"}).content["desired_capacity"] == 5
    assert s.call("set_desired_capacity", {"group_name": "nobody", "desired_capacity": 5}).is_error


def test_how_many_of_a_thing_are_in_a_cart_is_no_field_of_it() -> None:
    product: dict[str, Json] = {"product_id": TEXT, "name": TEXT, "quantity": NUMBER}
    s = session(
        tool("create_product", {"name": TEXT}, product),
        tool("get_product", {"product_id": TEXT}, product),
        tool("add_to_cart", {"product_id": TEXT, "quantity": NUMBER}, {}),
        tool("update_cart_quantity", {"product_id": TEXT, "quantity": NUMBER}, {}),
        tool("update_quantity", {"product_id": TEXT, "quantity": NUMBER}, {}),
    )
    made = s.call("create_product", {"name": "lamp"}).content
    for name in ("update_cart_quantity", "update_quantity"):
        s.call(name, {"product_id": made["product_id"], "quantity": made["quantity"] + 1})
        assert s.call("get_product", {"product_id": made["product_id"]}).content == made


def test_what_ties_two_things_and_answers_a_third_makes_that() -> None:
    rule, tie = thing(id=TEXT, name=TEXT), thing(id=TEXT, rule_id=TEXT, name=TEXT)
    s = session(
        tool("create_rule", {"name": TEXT}, {"rule": rule}),
        tool("get_rule", {"rule_id": TEXT}, {"rule": rule}),
        tool("associate_rule", {"rule_id": TEXT, "name": TEXT}, {"rule_association": tie}),
        tool("list_rule_associations", {}, {"rule_associations": {"type": "array", "items": tie}}),
    )
    made = s.call("create_rule", {"name": "first"}).content["rule"]
    tied = s.call("associate_rule", {"rule_id": made["id"], "name": "tie"}).content["rule_association"]
    assert tied["id"] != made["id"]
    assert s.call("get_rule", {"rule_id": made["id"]}).content["rule"] == made
    assert s.call("list_rule_associations", {}).content["rule_associations"] == [tied]


def test_a_thing_is_found_by_the_text_that_its_caller_gave_where_it_is_the_only_one() -> None:
    revision = thing(arn=TEXT, family=TEXT)
    s = session(
        tool("register_definition", {"family": TEXT}, {"definition": revision}),
        tool("describe_definition", {"definition": TEXT}, {"definition": revision}),
        tool("list_definitions", {}, {"definitions": {"type": "array", "items": revision}}),
        world="auto",
    )
    made = s.call("register_definition", {"family": "web"}).content["definition"]
    assert s.call("describe_definition", {"definition": "web"}).content["definition"] == made


def test_what_was_asked_for_by_its_name_is_what_is_made_by_that_name_then() -> None:
    machine: dict[str, Json] = {"id": TEXT, "cores": NUMBER}
    operation: dict[str, Json] = {"operation": TEXT, "target": TEXT, "progress": NUMBER}
    s = session(
        tool("insert_machine", {"cores": NUMBER}, operation, "POST /machines", {"name": TEXT}),
        tool("get_machine", {"machine": TEXT}, machine, "GET /machines/{machine}"),
        tool("insert_disk", {"name": TEXT}, operation, "POST /disks"),
        tool("get_disk", {"disk": TEXT}, {"id": NUMBER, "name": TEXT}, "GET /disks/{disk}"),
        world="auto",
    )
    assert not s.call("get_machine", {"machine": "m-1"}).is_error
    s.call("insert_machine", {"name": "m-1", "cores": 64})
    assert s.call("get_machine", {"machine": "m-1"}).content["cores"] == 64


def test_the_first_name_for_what_only_an_operation_told_of_is_its_name() -> None:
    key: dict[str, Json] = {"name": TEXT, "label": TEXT, "note": TEXT}
    operation: dict[str, Json] = {"done": FLAG, "progress": NUMBER, "began": TEXT, "target": TEXT}
    s = session(
        tool("create_key", {"label": TEXT}, operation, "POST /keys"),
        tool("get_key", {"name": TEXT}, key, "GET /keys/{name}"),
        tool("create_ring", {"label": TEXT}, operation, "POST /rings"),
        tool("get_ring", {"name": TEXT}, key, "GET /rings/{name}"),
        world="auto",
    )
    s.call("create_key", {"label": "mine"})
    first = s.call("get_key", {"name": "keys-1"}).content
    assert (first["name"], first["label"]) == ("keys-1", "mine")
    assert s.call("get_key", {"name": "keys-1"}).content == first
    assert s.call("get_key", {"name": "keys-2"}).content["label"] != "mine"


def test_a_second_record_of_one_name_is_another_one_where_a_text_of_it_is() -> None:
    record: dict[str, Json] = {"id": NUMBER, "name": TEXT, "content": TEXT}
    s = session(
        tool("create_record", {"name": TEXT, "content": TEXT}, record, "POST /records"),
        tool("get_record", {"id": NUMBER}, record, "GET /records/{id}"),
        tool("list_records", {}, {"records": several(**record)}, "GET /records"),
        tool("change_record", {"id": NUMBER, "name": TEXT}, record, "PATCH /records/{id}"),
    )
    s.call("create_record", {"name": "www", "content": "1.1.1.1"})
    assert s.call("create_record", {"name": "www", "content": "1.1.1.1"}).is_error
    assert not s.call("create_record", {"name": "www", "content": "2.2.2.2"}).is_error
    assert len(s.call("list_records", {}).content["records"]) == 2


def test_an_object_that_holds_the_thing_is_not_its_key() -> None:
    month: dict[str, Json] = {"month": {"type": "string", "format": "date"}, "note": TEXT}
    s = session(
        tool("list_months", {}, {"data": thing(months=several(**month))}, "GET /months"),
        tool(
            "get_month",
            {"month": {**TEXT, "format": "date"}},
            {"data": thing(month=thing(**month))},
            "GET /months/{month}",
        ),
        world="auto",
    )
    first = s.call("list_months", {}).content["data"]["months"][0]
    assert s.call("get_month", {"month": first["month"]}).content["data"]["month"] == first


def test_an_argument_that_holds_the_thing_may_be_called_as_a_field_of_it() -> None:
    url: dict[str, Json] = {"id": TEXT, "url": TEXT, "width": NUMBER}
    s = session(
        tool("create_url", {"url": thing(url=TEXT, width=NUMBER)}, {"url": thing(**url)}, "POST /urls"),
        tool("get_url", {"id": TEXT}, {"url": thing(**url)}, "GET /urls/{id}"),
    )
    made = s.call("create_url", {"url": {"url": "https://a.example", "width": 30}}).content["url"]
    assert (made["url"], made["width"]) == ("https://a.example", 30)
    assert s.call("get_url", {"id": made["id"]}).content["url"] == made


def test_a_filter_on_what_only_the_server_sets_decides_it_for_a_new_thing() -> None:
    job: dict[str, Json] = {"id": TEXT, "name": TEXT, "state": TEXT}
    s = session(
        tool("create_job", {"name": TEXT}, {"id": TEXT}, "POST /jobs"),
        tool("get_job", {"id": TEXT}, job, "GET /jobs/{id}"),
        tool("list_jobs", {}, {"jobs": several(**job)}, "GET /jobs", {"state": TEXT, "name": TEXT}),
    )
    made = s.call("create_job", {"name": "nightly"}).content["id"]
    assert s.call("list_jobs", {"state": "SUCCEEDED"}).content["jobs"] == []
    running = [{"id": made, "name": "nightly", "state": "RUNNING"}]
    assert s.call("list_jobs", {"state": "RUNNING"}).content["jobs"] == running
    assert s.call("list_jobs", {"state": "QUEUED"}).content["jobs"] == []
    assert s.call("get_job", {"id": made}).content == running[0]
    assert s.call("list_jobs", {"name": "other"}).content["jobs"] == []


def test_what_a_thing_holds_does_not_name_it() -> None:
    person: dict[str, Json] = {"employee_id": TEXT, "full_name": TEXT, "manager": TEXT}
    s = session(
        tool("create_employee", {"full_name": TEXT, "manager": TEXT}, {"employee_id": TEXT}),
        tool("get_employee", {"employee": TEXT}, person),
        tool("delete_employee", {"employee": TEXT}, {}),
    )
    s.call("create_employee", {"full_name": "Ann", "manager": "Bob"})
    assert s.call("get_employee", {"employee": "Bob"}).is_error
    assert s.call("get_employee", {"employee": "Ann"}).content["manager"] == "Bob"
    assert not s.call("delete_employee", {"employee": "Ann"}).is_error
    assert s.call("get_employee", {"employee": "Ann"}).is_error


def test_a_part_that_was_taken_away_does_not_come_back_with_another_change() -> None:
    place = thing(city=TEXT)
    order: dict[str, Json] = {"id": TEXT, "item": TEXT, "shipping": place}
    s = session(
        tool("create_order", {"item": TEXT, "shipping": place}, order, "POST /orders"),
        tool("get_order", {"id": TEXT}, order, "GET /orders/{id}"),
        tool("change_order", {"id": TEXT, "item": TEXT}, order, "PATCH /orders/{id}"),
        tool("get_shipping", {"id": TEXT}, {"city": TEXT}, "GET /orders/{id}/shipping"),
        tool("set_shipping", {"id": TEXT, "city": TEXT}, {"city": TEXT}, "PUT /orders/{id}/shipping"),
        tool("drop_shipping", {"id": TEXT}, {}, "DELETE /orders/{id}/shipping"),
    )
    made = s.call("create_order", {"item": "x", "shipping": {"city": "Oslo"}}).content
    s.call("drop_shipping", {"id": made["id"]})
    s.call("change_order", {"id": made["id"], "item": "y"})
    assert s.call("get_shipping", {"id": made["id"]}).is_error


def test_what_a_post_below_a_thing_says_is_not_the_things() -> None:
    issue: dict[str, Json] = {"id": TEXT, "title": TEXT, "body": TEXT, "status": TEXT}
    s = session(
        tool("create_issue", {"title": TEXT, "body": TEXT}, issue, "POST /issues"),
        tool("get_issue", {"id": TEXT}, issue, "GET /issues/{id}"),
        tool("comment", {"id": TEXT, "body": TEXT}, issue, "POST /issues/{id}/comment"),
        tool("close_chat", {"id": TEXT}, {"ok": TEXT}, "POST /issues/{id}/chat/close"),
    )
    made = s.call("create_issue", {"title": "t", "body": "original"}).content
    s.call("comment", {"id": made["id"], "body": "nice"})
    s.call("close_chat", {"id": made["id"]})
    assert s.call("get_issue", {"id": made["id"]}).content == made


def test_an_update_that_answers_its_history_updates() -> None:
    s = session(
        tool("create_rule", {"name": TEXT}, {"rule": thing(id=TEXT, name=TEXT)}),
        tool("get_rule", {"rule_id": TEXT}, {"rule": thing(id=TEXT, name=TEXT)}),
        tool("update_rule", {"rule_id": TEXT, "name": TEXT}, {"rule_history": thing(id=TEXT, rule_id=TEXT)}),
        tool("list_rule_histories", {}, {"rule_histories": several(id=TEXT, rule_id=TEXT)}),
    )
    made = s.call("create_rule", {"name": "r"}).content["rule"]
    s.call("update_rule", {"rule_id": made["id"], "name": "renamed"})
    assert s.call("get_rule", {"rule_id": made["id"]}).content["rule"]["name"] == "renamed"


def test_what_can_be_moved_is_listed_wherever_it_may_be() -> None:
    task: dict[str, Json] = {"task_id": TEXT, "title": TEXT}
    s = session(
        tool("create_project", {"name": TEXT}, {"project_id": TEXT}),
        tool("create_task", {"title": TEXT, "project_id": TEXT}, task),
        tool("list_tasks", {"project_id": TEXT}, {"tasks": several(**task)}),
        tool("move_task", {"task_id": TEXT, "project_id": TEXT}, {}),
    )
    a, b = (s.call("create_project", {"name": name}).content["project_id"] for name in "ab")
    made = s.call("create_task", {"title": "1", "project_id": a}).content
    s.call("move_task", {"task_id": made["task_id"], "project_id": b})
    assert s.call("list_tasks", {"project_id": b}).content["tasks"] == [made]
