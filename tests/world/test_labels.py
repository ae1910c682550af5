"""Labels of things: one field, whichever tool writes or shows it."""

import pytest

from gtm.simulator.session import Session
from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, tool

MAP: Json = {"type": "object", "additionalProperties": TEXT}
PAIRS: Json = {
    "type": "array",
    "items": {"type": "object", "properties": {"Key": TEXT, "Value": TEXT}, "required": ["Key"]},
}


BUCKET: dict[str, Json] = {"BucketName": TEXT, "Arn": TEXT}
TOOLS = (
    tool("CreateBucket", {"BucketName": TEXT}, BUCKET, optional={"Tags": PAIRS}),
    tool("GetBucket", {"BucketName": TEXT}, BUCKET | {"Tags": PAIRS}),
    tool("DeleteBucket", {"BucketName": TEXT}, {}),
    tool("TagResource", {"ResourceArn": TEXT, "Tags": PAIRS}, {}),
    tool("UntagResource", {"ResourceArn": TEXT, "TagKeys": TEXTS}, {}),
    tool(
        "ListTagsForResource",
        {"ResourceArn": TEXT},
        {"Tags": PAIRS, "NextToken": TEXT},
        optional={"MaxResults": {"type": "integer"}},
    ),
)


def pairs(**labels: str) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in labels.items()]


def tags(made: Session, name: str) -> Json:
    return made.call("ListTagsForResource", {"ResourceArn": name}).content["Tags"]


@pytest.mark.parametrize("world", ["closed", "auto"])
def test_a_thing_and_the_list_of_its_labels_show_the_same(world: str) -> None:
    s = session(*TOOLS, world=world)
    arn = s.call("CreateBucket", {"BucketName": "a", "Tags": pairs(env="test", team="x")}).content["Arn"]
    assert tags(s, arn) == pairs(env="test", team="x")
    s.call("TagResource", {"ResourceArn": arn, "Tags": pairs(env="prod", cost="1")})
    s.call("UntagResource", {"ResourceArn": arn, "TagKeys": ["team", "never"]})
    assert tags(s, arn) == pairs(env="prod", cost="1")
    assert s.call("GetBucket", {"BucketName": "a"}).content["Tags"] == pairs(env="prod", cost="1")


def test_labels_belong_to_one_thing_and_go_with_it() -> None:
    s = session(*TOOLS)
    first, second = (s.call("CreateBucket", {"BucketName": name}).content["Arn"] for name in ("a", "b"))
    assert tags(s, first) == []
    s.call("TagResource", {"ResourceArn": first, "Tags": pairs(env="prod")})
    assert (tags(s, first), tags(s, second)) == (pairs(env="prod"), [])
    s.call("DeleteBucket", {"BucketName": "a"})
    again = s.call("CreateBucket", {"BucketName": "a"}).content["Arn"]
    assert tags(s, again) == []


def test_labels_of_what_the_world_does_not_know_are_kept() -> None:
    s = session(*TOOLS, world="auto")
    seen = tags(s, "arn:elsewhere")
    assert tags(s, "arn:elsewhere") == seen
    s.call("TagResource", {"ResourceArn": "arn:elsewhere", "Tags": pairs(zone="7")})
    assert tags(s, "arn:elsewhere") == [*seen, *pairs(zone="7")]
    s.call("TagResource", {"ResourceArn": "arn:new", "Tags": pairs(zone="8")})
    s.call("UntagResource", {"ResourceArn": "arn:new", "TagKeys": ["zone"]})
    assert tags(s, "arn:new") == []


def test_pages_of_labels_add_up() -> None:
    s = session(*TOOLS)
    labels = pairs(**{f"k{at}": str(at) for at in range(5)})
    arn = s.call("CreateBucket", {"BucketName": "a", "Tags": labels}).content["Arn"]
    listed = s.call("ListTagsForResource", {"ResourceArn": arn, "MaxResults": 3}).content
    assert (listed["Tags"], bool(listed["NextToken"])) == (labels[:3], True)


def test_a_map_is_written_where_things_have_pairs() -> None:
    s = session(
        *TOOLS[:3],
        tool("tag_bucket", {"bucket_name": TEXT, "tags": MAP}, {"tags": MAP}),
        tool("list_bucket_tags", {"bucket_name": TEXT}, {"tags": MAP}),
    )
    s.call("CreateBucket", {"BucketName": "a", "Tags": pairs(env="test")})
    added = s.call("tag_bucket", {"bucket_name": "a", "tags": {"team": "x"}}).content
    assert added == s.call("list_bucket_tags", {"bucket_name": "a"}).content == {"tags": {"env": "test", "team": "x"}}
    assert s.call("GetBucket", {"BucketName": "a"}).content["Tags"] == pairs(env="test", team="x")


def test_what_really_happened_is_learnt() -> None:
    s = session(*TOOLS, world="auto")
    turns: list[tuple[str, dict[str, Json], Json]] = [
        ("TagResource", {"ResourceArn": "arn:1", "Tags": pairs(a="1", b="2")}, {}),
        ("UntagResource", {"ResourceArn": "arn:1", "TagKeys": ["a"]}, {}),
        ("ListTagsForResource", {"ResourceArn": "arn:2"}, {"Tags": pairs(c="3"), "NextToken": ""}),
    ]
    for name, arguments, answer in turns:
        s.observe(name, arguments, answer)
    assert (tags(s, "arn:1"), tags(s, "arn:2")) == (pairs(b="2"), pairs(c="3"))


def test_tools_of_labels_that_are_things_are_left_alone() -> None:
    label: dict[str, Json] = {"id": TEXT, "name": TEXT, "color": TEXT}
    shown: Json = {"type": "array", "items": {"type": "object", "properties": label}}
    s = session(
        tool("create_label", {"project_id": TEXT, "name": TEXT, "color": TEXT}, label),
        tool("list_labels", {"project_id": TEXT}, {"labels": shown}),
    )
    made = s.call("create_label", {"project_id": "p", "name": "bug", "color": "red"}).content
    assert s.call("list_labels", {"project_id": "p"}).content["labels"] == [made]


def test_texts_are_no_labels_with_values() -> None:
    issue: dict[str, Json] = {"id": TEXT, "labels": TEXTS}
    s = session(
        tool("create_issue", {"labels": TEXTS}, issue),
        tool("get_issue", {"issue_id": TEXT}, issue),
        tool("remove_labels", {"issue_id": TEXT, "labels": TEXTS}, {}),
        tool("tag_resource", {"resource_id": TEXT, "tags": MAP}, {}),
    )
    made = s.call("create_issue", {"labels": ["bug", "ui"]}).content
    s.call("remove_labels", {"issue_id": made["id"], "labels": ["bug"]})
    s.call("tag_resource", {"resource_id": made["id"], "tags": {"a": "b"}})
    assert s.call("get_issue", {"issue_id": made["id"]}).content == {**made, "labels": ["ui"]}


def test_tags_that_are_made_one_by_one_are_listed() -> None:
    tag: Json = {"type": "object", "properties": {"key": TEXT, "value": TEXT}, "required": ["key", "value"]}
    s = session(
        tool("add_tag", {"server_id": TEXT, "key": TEXT, "value": TEXT}, {"key": TEXT, "value": TEXT}),
        tool("list_tags", {"server_id": TEXT}, {"tags": {"type": "array", "items": tag}}),
        tool("delete_tag", {"server_id": TEXT, "key": TEXT}, {}),
    )
    s.call("add_tag", {"server_id": "s", "key": "env", "value": "prod"})
    assert s.call("list_tags", {"server_id": "s"}).content == {"tags": [{"key": "env", "value": "prod"}]}


def test_a_deleted_thing_has_no_labels_and_answers_repeat_what_was_said() -> None:
    s = session(
        *TOOLS[:3],
        tool("tag_bucket", {"bucket_name": TEXT, "tags": MAP}, {"bucket_name": TEXT}),
        tool("list_bucket_tags", {"bucket_name": TEXT}, {"tags": MAP}),
    )
    s.call("CreateBucket", {"BucketName": "a"})
    assert s.call("tag_bucket", {"bucket_name": "a", "tags": {"x": "1"}}).content == {"bucket_name": "a"}
    s.call("DeleteBucket", {"BucketName": "a"})
    refused = s.call("list_bucket_tags", {"bucket_name": "a"}).error
    assert refused is not None
    assert refused.kind == "not_found"


def test_an_update_that_adds_labels_answers_the_thing() -> None:
    server: dict[str, Json] = {"server_name": TEXT, "size": TEXT, "tags": MAP}
    s = session(
        tool("create_server", {"server_name": TEXT, "size": TEXT, "tags": MAP}, server),
        tool("get_server", {"server_name": TEXT}, server),
        tool("tag_server", {"server_name": TEXT, "tags": MAP}, server),
    )
    s.call("create_server", {"server_name": "web", "size": "large", "tags": {"a": "1"}})
    tagged = s.call("tag_server", {"server_name": "web", "tags": {"b": "2"}}).content
    assert tagged == {"server_name": "web", "size": "large", "tags": {"a": "1", "b": "2"}}
    assert s.call("get_server", {"server_name": "web"}).content == tagged
