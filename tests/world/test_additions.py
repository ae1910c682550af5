"""What is added to a list of a thing, or taken out of it, is shown by the thing."""

from gtm.types import Json, Tool
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
ISSUE: dict[str, Json] = {"issue_id": TEXT, "title": TEXT, "labels": TEXTS}
RULES = several(port=NUMBER, protocol=TEXT)


def _issues(*more: Tool) -> tuple[Tool, ...]:
    return (
        tool("create_issue", {"title": TEXT}, ISSUE, optional={"labels": TEXTS}),
        tool("get_issue", {"issue_id": TEXT}, ISSUE),
        *more,
    )


def test_labels_are_added_and_taken_away() -> None:
    named: dict[str, Json] = {"issue_id": TEXT, "labels": TEXTS}
    s = session(*_issues(tool("add_labels", named, {"ok": {"type": "boolean"}}), tool("remove_labels", named, ISSUE)))
    issue = s.call("create_issue", {"title": "slow", "labels": ["bug"]}).content
    other = s.call("create_issue", {"title": "fast", "labels": ["bug"]}).content
    own = {"issue_id": issue["issue_id"]}
    s.call("add_labels", {**own, "labels": ["urgent", "bug"]})
    assert s.call("get_issue", own).content == {**issue, "labels": ["bug", "urgent"]}
    assert s.call("remove_labels", {**own, "labels": ["bug"]}).content == {**issue, "labels": ["urgent"]}
    assert s.call("get_issue", own).content["labels"] == ["urgent"]
    assert s.call("get_issue", {"issue_id": other["issue_id"]}).content == other


def test_one_is_added_by_its_own_name() -> None:
    one: dict[str, Json] = {"issue_id": TEXT, "label": TEXT}
    s = session(*_issues(tool("add_label", one, {}), tool("remove_label", one, {})))
    issue = s.call("create_issue", {"title": "slow", "labels": ["bug"]}).content
    own = {"issue_id": issue["issue_id"]}
    s.call("add_label", {**own, "label": "urgent"})
    assert s.call("get_issue", own).content["labels"] == ["bug", "urgent"]
    s.call("remove_label", {**own, "label": "bug"})
    assert s.call("get_issue", own).content["labels"] == ["urgent"]


def test_a_name_that_says_more_means_its_own_list() -> None:
    group: dict[str, Json] = {"group_id": TEXT, "permissions": RULES, "permissions_egress": RULES}
    named: dict[str, Json] = {"group_id": TEXT, "permissions": RULES}
    s = session(
        tool("create_security_group", {"name": TEXT}, {"group_id": TEXT}),
        tool("describe_security_groups", {}, {"security_groups": several(**group)}),
        tool("delete_security_group", {"group_id": TEXT}, {}),
        tool("authorize_security_group_ingress", named, {}),
        tool("authorize_security_group_egress", named, {}),
        tool("revoke_security_group_ingress", named, {}),
    )
    made = s.call("create_security_group", {"name": "web"}).content
    for kind, port in (("ingress", 80), ("egress", 443), ("ingress", 22)):
        rule = [{"port": port, "protocol": "tcp"}]
        s.call(f"authorize_security_group_{kind}", {**made, "permissions": rule})
    s.call("revoke_security_group_ingress", {**made, "permissions": [{"port": 80, "protocol": "tcp"}]})
    shown = s.call("describe_security_groups", {}).content["security_groups"][0]
    assert shown["permissions"] == [{"port": 22, "protocol": "tcp"}]
    assert shown["permissions_egress"] == [{"port": 443, "protocol": "tcp"}]


def test_what_is_listed_by_itself_is_no_part_of_a_list() -> None:
    comment: dict[str, Json] = {"comment_id": TEXT, "text": TEXT}
    shown: dict[str, Json] = {"issue_id": TEXT, "title": TEXT, "comments": several(**comment)}
    s = session(
        tool("create_issue", {"title": TEXT}, {"issue_id": TEXT}),
        tool("get_issue", {"issue_id": TEXT}, {"issue": thing(**shown)}),
        tool("add_comment", {"issue_id": TEXT, "text": TEXT}, comment),
        tool("list_comments", {"issue_id": TEXT}, {"comments": several(**comment)}),
    )
    issue = s.call("create_issue", {"title": "slow"}).content
    made = s.call("add_comment", {**issue, "text": "why?"}).content
    assert s.call("list_comments", issue).content["comments"] == [made]


def test_items_of_another_kind_are_not_put_into_a_list() -> None:
    member = several(user_id=TEXT, role=TEXT)
    team: dict[str, Json] = {"team_id": TEXT, "name": TEXT, "members": member}
    s = session(
        tool("create_team", {"name": TEXT, "members": member}, team),
        tool("get_team", {"team_id": TEXT}, team),
        tool("add_members", {"team_id": TEXT, "members": TEXTS}, {}),
    )
    made = s.call("create_team", {"name": "red", "members": [{"user_id": "u1", "role": "lead"}]}).content
    s.call("add_members", {"team_id": made["team_id"], "members": ["u2"]})
    assert s.call("get_team", {"team_id": made["team_id"]}).content == made


def test_adding_to_what_nobody_told_of_is_no_error() -> None:
    named: dict[str, Json] = {"issue_id": TEXT, "labels": TEXTS}
    s = session(*_issues(tool("add_labels", named, {})), world="auto")
    assert not s.call("add_labels", {"issue_id": "i-77", "labels": ["bug"]}).is_error
