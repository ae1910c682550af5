"""Things that another thing holds several of, told by what makes, lists and names them."""

from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

IMAGE: dict[str, Json] = {"repository_name": TEXT, "image_digest": TEXT, "manifest": TEXT}
REPOSITORY: dict[str, Json] = {"repository_name": TEXT}


def test_a_put_into_a_holder_makes_one_more_of_what_it_lists() -> None:
    s = session(
        tool("create_repository", REPOSITORY, {"repository": thing(**REPOSITORY, arn=TEXT)}),
        tool("describe_repositories", {}, {"repositories": several(**REPOSITORY, arn=TEXT)}),
        tool("put_image", {**REPOSITORY, "manifest": TEXT}, {"image": thing(**IMAGE)}),
        tool("list_images", REPOSITORY, {"images": several(**IMAGE)}),
    )
    for name in ("web", "mail"):
        s.call("create_repository", {"repository_name": name})
    sent = [{"repository_name": "web", "manifest": text} for text in ("one", "two")]
    made = [s.call("put_image", one).content["image"] for one in sent]
    assert made[0]["image_digest"] != made[1]["image_digest"]
    assert s.call("list_images", {"repository_name": "web"}).content["images"] == made
    assert s.call("list_images", {"repository_name": "mail"}).content["images"] == []


def test_a_put_of_the_only_one_that_is_read_there_writes_over_it() -> None:
    policy: dict[str, Json] = {**REPOSITORY, "text": TEXT}
    s = session(
        tool("create_repository", REPOSITORY, {"repository": thing(**REPOSITORY, arn=TEXT)}),
        tool("describe_repositories", {}, {"repositories": several(**REPOSITORY, arn=TEXT)}),
        tool("put_policy", policy, policy),
        tool("get_policy", REPOSITORY, policy),
        tool("list_policies", REPOSITORY, {"policies": several(**policy)}),
    )
    s.call("create_repository", {"repository_name": "web"})
    for text in ("one", "two"):
        s.call("put_policy", {"repository_name": "web", "text": text})
    assert s.call("get_policy", {"repository_name": "web"}).content["text"] == "two"


def test_a_description_of_several_shows_what_was_made() -> None:
    task: dict[str, Json] = {"task_set_id": TEXT, "launch_type": TEXT}
    where: dict[str, Json] = {"cluster": TEXT, "service": TEXT}
    shown: dict[str, Json] = {"task_sets": several(**task), "failures": several(reason=TEXT)}
    s = session(
        tool("create_task_set", {**where, "launch_type": TEXT}, {"task_set": thing(**task)}),
        tool("describe_task_sets", where, shown, optional={"task_sets": TEXTS}),
        tool("delete_task_set", {**where, "task_set": TEXT}, {}),
    )
    at = {"cluster": "blue", "service": "web"}
    made = s.call("create_task_set", {**at, "launch_type": "spot"}).content["task_set"]
    assert s.call("describe_task_sets", at).content["task_sets"] == [made]
    assert s.call("describe_task_sets", {**at, "service": "mail"}).content["task_sets"] == []


def test_what_is_put_and_read_by_one_name_is_one_thing_though_it_is_called_several() -> None:
    selectors = several(field=TEXT, value=TEXT)
    s = session(
        tool("put_event_selectors", {"trail_name": TEXT, "event_selectors": selectors}, {}),
        tool("get_event_selectors", {"trail_name": TEXT}, {"trail_arn": TEXT, "event_selectors": selectors}),
    )
    sent = [{"field": "kind", "value": "login"}]
    s.call("put_event_selectors", {"trail_name": "audit", "event_selectors": sent})
    assert s.call("get_event_selectors", {"trail_name": "audit"}).content["event_selectors"] == sent


def test_several_that_are_put_into_a_holder_at_once_are_several() -> None:
    event: dict[str, Json] = {"stream_name": TEXT, "message": TEXT}
    s = session(
        tool("create_log_stream", {"stream_name": TEXT}, {}),
        tool("list_log_streams", {}, {"log_streams": several(stream_name=TEXT)}),
        tool("put_log_events", {"stream_name": TEXT, "log_events": several(message=TEXT)}, {}),
        tool("list_log_events", {"stream_name": TEXT}, {"events": several(**event)}),
    )
    s.call("create_log_stream", {"stream_name": "web"})
    s.call("put_log_events", {"stream_name": "web", "log_events": [{"message": "one"}, {"message": "two"}]})
    shown = s.call("list_log_events", {"stream_name": "web"}).content["events"]
    assert [one["message"] for one in shown] == ["one", "two"]
