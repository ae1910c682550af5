"""Definitions that do not agree with each other: whatever a tool can show, nothing contradicts what was shown."""

from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

NUMBER: Json = {"type": "integer"}


def test_a_text_here_that_is_a_list_there_stays_both() -> None:
    article: dict[str, Json] = {"id": TEXT, "title": TEXT, "tag_list": TEXT}
    listed = several(id=TEXT, title=TEXT, tag_list=TEXTS)
    s = session(
        tool("create_article", {"title": TEXT}, article, "POST /articles"),
        tool("get_article", {"id": TEXT}, article, "GET /articles/{id}"),
        tool("list_articles", {}, {"articles": listed}, "GET /articles"),
        tool("change_article", {"id": TEXT, "tag_list": TEXT}, article, "PATCH /articles/{id}"),
    )
    made = s.call("create_article", {"title": "one"}).content
    shown = s.call("list_articles", {}).content
    assert s.call("get_article", {"id": made["id"]}).content == made
    assert s.call("list_articles", {}).content == shown
    s.call("change_article", {"id": made["id"], "tag_list": "new"})
    assert s.call("get_article", {"id": made["id"]}).content["tag_list"] == "new"


def test_a_text_for_what_all_show_as_an_object_changes_nothing() -> None:
    preset: dict[str, Json] = {"id": TEXT, "outro": thing(kind=TEXT, url=TEXT)}
    s = session(
        tool("list_presets", {}, {"presets": several(**preset)}, "GET /presets"),
        tool("get_preset", {"id": TEXT}, preset, "GET /presets/{id}"),
        tool("edit_preset", {"id": TEXT}, preset, "PATCH /presets/{id}", {"outro": TEXT}),
        world="auto",
    )
    before = s.call("list_presets", {}).content["presets"][0]
    assert s.call("edit_preset", {"id": before["id"], "outro": "nothing"}).content == before
    assert s.call("get_preset", {"id": before["id"]}).content == before


def test_of_few_keys_one_that_was_not_found_is_in_no_list_until_it_is_made() -> None:
    kind: Json = {"type": "string", "enum": ["google", "apple", "local"]}
    provider: dict[str, Json] = {"name": kind, "url": TEXT}
    s = session(
        tool("get_provider", {"name": kind}, provider, "GET /providers/{name}"),
        tool("put_provider", {"name": kind, "url": TEXT}, provider, "PUT /providers/{name}"),
        tool("list_providers", {}, {"providers": several(**provider)}, "GET /providers"),
        world="auto",
    )
    missing = [name for name in kind["enum"] if s.call("get_provider", {"name": name}).is_error]
    listed = {one["name"] for one in s.call("list_providers", {}).content["providers"]}
    assert missing and not listed & {*missing}
    s.call("put_provider", {"name": missing[0], "url": "u"})
    assert missing[0] in {one["name"] for one in s.call("list_providers", {}).content["providers"]}


def test_a_plural_that_begins_like_a_verb_is_a_list() -> None:
    runs: dict[str, Json] = {"total_count": NUMBER, "check_runs": several(id=TEXT)}
    s = session(
        tool("list_runs", {"suite_id": TEXT}, runs, "GET /suites/{suite_id}/check-runs"),
        tool("get_suite", {"suite_id": TEXT}, {"id": TEXT}, "GET /suites/{suite_id}"),
        world="auto",
    )
    suite = s.call("get_suite", {"suite_id": "s1"}).content["id"]
    shown = s.call("list_runs", {"suite_id": suite}).content
    assert shown["total_count"] == len(shown["check_runs"])


def test_a_write_shows_the_key_that_it_was_called_by_in_an_object_of_its_name() -> None:
    note: dict[str, Json] = {"id": NUMBER, "content": TEXT}
    s = session(
        tool("get_note", {"item_id": NUMBER}, note, "GET /notes/{item_id}"),
        tool("change_note", {"item_id": NUMBER, "content": TEXT}, {"Id": thing(id=NUMBER)}, "PUT /notes/{item_id}"),
        world="auto",
    )
    s.call("get_note", {"item_id": 7})
    assert s.call("change_note", {"item_id": 7, "content": "new"}).content == {"Id": {"id": 7}}
    assert s.call("get_note", {"item_id": 7}).content == {"id": 7, "content": "new"}


def test_nothing_is_found_by_the_id_of_another_thing() -> None:
    deal: dict[str, Json] = {"id": TEXT, "company_id": TEXT, "title": TEXT}
    s = session(
        tool("create_deal", {"company_id": TEXT, "title": TEXT}, deal, "POST /deals"),
        tool("get_deal", {"id": TEXT}, deal, "GET /deals/{id}"),
        tool("delete_deal", {"id": TEXT}, {}, "DELETE /deals/{id}"),
        world="auto",
    )
    made = s.call("create_deal", {"company_id": "12345", "title": "one"}).content
    s.call("delete_deal", {"id": "12345"})
    assert s.call("get_deal", {"id": made["id"]}).content == made


def test_a_collection_whose_answer_says_much_beside_its_data_is_listed() -> None:
    supplier: dict[str, Json] = {"id": TEXT, "name": TEXT}
    around: dict[str, Json] = {"status": TEXT, "service": TEXT, "resource": TEXT, "links": thing(current=TEXT)}
    s = session(
        tool("suppliers_add", {"name": TEXT}, {"data": thing(id=TEXT), **around}, "POST /suppliers"),
        tool("suppliers_all", {}, {"data": several(**supplier), **around}, "GET /suppliers"),
        tool("suppliers_one", {"id": TEXT}, {"data": thing(**supplier), **around}, "GET /suppliers/{id}"),
    )
    made = [s.call("suppliers_add", {"name": name}).content["data"]["id"] for name in ("a", "b")]
    listed = s.call("suppliers_all", {}).content["data"]
    assert [(one["id"], one["name"]) for one in listed] == [(made[0], "a"), (made[1], "b")]


def test_an_open_object_shows_what_it_showed_first() -> None:
    mail: Json = {"type": "array", "items": {"type": "object"}}
    whole = several(id=TEXT, email=TEXT)
    s = session(
        tool("list_people", {}, {"people": several(id=TEXT, mails=mail)}, "GET /people"),
        tool("get_person", {"id": TEXT}, {"id": TEXT, "mails": whole}, "GET /people/{id}"),
        world="auto",
    )
    shown = s.call("list_people", {}).content
    s.call("get_person", {"id": shown["people"][0]["id"]})
    assert s.call("list_people", {}).content == shown


def test_what_is_sent_for_the_field_that_else_holds_the_key_stays() -> None:
    board: dict[str, Json] = {"slug": TEXT, "title": TEXT}
    s = session(
        tool("get_board", {"id_or_slug": TEXT}, board, "GET /boards/{id_or_slug}"),
        tool("put_board", {"pk": NUMBER, **board}, board, "PUT /boards/{pk}"),
        world="auto",
    )
    assert s.call("put_board", {"pk": 85, "slug": "steady", "title": "t"}).content == {"slug": "steady", "title": "t"}


def test_what_only_a_list_is_asked_by_is_a_filter() -> None:
    record: dict[str, Json] = {"id": NUMBER, "name": TEXT}
    s = session(
        tool("create_rr", {"name": TEXT}, record, "POST /dns/rr"),
        tool("update_rr", {"rr_id": NUMBER, "name": TEXT}, record, "PATCH /dns/rr/{rr_id}"),
        tool("list_rr", {"domain": TEXT}, {"response": several(**record)}, "GET /dns/{domain}/rr"),
    )
    made = s.call("create_rr", {"name": "www"}).content
    assert s.call("list_rr", {"domain": "example.com"}).content["response"] == [made]
