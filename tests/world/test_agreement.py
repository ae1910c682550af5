"""What two answers say about one thing agrees, though the definitions of their tools differ."""

from gtm import Simulator, Tool, Toolset
from gtm.simulator.session import Session
from gtm.types import Example, Json
from tests.samples import operation

TEXT: dict[str, Json] = {"type": "string"}
NUMBER: dict[str, Json] = {"type": "integer"}


def thing(**fields: Json) -> dict[str, Json]:
    """An object that has all of these."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def many(item: Json, **more: Json) -> dict[str, Json]:
    return {"type": "array", "items": item, **more}


def session(*tools: Tool) -> Session:
    return Simulator(Toolset(name="t", kind="openapi", tools=tools), model="scripted", cache=False).session()


def test_a_list_whose_schema_is_cut_off_shows_what_its_items_show() -> None:
    rule = thing(operator={"enum": ["Above", "Below"], "type": "string"}, threshold=NUMBER)
    alarm, short = thing(id=NUMBER, rules=many(rule)), thing(id=NUMBER, rules=many({"type": "object"}))
    listing = operation("listAlarms", "GET", "/alarms", {}, many(short))
    shown = Example(arguments={}, response=[{"id": 1, "rules": [{"operator": "Above", "threshold": 3}]}])
    world = session(
        listing.model_copy(update={"examples": (shown,)}),
        operation("getAlarm", "GET", "/alarms/{id}", {"id": NUMBER}, alarm),
    )
    first = world.call("listAlarms").content
    assert all(rule["operator"] in ("Above", "Below") for one in first for rule in one["rules"])
    assert [world.call("getAlarm", {"id": one["id"]}).content for one in first] == first
    assert world.call("listAlarms").content == first


def test_a_list_goes_with_its_parent_though_its_items_are_found_without_it() -> None:
    note = thing(id=NUMBER, message=TEXT)
    world = session(
        operation("createTag", "POST", "/tags", {"name": TEXT}, thing(id=NUMBER, name=TEXT), 201),
        operation("deleteTag", "DELETE", "/tags/{id}", {"id": NUMBER}, None, 204),
        operation("listNotes", "GET", "/tags/{tagId}/notes", {"tagId": NUMBER}, many(note)),
        operation("getNote", "GET", "/tags/notes/{noteId}", {"noteId": NUMBER}, note),
    )
    made = world.call("createTag", {"name": "red"}).content["id"]
    assert len(world.call("listNotes", {"tagId": 7}).content) > 0
    for key in (made, 7):
        world.call("deleteTag", {"id": key})
        assert world.call("listNotes", {"tagId": key}).status == 404


def test_who_asks_is_no_key_of_what_is_asked_for() -> None:
    caller = {"x-app-id": TEXT}
    user = thing(id=TEXT, email=TEXT)
    around = dict.fromkeys(("status", "service", "operation", "version"), TEXT)
    listing = operation("users", "GET", "/users", caller, thing(data=many(user), **around))
    listing = listing.model_copy(update={"parameters": {**listing.parameters, "required": ["x-app-id"]}})
    world = session(listing, operation("user", "GET", "/users/{id}", {"id": TEXT, **caller}, thing(data=user)))
    for one in world.call("users", {"x-app-id": "a"}).content["data"]:
        assert one["id"] != "a"
        assert world.call("user", {"id": one["id"], "x-app-id": "a"}).content["data"] == one


def test_an_update_leaves_what_its_answer_does_not_show_inside_an_object() -> None:
    printing, logo = thing(copies=NUMBER), thing(copies=NUMBER, logo=TEXT)
    key = {"deviceId": TEXT}
    world = session(
        operation("getSettings", "GET", "/devices/{deviceId}/settings", key, thing(printing=logo, volume=NUMBER)),
        operation(
            "patchSettings",
            "PATCH",
            "/devices/{deviceId}/settings",
            {**key, "volume": NUMBER},
            thing(printing=printing, volume=NUMBER),
        ),
    )
    before = world.call("getSettings", {"deviceId": "a"}).content
    world.call("patchSettings", {"deviceId": "a", "volume": 3})
    assert world.call("getSettings", {"deviceId": "a"}).content == {**before, "volume": 3}


def test_a_list_that_must_not_be_empty_counts_what_it_shows() -> None:
    event = thing(type=TEXT)
    answer = thing(results=many(event, minItems=1), total=NUMBER)
    world = session(
        operation("putSite", "PUT", "/sites/{siteId}", {"siteId": TEXT, "name": TEXT}, thing(id=TEXT, name=TEXT)),
        operation("getSite", "GET", "/sites/{siteId}", {"siteId": TEXT}, thing(id=TEXT, name=TEXT)),
        operation("listEvents", "GET", "/sites/{siteId}/events", {"siteId": TEXT}, answer),
    )
    made = {"siteId": world.call("putSite", {"siteId": "kiel", "name": "Kiel"}).content["id"]}
    first = world.call("listEvents", made).content
    assert (len(first["results"]), first["total"]) == (1, 1)
    assert world.call("listEvents", made).content == first


def test_the_total_of_a_calculation_that_pages_is_what_it_shows() -> None:
    answer = thing(results=many(thing(kind=TEXT)), limit=NUMBER, total=NUMBER)
    world = session(operation("estimate", "GET", "/sizes/calculate", {"by": TEXT}, answer))
    shown = world.call("estimate", {"by": "kind"}).content
    assert shown["total"] == len(shown["results"])


def test_a_value_that_no_answer_can_show_leaves_the_field_as_it_is() -> None:
    kinds = ["OPEN", "CLOSED"]
    space = thing(id=NUMBER, type={"type": "string", "enum": kinds})
    chosen = {"type": "string", "enum": [*kinds, "NO_CHANGE"]}
    world = session(
        operation("createSpace", "POST", "/spaces", {"type": {"type": "string", "enum": kinds}}, space, 201),
        operation("getSpace", "GET", "/spaces/{id}", {"id": NUMBER}, space),
        operation("updateSpace", "PATCH", "/spaces/{id}", {"id": NUMBER, "type": chosen}, space),
    )
    made = world.call("createSpace", {"type": "CLOSED"}).content
    world.call("updateSpace", {"id": made["id"], "type": "NO_CHANGE"})
    assert world.call("getSpace", {"id": made["id"]}).content == made


def test_a_part_called_by_its_owners_key_has_that_key() -> None:
    member = thing(id=TEXT, level=NUMBER)
    project, user = {"projectId": TEXT}, {"projectId": TEXT, "user_id": NUMBER}
    world = session(
        operation("getUser", "GET", "/users/{user_id}", {"user_id": NUMBER}, thing(id=NUMBER, name=TEXT)),
        operation("addMember", "POST", "/projects/{projectId}/members", {**user, "level": NUMBER}, member, 201),
        operation("listMembers", "GET", "/projects/{projectId}/members", project, many(member)),
        operation("getMember", "GET", "/projects/{projectId}/members/{user_id}", user, member),
    )
    who = {"projectId": "a", "user_id": 5}
    made = world.call("addMember", {**who, "level": 3}).content
    assert made["level"] == 3
    assert world.call("getMember", who).content == made


def test_what_one_answer_cannot_show_another_still_shows() -> None:
    world = session(
        operation("setNote", "POST", "/sales/{saleId}", {"saleId": TEXT, "note": TEXT}, thing(id=TEXT, note=thing())),
        operation("getSale", "GET", "/sales/{saleId}", {"saleId": TEXT}, thing(id=TEXT, note=TEXT)),
    )
    world.call("setNote", {"saleId": "a", "note": "paid"})
    assert world.call("getSale", {"saleId": "a"}).content["note"] == "paid"


def test_one_wrapper_may_hold_another() -> None:
    plan = thing(name=TEXT)
    body = {"type": "object", "properties": {"plan": plan}}
    world = session(
        operation("putPlan", "PUT", "/plans/{id}", {"id": TEXT, "body": body}, thing(plan=thing(id=TEXT, name=TEXT))),
        operation("getPlan", "GET", "/plans/{id}", {"id": TEXT}, thing(plan=thing(id=TEXT, name=TEXT))),
    )
    world.call("putPlan", {"id": "a", "body": {"plan": {"name": "Spring"}}})
    assert world.call("getPlan", {"id": "a"}).content == {"plan": {"id": "a", "name": "Spring"}}


def test_an_example_without_a_value_does_not_say_that_there_never_is_one() -> None:
    shown = Example(arguments={"id": 1}, response={"id": 1, "owner": None})
    reader = operation("getAd", "GET", "/ads/{id}", {"id": NUMBER}, {"type": "object"})
    world = session(
        operation("listAds", "GET", "/ads", {}, many(thing(id=NUMBER, owner=NUMBER))),
        reader.model_copy(update={"examples": (shown,)}),
    )
    first = world.call("listAds").content
    assert [world.call("getAd", {"id": one["id"]}).content for one in first] == first
    assert world.call("listAds").content == first


def test_a_get_of_unknown_effect_says_the_same_until_something_is_written() -> None:
    world = session(
        operation("about", "GET", "/", {}, thing(motto=TEXT)),
        operation("getPet", "GET", "/pets/{petId}", {"petId": NUMBER}, thing(id=NUMBER)),
    )
    first = world.call("about").content
    world.call("getPet", {"petId": 1})
    assert world.call("about").content == first
