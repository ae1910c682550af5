"""What a new thing has from the one it is made of."""

from gtm.types import Json, Tool
from tests.world.made import TEXT, session, tool

NUMBER: Json = {"type": "integer"}
TIME: Json = {"type": "string", "format": "date-time"}


TEMPLATE: dict[str, Json] = {
    "template_id": TEXT,
    "actions": {"type": "object", "additionalProperties": TEXT},
    "role": TEXT,
}
RUN: dict[str, Json] = {
    "experiment_id": TEXT,
    "status": TEXT,
    "role": TEXT,
    "actions": {"type": "object", "additionalProperties": TEXT},
}


def test_what_is_started_from_a_template_has_its_fields() -> None:
    s = session(
        tool("create_experiment_template", {"actions": TEMPLATE["actions"], "role": TEXT}, TEMPLATE),
        tool("get_experiment_template", {"template_id": TEXT}, TEMPLATE),
        tool("start_experiment", {"experiment_template_id": TEXT}, RUN, optional={"role": TEXT}),
        tool("get_experiment", {"experiment_id": TEXT}, RUN),
    )
    made = s.call("create_experiment_template", {"actions": {"a": "stop"}, "role": "r1"}).content
    first = s.call("start_experiment", {"experiment_template_id": made["template_id"]}).content
    assert (first["actions"], first["role"]) == ({"a": "stop"}, "r1")
    assert s.call("get_experiment", {"experiment_id": first["experiment_id"]}).content == first
    second = s.call("start_experiment", {"experiment_template_id": made["template_id"], "role": "r2"}).content
    assert (second["actions"], second["role"]) == ({"a": "stop"}, "r2")


DATABASE: dict[str, Json] = {"database_id": TEXT, "engine": TEXT, "size": NUMBER, "status": TEXT, "created_at": TIME}
SNAPSHOT: dict[str, Json] = DATABASE | {"snapshot_id": TEXT}
DATABASES = (
    tool("create_database", {"database_id": TEXT, "engine": TEXT, "size": NUMBER}, DATABASE),
    tool("get_database", {"database_id": TEXT}, DATABASE),
    tool("create_snapshot", {"snapshot_id": TEXT, "database_id": TEXT}, SNAPSHOT),
    tool("get_snapshot", {"snapshot_id": TEXT}, SNAPSHOT),
    tool("restore_database_from_snapshot", {"database_id": TEXT, "snapshot_id": TEXT}, DATABASE),
    tool(
        "copy_snapshot",
        {"source_snapshot_id": TEXT, "target_snapshot_id": TEXT},
        {"snapshot": {"type": "object", "properties": SNAPSHOT, "required": [*SNAPSHOT]}},
    ),
)


def test_a_snapshot_a_copy_of_it_and_what_is_restored_from_that() -> None:
    s = session(*DATABASES)
    s.call("create_database", {"database_id": "a", "engine": "pg", "size": 7})
    taken = s.call("create_snapshot", {"snapshot_id": "s", "database_id": "a"}).content
    assert (taken["engine"], taken["size"], taken["database_id"]) == ("pg", 7, "a")
    copied = s.call("copy_snapshot", {"source_snapshot_id": "s", "target_snapshot_id": "t"}).content["snapshot"]
    assert (copied["snapshot_id"], copied["engine"], copied["size"]) == ("t", "pg", 7)
    assert copied["created_at"] > taken["created_at"]
    restored = s.call("restore_database_from_snapshot", {"database_id": "b", "snapshot_id": "t"}).content
    assert (restored["database_id"], restored["engine"], restored["size"]) == ("b", "pg", 7)
    for name, key, shown in (("snapshot", "t", copied), ("database", "b", restored)):
        assert s.call(f"get_{name}", {f"{name}_id": key}).content == shown


def test_what_only_refers_to_another_thing_copies_nothing() -> None:
    s = session(
        *DATABASES,
        tool("create_user", {"user_id": TEXT, "database_id": TEXT}, {"user_id": TEXT, "engine": TEXT}),
        tool("get_user", {"user_id": TEXT}, {"user_id": TEXT, "engine": TEXT}),
    )
    s.call("create_database", {"database_id": "a", "engine": "pg", "size": 7})
    assert s.call("create_user", {"user_id": "u", "database_id": "a"}).content["engine"] != "pg"


TASK: dict[str, Json] = {"task_id": TEXT, "title": TEXT, "owner": TEXT, "project_id": TEXT}
TASKS = (
    tool("create_project", {"title": TEXT, "owner": TEXT}, {"project_id": TEXT, "title": TEXT, "owner": TEXT}),
    tool("get_project", {"project_id": TEXT}, {"project_id": TEXT, "title": TEXT, "owner": TEXT}),
    tool("create_task", {"title": TEXT, "owner": TEXT}, TASK),
    tool("get_task", {"task_id": TEXT}, TASK),
    tool(
        "clone_task",
        {"task_id": TEXT, "project_id": TEXT},
        {"task": {"type": "object", "properties": TASK, "required": [*TASK]}},
    ),
)


def test_a_clone_is_of_what_is_called_as_it_and_goes_where_it_is_told() -> None:
    s = session(*TASKS)
    where = s.call("create_project", {"title": "P", "owner": "boss"}).content["project_id"]
    first = s.call("create_task", {"title": "T", "owner": "ada"}).content
    made = s.call("clone_task", {"task_id": first["task_id"], "project_id": where}).content["task"]
    assert (made["title"], made["owner"], made["project_id"]) == ("T", "ada", where)
    assert made["task_id"] != first["task_id"]
    assert s.call("get_task", {"task_id": first["task_id"]}).content == first
    refused = s.call("clone_task", {"task_id": "nope", "project_id": where}).error
    assert refused is not None
    assert refused.kind == "not_found"


def test_a_target_is_no_key_of_what_only_points_at_it() -> None:
    s = session(
        tool("create_link", {"source_id": TEXT, "target_id": TEXT}, {"id": TEXT}),
        tool("get_link", {"id": TEXT}, {"id": TEXT, "target_id": TEXT}),
    )
    first, second = (s.call("create_link", {"source_id": one, "target_id": "b"}).content["id"] for one in "xy")
    assert len({first, second, "b"}) == 3


def test_tools_that_do_not_say_what_they_answer_copy_too() -> None:
    plain = [
        Tool(name=name, parameters={"type": "object", "properties": dict.fromkeys(names, TEXT), "required": names})
        for name, names in {
            "create_server": ["name", "size"],
            "get_server": ["name"],
            "clone_server": ["server_name", "new_name"],
        }.items()
    ]
    s = session(*plain)
    s.call("create_server", {"name": "web", "size": "large"})
    s.call("clone_server", {"server_name": "web", "new_name": "web2"})
    shown = s.call("get_server", {"name": "web2"}).content
    assert (shown["name"], shown["size"]) == ("web2", "large")
