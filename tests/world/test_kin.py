"""One thing that tools call by several names, and things asked for several at a time."""

from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, several, tool


def test_what_is_made_under_a_longer_name_is_read_under_the_shorter() -> None:
    s = session(
        tool("create_profile_job", {"name": TEXT, "dataset": TEXT}, {"name": TEXT}),
        tool("create_recipe_job", {"name": TEXT, "recipe": TEXT}, {"name": TEXT}),
        tool("describe_job", {"name": TEXT}, {"name": TEXT, "dataset": TEXT}),
        tool("list_jobs", {}, {"jobs": several(name=TEXT)}),
        tool("delete_job", {"name": TEXT}, {}),
    )
    s.call("create_profile_job", {"name": "a", "dataset": "d"})
    s.call("create_recipe_job", {"name": "b", "recipe": "r"})
    assert s.call("describe_job", {"name": "a"}).content == {"name": "a", "dataset": "d"}
    assert s.call("list_jobs", {}).content == {"jobs": [{"name": "a"}, {"name": "b"}]}
    s.call("delete_job", {"name": "a"})
    assert s.call("list_jobs", {}).content == {"jobs": [{"name": "b"}]}


def test_what_has_a_reader_of_its_own_keeps_its_name() -> None:
    s = session(
        tool("create_draft_order", {"order_id": TEXT}, {"order_id": TEXT}),
        tool("get_draft_order", {"order_id": TEXT}, {"order_id": TEXT}),
        tool("create_order", {"order_id": TEXT}, {"order_id": TEXT}),
        tool("list_orders", {}, {"orders": several(order_id=TEXT)}),
    )
    s.call("create_draft_order", {"order_id": "1"})
    assert s.call("list_orders", {}).content == {"orders": []}


def test_a_list_is_of_what_it_answers() -> None:
    s = session(
        tool("put_metric_alarm", {"alarm_name": TEXT, "period": TEXT}, {}),
        tool("find_alerts", {}, {"metric_alarms": several(alarm_name=TEXT, period=TEXT)}),
    )
    s.call("put_metric_alarm", {"alarm_name": "a", "period": "60"})
    assert s.call("find_alerts", {}).content["metric_alarms"] == [{"alarm_name": "a", "period": "60"}]


def test_an_operation_as_a_path_is_known_by_its_name() -> None:
    s = session(
        tool("createPipeline", {"pipelineName": TEXT}, {"pipelineName": TEXT}, "POST /etl/createPipeline"),
        tool("getPipeline", {"pipelineName": TEXT}, {"pipelineName": TEXT}, "GET /etl/getPipeline/{pipelineName}"),
        tool("listPipelines", {}, {"pipelines": several(pipelineName=TEXT)}, "GET /etl/listPipelines"),
    )
    assert s.call("listPipelines", {}).content == {"pipelines": []}
    s.call("createPipeline", {"pipelineName": "a"})
    assert s.call("listPipelines", {}).content == {"pipelines": [{"pipelineName": "a"}]}
    assert s.call("getPipeline", {"pipelineName": "a"}).content == {"pipelineName": "a"}


def test_a_put_that_creates_by_its_name_makes_one_more() -> None:
    s = session(
        tool("createInstance", {"alias": TEXT}, {"id": TEXT}, "PUT /instance"),
        tool("listInstances", {}, {"instances": several(id=TEXT, alias=TEXT)}, "GET /instance"),
    )
    made = [s.call("createInstance", {"alias": name}).content["id"] for name in ("a", "b")]
    assert [one["id"] for one in s.call("listInstances", {}).content["instances"]] == made


def test_several_things_are_asked_for_by_their_names() -> None:
    s = session(
        tool("create_service", {"service_name": TEXT, "image": TEXT}, {"service_name": TEXT}),
        tool("describe_services", {"services": TEXTS}, {"services": several(service_name=TEXT, image=TEXT)}),
        tool("delete_service", {"service": TEXT}, {}),
        tool("create_page", {"title": TEXT}, {"id": TEXT}),
        tool("batch_get_pages", {"ids": TEXTS}, {"pages": several(id=TEXT, title=TEXT), "failures": TEXTS}),
    )
    for name in "abc":
        s.call("create_service", {"service_name": name, "image": f"i-{name}"})
    shown = s.call("describe_services", {"services": ["c", "a"]}).content["services"]
    assert sorted((one["service_name"], one["image"]) for one in shown) == [("a", "i-a"), ("c", "i-c")]
    first, second = (s.call("create_page", {"title": title}).content["id"] for title in "xy")
    assert s.call("batch_get_pages", {"ids": [second]}).content["pages"] == [{"id": second, "title": "y"}]
    assert len(s.call("batch_get_pages", {"ids": [first, second]}).content["pages"]) == 2


def test_things_asked_for_that_nobody_made_are_imagined_in_auto() -> None:
    s = session(
        tool("create_service", {"service_name": TEXT}, {"service_name": TEXT}),
        tool("describe_services", {"services": TEXTS}, {"services": several(service_name=TEXT)}),
        world="open",
    )
    shown = s.call("describe_services", {"services": ["p", "q"]}).content["services"]
    assert {one["service_name"] for one in shown} == {"p", "q"}
    assert s.call("describe_services", {"services": ["p", "q"]}).content["services"] == shown


def test_a_post_that_only_asks_makes_nothing() -> None:
    items = several(id=TEXT, title=TEXT)
    s = session(
        tool("createPage", {"title": TEXT}, {"id": TEXT, "title": TEXT}, "PUT /pages"),
        tool("listPages", {}, {"pages": items, "a": TEXT, "b": TEXT, "c": TEXT}, "POST /pages/", {"title": TEXT}),
        tool("searchPages", {}, {"pages": items}, "POST /pages/search", {"query": TEXT}),
        tool("getPage", {"id": TEXT}, {"id": TEXT, "title": TEXT}, "POST /pages/{id}"),
        tool("getOrCreateNote", {"text": TEXT}, {"id": TEXT, "text": TEXT}, "POST /notes"),
        tool("listNotes", {}, {"notes": several(id=TEXT, text=TEXT)}, "GET /notes"),
    )
    made = s.call("createPage", {"title": "x"}).content
    for _ in range(2):
        assert s.call("listPages", {}).content["pages"] == [made]
    assert s.call("listPages", {"title": "y"}).content["pages"] == []
    assert s.call("searchPages", {"query": "x"}).content["pages"] == [made]
    assert s.call("getPage", {"id": made["id"]}).content == made
    note = s.call("getOrCreateNote", {"text": "n"}).content
    assert s.call("listNotes", {}).content["notes"] == [note]


def test_a_field_of_its_own_name_is_no_other_field() -> None:
    person: dict[str, Json] = {
        "user_id": TEXT,
        "user_name": TEXT,
        "name": {"type": "object", "properties": {"given": TEXT}},
    }
    s = session(
        tool("create_user", {"user_name": TEXT, "name": person["name"]}, {"user_id": TEXT}),
        tool("get_user", {"user_id": TEXT}, person),
    )
    key = s.call("create_user", {"user_name": "ada1", "name": {"given": "Ada"}}).content["user_id"]
    assert s.call("get_user", {"user_id": key}).content == {
        "user_id": key,
        "user_name": "ada1",
        "name": {"given": "Ada"},
    }


def test_a_key_has_the_form_of_the_argument_that_is_called_as_it() -> None:
    address: Json = {"type": "string", "minLength": 20, "pattern": "^arn:"}
    key: Json = {"type": "string", "pattern": "^[0-9a-f]{8}$"}
    s = session(
        tool("attach_acl", {"acl_arn": address}, {}),
        tool("create_acl", {"title": TEXT}, {"summary": {"type": "object", "properties": {"id": TEXT, "arn": TEXT}}}),
        tool(
            "get_acl",
            {"id": key},
            {"acl": {"type": "object", "properties": {"id": TEXT, "arn": TEXT, "title": TEXT}}},
        ),
    )
    made = s.call("create_acl", {"title": "x"}).content["summary"]
    assert s.call("get_acl", {"id": made["id"]}).content["acl"]["title"] == "x"


def test_a_marker_is_empty_where_no_page_follows() -> None:
    s = session(
        tool("create_note", {"text": TEXT}, {"id": TEXT}),
        tool(
            "list_notes",
            {},
            {"notes": several(id=TEXT, text=TEXT), "Marker": TEXT},
            optional={"limit": {"type": "integer"}, "Marker": TEXT},
        ),
    )
    for text in "abc":
        s.call("create_note", {"text": text})
    first = s.call("list_notes", {"limit": 2}).content
    rest = s.call("list_notes", {"limit": 2, "Marker": first["Marker"]}).content
    assert [one["text"] for one in (*first["notes"], *rest["notes"])] == ["a", "b", "c"]
    assert rest["Marker"] == ""


def test_a_success_does_not_call_itself_a_failure() -> None:
    flag: Json = {"type": "boolean"}
    s = session(
        tool("create_note", {"text": TEXT}, {"status": flag, "id": TEXT, "error": TEXT}),
        tool("get_lamp", {"id": TEXT}, {"id": TEXT, "status": flag}),
    )
    made = s.call("create_note", {"text": "a"}).content
    assert (made["status"], made["error"]) == (True, "")
    assert {s.call("get_lamp", {"id": str(at)}).content["status"] for at in range(9)} == {True, False}


def test_what_only_belongs_to_something_is_not_the_thing() -> None:
    s = session(
        tool("create_product", {"product_id": TEXT}, {"product_id": TEXT}),
        tool("list_products", {}, {"products": several(product_id=TEXT)}),
        tool("get_product", {"product_id": TEXT}, {"product_id": TEXT}),
        tool("add_cart_product", {"product_id": TEXT, "quantity": TEXT}, {}),
        tool("remove_cart_product", {"product_id": TEXT}, {}),
        tool("list_roles", {}, {"roles": several(role_name=TEXT)}),
        tool("describe_role", {"role_name": TEXT}, {"role_name": TEXT}),
        tool("create_user_role", {"user_id": TEXT, "role_name": TEXT}, {}),
    )
    s.call("create_product", {"product_id": "p"})
    assert not s.call("add_cart_product", {"product_id": "p", "quantity": "1"}).is_error
    assert not s.call("remove_cart_product", {"product_id": "p"}).is_error
    assert s.call("list_products", {}).content == {"products": [{"product_id": "p"}]}
    s.call("create_user_role", {"user_id": "u", "role_name": "admin"})
    assert s.call("list_roles", {}).content == {"roles": []}


def test_of_several_lists_of_one_thing_none_shows_all() -> None:
    tasks: dict[str, Json] = {"tasks": several(task_id=TEXT)}
    s = session(
        tool("create_task", {"task_id": TEXT}, {"task_id": TEXT}),
        tool("list_pending", {}, tasks),
        tool("list_completed", {}, tasks),
    )
    s.call("create_task", {"task_id": "a"})
    assert s.call("list_completed", {}).content == {"tasks": []}


def test_questions_by_post_at_one_address_are_different_ones() -> None:
    user: dict[str, Json] = {"login": TEXT, "bio": TEXT}
    s = session(
        tool("getUser", {"login": TEXT}, user, "POST /graphql"),
        tool("getTeam", {"team": TEXT}, {"team": TEXT, "bio": TEXT}, "POST /graphql"),
        tool("createTask", {"title": TEXT}, {"id": TEXT, "title": TEXT}, "POST /tasks/create"),
        tool("getTask", {"id": TEXT}, {"id": TEXT, "title": TEXT}, "POST /tasks/get"),
        tool("listTasks", {}, {"tasks": several(id=TEXT, title=TEXT)}, "POST /tasks/list"),
        world="auto",
    )
    assert s.call("getUser", {"login": "a"}).content["login"] == "a"
    assert s.call("getUser", {"login": "b"}).content["login"] == "b"
    assert s.call("getTeam", {"team": "c"}).content["team"] == "c"
    made = s.call("createTask", {"title": "x"}).content
    assert made in s.call("listTasks", {}).content["tasks"]


def test_counts_of_other_things_are_left_alone() -> None:
    counts: Json = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}
    held: Json = {"type": "object", "properties": {"amounts": counts}, "required": ["amounts"]}
    paged: Json = {"type": "object", "properties": {"pagination": counts}, "required": ["pagination"]}
    s = session(
        tool("create_order", {"text": TEXT}, {"id": TEXT}),
        tool("list_orders", {}, {"orders": several(id=TEXT), "summary": held, "meta": paged, "marker": TEXT}),
    )
    s.call("create_order", {"text": "a"})
    shown = s.call("list_orders", {}).content
    assert shown["meta"] == {"pagination": {"total": 1}}
    assert shown["summary"] != {"amounts": {"total": 1}}
    assert shown["marker"] != ""
