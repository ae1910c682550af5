"""Readers and writers of one field of a thing, by themselves and beside what only looks like them."""

from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, several, tool

NUMBER: Json = {"type": "integer"}
MAP: Json = {"type": "object", "additionalProperties": TEXT}
QUEUE: dict[str, Json] = {"queue_url": TEXT}


def test_a_getter_shows_what_its_thing_was_made_with_and_its_setter_sets() -> None:
    s = session(
        tool("create_queue", {"queue_name": TEXT}, QUEUE, optional={"attributes": MAP}),
        tool("get_queue_attributes", QUEUE, {"attributes": MAP}, optional={"attribute_names": TEXTS}),
        tool("set_queue_attributes", {**QUEUE, "attributes": MAP}, {}),
        tool("delete_queue", QUEUE, {}),
    )
    made = s.call("create_queue", {"queue_name": "jobs", "attributes": {"delay": "5", "fifo": "true"}}).content
    other = s.call("create_queue", {"queue_name": "mail", "attributes": {"delay": "9"}}).content
    assert s.call("get_queue_attributes", made).content["attributes"] == {"delay": "5", "fifo": "true"}
    s.call("set_queue_attributes", {**made, "attributes": {"delay": "6"}})
    assert s.call("get_queue_attributes", made).content["attributes"] == {"delay": "6", "fifo": "true"}
    assert s.call("get_queue_attributes", other).content["attributes"] == {"delay": "9"}
    s.call("delete_queue", made)
    assert s.call("get_queue_attributes", made).is_error


def test_a_setter_sets_one_entry_of_a_map() -> None:
    s = session(
        tool("create_topic", {"name": TEXT, "attributes": MAP}, {"topic_arn": TEXT}),
        tool("get_topic_attributes", {"topic_arn": TEXT}, {"attributes": MAP}),
        tool(
            "set_topic_attributes",
            {"topic_arn": TEXT, "attribute_name": TEXT},
            {},
            optional={"attribute_value": TEXT},
        ),
        tool("delete_topic", {"topic_arn": TEXT}, {}),
    )
    made = s.call("create_topic", {"name": "news", "attributes": {"owner": "Ann"}}).content
    s.call("set_topic_attributes", {**made, "attribute_name": "style", "attribute_value": "terse"})
    assert s.call("get_topic_attributes", made).content["attributes"] == {"owner": "Ann", "style": "terse"}


def test_things_that_are_made_by_themselves_are_no_field() -> None:
    item: dict[str, Json] = {"item_id": TEXT, "title": TEXT}
    s = session(
        tool("create_order", {"name": TEXT, "items": several(**item)}, {"order_id": TEXT}),
        tool("delete_order", {"order_id": TEXT}, {}),
        tool("create_order_item", {"order_id": TEXT, "title": TEXT}, item),
        tool("list_order_items", {"order_id": TEXT}, {"items": several(**item)}),
        tool("delete_order_item", {"order_id": TEXT, "item_id": TEXT}, {}),
    )
    order = s.call("create_order", {"name": "Ann", "items": []}).content
    made = s.call("create_order_item", {**order, "title": "pen"}).content
    assert s.call("list_order_items", order).content["items"] == [made]


def test_what_is_shown_in_another_form_than_it_is_sent_is_no_field() -> None:
    member = several(member_id=TEXT, email=TEXT)
    s = session(
        tool("create_project", {"name": TEXT, "members": TEXTS}, {"project_id": TEXT}),
        tool("get_project", {"project_id": TEXT}, {"project_id": TEXT, "name": TEXT, "members": TEXTS}),
        tool("list_project_members", {"project_id": TEXT}, {"members": member, "total": NUMBER}),
    )
    project = s.call("create_project", {"name": "site", "members": ["ann", "bob"]}).content
    shown = s.call("list_project_members", project).content["members"]
    assert all(isinstance(one, dict) for one in shown)
    assert s.call("get_project", project).content["members"] == ["ann", "bob"]


def test_an_entry_beside_no_map_is_a_field_of_its_own() -> None:
    device: dict[str, Json] = {"device_id": TEXT, "sensor_name": TEXT, "sensor_value": TEXT}
    s = session(
        tool("create_device", {"sensor_name": TEXT}, device),
        tool("get_device", {"device_id": TEXT}, device),
        tool("update_device", device, device),
    )
    made = s.call("create_device", {"sensor_name": "t1"}).content
    told = {"device_id": made["device_id"], "sensor_name": "t2", "sensor_value": "21"}
    assert s.call("update_device", told).content == told
    assert s.call("get_device", {"device_id": made["device_id"]}).content == told
