"""What one answer said holds for the next, however the tools of a thing differ. Each is a published API's."""

from gtm.types import Json, Result
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
MOMENT: Json = {"type": "string", "format": "date-time"}


def gone(result: Result) -> bool:
    return result.error is not None and result.error.kind == "not_found"


def test_what_is_under_a_deleted_thing_is_not_found_though_no_resource_is_known_of_it() -> None:
    s = session(
        tool("gists_get", {"gist_id": TEXT}, {"id": TEXT}, "GET /gists/{gist_id}"),
        tool("gists_delete", {"gist_id": TEXT}, {}, "DELETE /gists/{gist_id}"),
        tool("gists_restore", {"gist_id": TEXT}, {"ok": TEXT}, "GET /gists/{gist_id}/restore"),
        tool("gists_is_starred", {"gist_id": TEXT}, {"since": TEXT}, "GET /gists/{gist_id}/star"),
        world="auto",
    )
    assert not s.call("gists_is_starred", {"gist_id": "a"}).is_error
    s.call("gists_delete", {"gist_id": "a"})
    assert gone(s.call("gists_is_starred", {"gist_id": "a"}))
    assert not s.call("gists_restore", {"gist_id": "a"}).is_error
    assert not s.call("gists_is_starred", {"gist_id": "b"}).is_error


def test_a_replaced_thing_was_made_when_it_was_made() -> None:
    group: dict[str, Json] = {"id": NUMBER, "note": TEXT, "created_at": MOMENT}
    s = session(
        tool("create_group", {"note": TEXT}, group, "POST /groups"),
        tool("get_group", {"id": NUMBER}, group, "GET /groups/{id}"),
        tool("replace_group", {"id": NUMBER}, group, "PUT /groups/{id}", {"note": TEXT, "created_at": MOMENT}),
    )
    made = s.call("create_group", {"note": "n"}).content
    replaced = s.call("replace_group", {"id": made["id"]}).content
    assert replaced["created_at"] == made["created_at"]
    assert replaced["note"] != "n"


def test_a_list_called_so_is_one_beside_a_put_and_another_array() -> None:
    people = several(id=NUMBER, name=TEXT)
    s = session(
        tool("get_group", {"id": NUMBER}, {"id": NUMBER}, "GET /groups/{id}"),
        tool("add_group_members", {"id": NUMBER, "names": TEXTS}, {"ok": TEXT}, "PUT /groups/{id}/members.json"),
        tool(
            "list_group_members",
            {"id": NUMBER},
            {"members": people, "owners": people, "meta": thing(total=NUMBER)},
            "GET /groups/{id}/members.json",
        ),
        world="auto",
    )
    shown = s.call("list_group_members", {"id": 1}).content
    assert shown["members"] and shown["meta"]["total"] == len(shown["members"])


def test_of_two_arrays_the_one_called_as_the_things_has_them() -> None:
    answer: dict[str, Json] = {
        "count": NUMBER,
        "queueMessages": several(queueName=TEXT, data=TEXT, messageId=TEXT),
        "queues": several(name=TEXT),
    }
    s = session(
        tool("create_queue", {"name": TEXT}, answer, "POST /queues"),
        tool("delete_queue", {"queueName": TEXT}, answer, "DELETE /queues/{queueName}"),
        tool("get_list_of_queues", {}, answer, "GET /queues"),
        world="auto",
    )
    first = s.call("get_list_of_queues", {}).content
    assert first["count"] == len(first["queues"]) > 0
    name = first["queues"][0]["name"]
    s.call("delete_queue", {"queueName": name})
    assert name not in [queue["name"] for queue in s.call("get_list_of_queues", {}).content["queues"]]


def test_a_page_is_a_list_whatever_else_is_an_array() -> None:
    page: dict[str, Json] = {"entries": several(id=TEXT), "order": several(by=TEXT), "total_count": NUMBER}
    page |= {"limit": NUMBER, "offset": NUMBER}
    s = session(
        tool("get_folder", {"folder_id": TEXT}, {"id": TEXT}, "GET /folders/{folder_id}"),
        tool("get_collaborations", {"folder_id": TEXT}, page, "GET /folders/{folder_id}/collaborations"),
        world="auto",
    )
    shown = s.call("get_collaborations", {"folder_id": "f"}).content
    assert shown["total_count"] == len(shown["entries"]) > 0


def test_a_slug_is_no_key_where_an_id_is() -> None:
    s = session(
        tool(
            "create_page", {"title": TEXT, "slug": TEXT}, {"id": NUMBER, "slug": TEXT, "title": TEXT}, "POST /pages"
        ),
        tool("get_page", {"id": NUMBER}, {"slug": TEXT, "title": TEXT}, "GET /pages/{id}"),
        tool("update_page", {"id": NUMBER, "slug": TEXT}, {"slug": TEXT, "title": TEXT}, "PUT /pages/{id}"),
    )
    key = s.call("create_page", {"title": "t", "slug": "old"}).content["id"]
    assert s.call("update_page", {"id": key, "slug": "new"}).content["slug"] == "new"
    assert s.call("get_page", {"id": key}).content["slug"] == "new"


def test_what_shows_no_key_but_its_own_says_the_same_twice() -> None:
    s = session(
        tool("get_api", {"owner": TEXT, "api": TEXT}, {"name": TEXT, "note": TEXT}, "GET /apis/{owner}/{api}"),
        tool("delete_api", {"owner": TEXT, "api": TEXT}, {}, "DELETE /apis/{owner}/{api}"),
        tool(
            "get_definition",
            {"owner": TEXT, "api": TEXT, "version": TEXT},
            {"info": thing(title=TEXT, version=TEXT), "openapi": TEXT},
            "GET /apis/{owner}/{api}/{version}",
        ),
        world="auto",
    )
    asked: Json = {"owner": "o", "api": "a", "version": "1"}
    first = s.call("get_definition", asked).content
    assert first == s.call("get_definition", asked).content
    assert first["info"]["version"] == "1"
    s.call("delete_api", {"owner": "o", "api": "a"})
    assert gone(s.call("get_definition", asked))


def test_parts_that_another_tool_shows_do_not_join_what_was_sent() -> None:
    patch: Json = {"type": "object", "properties": {"state": TEXT, "schedule": TEXT}}
    shown: Json = {**patch, "required": ["state"]}
    row: Json = {**patch, "properties": {"state": TEXT, "next": TEXT}, "required": ["state", "next"]}
    s = session(
        tool("put_update", {"name": TEXT, "properties": patch}, {"name": TEXT, "properties": shown}, "PUT /u/{name}"),
        tool("get_update", {"name": TEXT}, {"name": TEXT, "properties": shown}, "GET /u/{name}"),
        tool("list_updates", {}, {"value": several(name=TEXT, properties=row)}, "GET /u"),
    )
    s.call("put_update", {"name": "a", "properties": {"schedule": "daily"}})
    first = s.call("get_update", {"name": "a"})
    assert first.content["properties"]["schedule"] == "daily"
    assert "next" in s.call("list_updates", {}).content["value"][0]["properties"]
    assert s.call("get_update", {"name": "a"}).text == first.text


def test_what_stands_beside_a_thing_in_an_envelope_stays() -> None:
    s = session(
        tool(
            "get_budget",
            {"budget_id": TEXT},
            {"data": thing(budget=thing(id=TEXT, name=TEXT), server_knowledge=NUMBER)},
            "GET /budgets/{budget_id}",
            {"last_knowledge": NUMBER},
        ),
        tool("list_budgets", {}, {"data": thing(budgets=several(id=TEXT, name=TEXT), note=TEXT)}, "GET /budgets"),
        world="auto",
    )
    first = s.call("get_budget", {"budget_id": "b"}).content
    assert s.call("get_budget", {"budget_id": "b", "last_knowledge": 5}).content == first
    listed = s.call("list_budgets", {})
    assert s.call("list_budgets", {}).content["data"]["note"] == listed.content["data"]["note"]


def test_a_list_shows_the_key_that_a_create_told_by_another_name() -> None:
    s = session(
        tool("upload", {"file": TEXT}, {"docId": NUMBER, "task": TEXT}, "POST /documents"),
        tool("get_document", {"docId": NUMBER}, {"id": NUMBER, "name": TEXT}, "GET /documents/{docId}"),
        tool("list_documents", {}, {"items": several(id=NUMBER, name=TEXT)}, "GET /documents"),
    )
    key = s.call("upload", {"file": "f"}).content["docId"]
    assert [document["id"] for document in s.call("list_documents", {}).content["items"]] == [key]


def test_what_was_deleted_by_its_name_is_not_found_by_it() -> None:
    repo: dict[str, Json] = {"id": NUMBER, "name": TEXT}
    s = session(
        tool("repos_get", {"owner": TEXT, "repo": TEXT}, repo, "GET /repos/{owner}/{repo}"),
        tool("repos_delete", {"owner": TEXT, "repo": TEXT}, {}, "DELETE /repos/{owner}/{repo}"),
        world="auto",
    )
    asked: Json = {"owner": "o", "repo": "r"}
    assert s.call("repos_get", asked).content["name"] == "r"
    s.call("repos_delete", asked)
    assert gone(s.call("repos_get", asked))


def test_what_there_is_one_of_can_be_deleted() -> None:
    s = session(
        tool("get_lock", {}, {"id": NUMBER, "reason": TEXT}, "GET /lock"),
        tool("delete_lock", {}, {}, "DELETE /lock"),
        tool("get_locks_id", {"id": NUMBER}, {"id": NUMBER}, "GET /locks/{id}"),
        world="auto",
    )
    assert not s.call("get_lock", {}).is_error
    s.call("delete_lock", {})
    after = s.call("get_lock", {})
    assert gone(after)
    assert "lock was not found" in after.text


def test_a_write_that_is_declared_to_answer_nothing_does_so() -> None:
    s = session(
        tool("create_monitor", {"name": TEXT}, {"id": TEXT}),
        tool("update_monitor", {"name": TEXT}, {}, optional={"domain": TEXT}),
        tool("get_monitor", {"name": TEXT}, {"id": TEXT, "name": TEXT, "domain": TEXT}),
    )
    key = s.call("create_monitor", {"name": "m"}).content["id"]
    assert s.call("update_monitor", {"name": "m", "domain": "a.example"}).content == {}
    assert s.call("get_monitor", {"name": "m"}).content == {"id": key, "name": "m", "domain": "a.example"}
