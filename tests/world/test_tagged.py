"""Labels that one call puts on several things, or that are things of their own, are shown by the things."""

from gtm.simulator.session import Session
from gtm.types import Json, Tool
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

PAIRS = several(key=TEXT, value=TEXT)
DISK: dict[str, Json] = {"disk_id": TEXT, "size": {"type": "integer"}, "tags": PAIRS}


def _cloud(*more: Tool) -> Session:
    return session(
        tool("create_disk", {"size": {"type": "integer"}}, {"disk_id": TEXT}),
        tool("describe_disks", {}, {"disks": several(**DISK)}),
        tool("create_tags", {"resources": TEXTS, "tags": PAIRS}, {}),
        tool("delete_tags", {"resources": TEXTS, "tag_keys": TEXTS}, {}),
        tool("describe_tags", {}, {"tags": several(key=TEXT, value=TEXT, resource_id=TEXT)}),
        *more,
    )


def _tags(s: Session) -> list[dict[str, str]]:
    return [
        {pair["key"]: pair["value"] for pair in disk["tags"]}
        for disk in s.call("describe_disks", {}).content["disks"]
    ]


def test_what_is_put_on_several_things_is_shown_by_each_of_them() -> None:
    s = _cloud()
    one, other, last = (s.call("create_disk", {"size": 1}).content["disk_id"] for _ in range(3))
    s.call("create_tags", {"resources": [one, other], "tags": [{"key": "team", "value": "red"}]})
    s.call("create_tags", {"resources": [one], "tags": [{"key": "cost", "value": "7"}]})
    assert _tags(s)[:2] == [{"team": "red", "cost": "7"}, {"team": "red"}]
    assert "team" not in _tags(s)[2]
    s.call("delete_tags", {"resources": [one, last], "tag_keys": ["team"]})
    assert _tags(s)[:2] == [{"cost": "7"}, {"team": "red"}]


def test_what_names_nothing_known_changes_nothing() -> None:
    s = _cloud(tool("describe_disk", {"disk_id": TEXT}, {"disk": thing(**DISK)}))
    s.call("create_disk", {"size": 1})
    before = s.call("describe_disks", {}).content
    s.call("create_tags", {"resources": ["elsewhere"], "tags": [{"key": "team", "value": "red"}]})
    assert s.call("describe_disks", {}).content == before


def test_labels_that_are_made_by_themselves_are_put_on_nothing() -> None:
    issue: dict[str, Json] = {"issue_id": TEXT, "title": TEXT, "labels": TEXTS}
    s = session(
        tool("create_issue", {"title": TEXT, "labels": TEXTS}, issue),
        tool("get_issue", {"issue_id": TEXT}, issue),
        tool("create_label", {"name": TEXT, "color": TEXT}, {"label_id": TEXT, "name": TEXT, "color": TEXT}),
        tool("list_labels", {}, {"labels": several(label_id=TEXT, name=TEXT, color=TEXT)}),
    )
    made = s.call("create_issue", {"title": "slow", "labels": ["bug"]}).content
    label = s.call("create_label", {"name": "bug", "color": "red"}).content
    assert s.call("get_issue", {"issue_id": made["issue_id"]}).content == made
    assert s.call("list_labels", {}).content["labels"] == [label]


def test_plain_texts_are_no_pairs() -> None:
    note: dict[str, Json] = {"note_id": TEXT, "text": TEXT, "tags": TEXTS}
    s = session(
        tool("create_note", {"text": TEXT, "tags": TEXTS}, note),
        tool("list_notes", {}, {"notes": several(**note)}),
        tool("add_tags", {"note_ids": TEXTS, "tags": TEXTS}, {}),
    )
    made = s.call("create_note", {"text": "milk", "tags": ["home"]}).content
    s.call("add_tags", {"note_ids": [made["note_id"]], "tags": ["now"]})
    assert s.call("list_notes", {}).content["notes"] == [made]
