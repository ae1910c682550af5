"""What each write of a thing leaves behind, as far as tools list it and nothing else makes it."""

from gtm.types import Json
from tests.world.made import TEXT, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
PARAMETER: dict[str, Json] = {"name": TEXT, "value": TEXT, "description": TEXT}
DOC: dict[str, Json] = {"id": TEXT, "title": TEXT, "text": TEXT}


def test_a_history_shows_what_each_write_set() -> None:
    s = session(
        tool("put_parameter", PARAMETER, {}),
        tool("get_parameter", {"name": TEXT}, {"parameter": thing(**PARAMETER)}),
        tool("get_parameter_history", {"name": TEXT}, {"parameters": several(**PARAMETER, version=NUMBER)}),
        tool("delete_parameter", {"name": TEXT}, {}),
    )
    sent = [{"name": "size", "value": value, "description": f"size {value}"} for value in ("1", "2", "3")]
    for one in sent:
        s.call("put_parameter", one)
    s.call("put_parameter", {"name": "other", "value": "9", "description": "none"})
    shown = s.call("get_parameter_history", {"name": "size"}).content["parameters"]
    assert shown == [{**one, "version": at} for at, one in enumerate(sent, 1)]
    assert s.call("get_parameter_history", {"name": "size"}).content["parameters"] == shown
    s.call("delete_parameter", {"name": "size"})
    again = s.call("get_parameter_history", {"name": "size"})
    assert again.is_error or again.content["parameters"] == []


def test_versions_below_a_path_are_those_of_one_thing_or_of_all_that_something_holds() -> None:
    version: dict[str, Json] = {"title": TEXT, "text": TEXT, "is_latest": FLAG}
    s = session(
        tool("create_doc", {"title": TEXT, "text": TEXT}, DOC, "POST /docs"),
        tool("get_doc", {"id": TEXT}, DOC, "GET /docs/{id}"),
        tool("update_doc", {"id": TEXT, "text": TEXT}, DOC, "PATCH /docs/{id}"),
        tool("list_doc_versions", {"id": TEXT}, {"versions": several(**version)}, "GET /docs/{id}/versions"),
    )
    doc = s.call("create_doc", {"title": "plan", "text": "one"}).content
    s.call("update_doc", {"id": doc["id"], "text": "two"})
    s.call("get_doc", {"id": doc["id"]})
    shown = s.call("list_doc_versions", {"id": doc["id"]}).content["versions"]
    assert [(one["title"], one["text"], one["is_latest"]) for one in shown] == [
        ("plan", "one", False),
        ("plan", "two", True),
    ]


def test_versions_of_all_that_a_holder_has_tell_whose_they_are() -> None:
    file: dict[str, Json] = {"key": TEXT, "size": NUMBER, "owner": TEXT}
    where: dict[str, Json] = {"bucket": TEXT, "key": TEXT}
    s = session(
        tool("create_bucket", {"bucket": TEXT}, {}, "PUT /{bucket}"),
        tool("put_object", {**where, "size": NUMBER, "owner": TEXT}, {}, "PUT /{bucket}/{key}"),
        tool("get_object", where, file, "GET /{bucket}/{key}"),
        tool("list_object_versions", {"bucket": TEXT}, {"versions": several(**file)}, "GET /{bucket}?versions"),
    )
    s.call("create_bucket", {"bucket": "logs"})
    for key, size in (("a", 1), ("b", 2), ("a", 3)):
        s.call("put_object", {"bucket": "logs", "key": key, "size": size, "owner": "Ann"})
    shown = s.call("list_object_versions", {"bucket": "logs"}).content["versions"]
    assert [(one["key"], one["size"]) for one in shown] == [("a", 1), ("b", 2), ("a", 3)]


def test_versions_that_a_tool_makes_are_only_those() -> None:
    version: dict[str, Json] = {"version_id": TEXT, "title": TEXT, "text": TEXT}
    s = session(
        tool("create_doc", {"title": TEXT, "text": TEXT}, DOC, "POST /docs"),
        tool("get_doc", {"id": TEXT}, DOC, "GET /docs/{id}"),
        tool("create_doc_version", {"id": TEXT, "title": TEXT, "text": TEXT}, version, "POST /docs/{id}/versions"),
        tool("list_doc_versions", {"id": TEXT}, {"versions": several(**version)}, "GET /docs/{id}/versions"),
    )
    doc = s.call("create_doc", {"title": "plan", "text": "one"}).content
    assert s.call("list_doc_versions", {"id": doc["id"]}).content["versions"] == []
    made = s.call("create_doc_version", {"id": doc["id"], "title": "plan", "text": "two"}).content
    assert s.call("list_doc_versions", {"id": doc["id"]}).content["versions"] == [made]


def test_a_log_of_events_is_no_past_of_the_thing() -> None:
    event: dict[str, Json] = {"event_type": TEXT, "message": TEXT}
    s = session(
        tool("create_job", {"name": TEXT, "command": TEXT}, {"job_id": TEXT}),
        tool("get_job", {"job_id": TEXT}, {"job_id": TEXT, "name": TEXT, "command": TEXT}),
        tool("get_job_history", {"job_id": TEXT}, {"events": several(**event)}),
        world="auto",
    )
    job = s.call("create_job", {"name": "nightly", "command": "backup"}).content
    for one in s.call("get_job_history", job).content["events"]:
        assert "nightly" not in one.values() and "backup" not in one.values()


def test_labels_and_actions_make_no_version() -> None:
    shown = {**DOC, "status": {"enum": ["draft", "published"]}}
    s = session(
        tool("create_doc", {"title": TEXT, "text": TEXT}, shown, "POST /docs"),
        tool("get_doc", {"id": TEXT}, shown, "GET /docs/{id}"),
        tool("publish_doc", {"id": TEXT}, shown, "POST /docs/{id}/publish"),
        tool(
            "list_doc_versions", {"id": TEXT}, {"versions": several(title=TEXT, text=TEXT)}, "GET /docs/{id}/versions"
        ),
    )
    doc = s.call("create_doc", {"title": "plan", "text": "one"}).content
    s.call("publish_doc", {"id": doc["id"]})
    assert len(s.call("list_doc_versions", {"id": doc["id"]}).content["versions"]) == 1
