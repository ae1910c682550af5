"""Paths that name things of a list by their kind."""

from gtm.types import Json, Tool
from tests.world.made import TEXT, session, several, tool

NUMBER: Json = {"type": "integer"}
RECORD: dict[str, Json] = {"host": TEXT, "type": TEXT, "data": TEXT, "ttl": NUMBER}
SENT: dict[str, Json] = {"zone": TEXT, "record_name": TEXT, "records": several(data=TEXT, ttl=NUMBER)}


def record_tools() -> list[Tool]:
    """Records of a zone, by their kind and host too."""
    one: dict[str, Json] = {"zone": TEXT, "record_name": TEXT}
    shown: dict[str, Json] = {"records": several(**RECORD)}
    return [
        tool("list_records", {"zone": TEXT}, shown, "GET /zones/{zone}/records", {"type": TEXT, "host": TEXT}),
        tool("add_records", {"zone": TEXT, "records": several(**RECORD)}, {}, "POST /zones/{zone}/records"),
        tool("get_txt", one, shown, "GET /zones/{zone}/records/{record_name}/TXT"),
        tool("put_txt", SENT, {}, "PUT /zones/{zone}/records/{record_name}/TXT"),
        tool("delete_txt", one, {}, "DELETE /zones/{zone}/records/{record_name}/TXT", {"data": TEXT}),
        tool("get_mx", one, shown, "GET /zones/{zone}/records/{record_name}/MX"),
    ]


def test_records_are_the_same_by_their_kind_and_in_the_list() -> None:
    s = session(*record_tools(), world="auto")
    www = {"zone": "z", "record_name": "www"}
    s.call("add_records", {"zone": "z", "records": [{"host": "www", "type": "TXT", "data": "a", "ttl": 60}]})
    assert s.call("get_txt", www).content["records"] == [{"host": "www", "type": "TXT", "data": "a", "ttl": 60}]
    assert s.call("get_mx", www).content["records"] == []
    s.call("put_txt", {**www, "records": [{"data": "b", "ttl": 1}, {"data": "c", "ttl": 2}]})
    made = [
        {"host": "www", "type": "TXT", "data": "b", "ttl": 1},
        {"host": "www", "type": "TXT", "data": "c", "ttl": 2},
    ]
    assert s.call("get_txt", www).content["records"] == made
    assert s.call("list_records", {"zone": "z", "type": "txt", "host": "www"}).content["records"] == made
    assert [r for r in s.call("list_records", {"zone": "z"}).content["records"] if r["host"] == "www"] == made
    assert s.call("list_records", {"zone": "other"}).content["records"] != made
    s.call("delete_txt", {**www, "data": "b"})
    assert s.call("get_txt", www).content["records"] == made[1:]
    s.call("delete_txt", www)
    assert s.call("get_txt", www).content["records"] == []
    assert not [r for r in s.call("list_records", {"zone": "z"}).content["records"] if r["host"] == "www"]


def test_plain_arguments_are_one_record() -> None:
    sent: dict[str, Json] = {"zone": TEXT, "txt_name": TEXT, "data": TEXT, "ttl": NUMBER}
    s = session(
        tool("list_records", {"zone": TEXT}, {"records": several(**RECORD)}, "GET /zones/{zone}/records"),
        tool("create_txt", sent, {}, "POST /zones/{zone}/records/TXT/{txt_name}"),
        tool("update_txt", sent, {}, "PUT /zones/{zone}/records/TXT/{txt_name}"),
        tool("delete_txt", {"zone": TEXT, "txt_name": TEXT}, {}, "DELETE /zones/{zone}/records/TXT/{txt_name}"),
        tool("delete_mx", {"zone": TEXT, "mx_name": TEXT}, {}, "DELETE /zones/{zone}/records/MX/{mx_name}"),
    )
    for name in ("a", "b"):
        s.call("create_txt", {"zone": "z", "txt_name": name, "data": "1", "ttl": 60})
    s.call("update_txt", {"zone": "z", "txt_name": "a", "data": "2", "ttl": 60})
    found = s.call("list_records", {"zone": "z"}).content["records"]
    assert sorted((r["host"], r["type"], r["data"]) for r in found) == [("a", "TXT", "2"), ("b", "TXT", "1")]
    s.call("delete_txt", {"zone": "z", "txt_name": "a"})
    assert [r["host"] for r in s.call("list_records", {"zone": "z"}).content["records"]] == ["b"]
    assert s.call("delete_txt", {"zone": "z", "txt_name": "a"}).is_error


def test_a_format_in_capitals_is_no_kind() -> None:
    report: dict[str, Json] = {"id": TEXT, "title": TEXT, "type": TEXT}
    s = session(
        tool("create_report", {"title": TEXT, "type": TEXT}, report, "POST /reports"),
        tool("get_report", {"id": TEXT}, report, "GET /reports/{id}"),
        tool("list_reports", {}, {"reports": several(**report)}, "GET /reports"),
        tool("get_pdf", {"id": TEXT}, {"url": TEXT}, "GET /reports/{id}/PDF"),
        tool("delete_pdf", {"id": TEXT}, {}, "DELETE /reports/{id}/PDF"),
    )
    made = s.call("create_report", {"title": "May", "type": "monthly"}).content
    assert s.call("get_pdf", {"id": made["id"]}).content["url"]
    s.call("delete_pdf", {"id": made["id"]})
    assert s.call("list_reports", {}).content["reports"] == [made]


def test_records_with_ids_of_their_own_below_a_kind_stay_things_of_that_kind() -> None:
    record: dict[str, Json] = {"id": NUMBER, "name": TEXT, "type": TEXT}
    shown: dict[str, Json] = {"records": several(**record)}
    s = session(
        tool("list_records", {"zone": TEXT}, shown, "GET /zones/{zone}/records"),
        tool("list_txt", {"zone": TEXT}, shown, "GET /zones/{zone}/records/TXT"),
        tool("create_txt", {"zone": TEXT, "name": TEXT, "type": TEXT}, record, "POST /zones/{zone}/records/TXT"),
        tool("get_txt", {"zone": TEXT, "txt_id": NUMBER}, record, "GET /zones/{zone}/records/TXT/{txt_id}"),
        tool("delete_txt", {"zone": TEXT, "txt_id": NUMBER}, {}, "DELETE /zones/{zone}/records/TXT/{txt_id}"),
    )
    made = [s.call("create_txt", {"zone": "z", "name": name, "type": "TXT"}).content for name in ("a", "b")]
    assert s.call("list_txt", {"zone": "z"}).content["records"] == made
    s.call("delete_txt", {"zone": "z", "txt_id": made[0]["id"]})
    assert s.call("get_txt", {"zone": "z", "txt_id": made[0]["id"]}).is_error
    assert s.call("get_txt", {"zone": "z", "txt_id": made[1]["id"]}).content == made[1]


def test_what_a_zone_holds_of_a_kind_is_no_zone_of_that_kind() -> None:
    zone: dict[str, Json] = {"name": TEXT, "type": TEXT}
    sent: dict[str, Json] = {"zone": TEXT, "txt": TEXT, "type": TEXT, "name": TEXT}
    held: dict[str, Json] = {"items": several(txt=TEXT, type=TEXT)}
    s = session(
        tool("create_zone", {"name": TEXT, "type": TEXT}, zone, "POST /zones"),
        tool("get_zone", {"name": TEXT}, zone, "GET /zones/{name}"),
        tool("list_zones", {}, {"zones": several(**zone)}, "GET /zones"),
        tool("put_txt", sent, {"txt": TEXT, "type": TEXT}, "PUT /zones/{zone}/TXT/{txt}"),
        tool("list_txt", {"zone": TEXT}, held, "GET /zones/{zone}/TXT"),
    )
    made = s.call("create_zone", {"name": "z", "type": "public"}).content
    s.call("put_txt", {"zone": "z", "txt": "www", "type": "TXT", "name": "www"})
    assert s.call("list_zones", {}).content["zones"] == [made]
    assert [item["txt"] for item in s.call("list_txt", {"zone": "z"}).content["items"]] == ["www"]
