"""Things of one name, each a revision of the one before, and operations at a path of their own name."""

from gtm.simulator.session import Session
from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
DEFINITION: dict[str, Json] = {"definition_arn": TEXT, "family": TEXT, "revision": NUMBER, "image": TEXT}


def _definitions(verb: str = "register") -> Session:
    shown: dict[str, Json] = {"task_definition": thing(**DEFINITION)}
    return session(
        tool(f"{verb}_task_definition", {"family": TEXT, "image": TEXT}, shown),
        tool("describe_task_definition", {"task_definition": TEXT}, shown),
    )


def test_the_last_of_a_family_is_what_its_name_means() -> None:
    s = _definitions()
    made = [s.call("register_task_definition", {"family": "web", "image": image}).content for image in ("a", "b")]
    other = s.call("register_task_definition", {"family": "mail", "image": "c"}).content
    assert [one["task_definition"]["revision"] for one in (*made, other)] == [1, 2, 1]
    assert s.call("describe_task_definition", {"task_definition": "web"}).content == made[1]
    assert s.call("describe_task_definition", {"task_definition": "web:1"}).content == made[0]


def test_a_name_with_a_number_is_still_a_name() -> None:
    s = session(
        tool("create_room", {"name": TEXT}, {"room_id": TEXT, "name": TEXT}),
        tool("get_room", {"room": TEXT}, {"room_id": TEXT, "name": TEXT}),
    )
    one, other = (s.call("create_room", {"name": name}).content for name in ("hall", "hall:1"))
    assert s.call("get_room", {"room": "hall:1"}).content == other
    assert s.call("get_room", {"room": "hall"}).content == one


def test_what_is_there_is_not_created_again_because_it_has_a_revision() -> None:
    page: dict[str, Json] = {"slug": TEXT, "revision": NUMBER, "text": TEXT}
    s = session(
        tool("create_page", {"slug": TEXT, "text": TEXT}, page),
        tool("get_page", {"slug": TEXT}, page),
    )
    made = s.call("create_page", {"slug": "home", "text": "one"}).content
    assert s.call("create_page", {"slug": "home", "text": "two"}).is_error
    assert s.call("get_page", {"slug": "home"}).content == made


def test_an_operation_at_a_path_of_its_own_name_is_what_its_name_says() -> None:
    queue: dict[str, Json] = {"job_queue_name": TEXT, "priority": NUMBER}
    s = session(
        tool("CreateJobQueue", queue, {"job_queue_name": TEXT}, "POST /v1/createjobqueue"),
        tool(
            "DescribeJobQueues",
            {},
            {"jobQueues": several(**queue)},
            "POST /v1/describejobqueues",
            {"jobQueues": TEXTS},
        ),
        tool("DeleteJobQueue", {"job_queue_name": TEXT}, {}, "POST /v1/deletejobqueue"),
    )
    s.call("CreateJobQueue", {"job_queue_name": "fast", "priority": 7})
    assert s.call("DescribeJobQueues", {}).content["jobQueues"] == [{"job_queue_name": "fast", "priority": 7}]
    s.call("DeleteJobQueue", {"job_queue_name": "fast"})
    assert s.call("DescribeJobQueues", {}).content["jobQueues"] == []


def test_a_collection_that_a_list_asks_for_by_post_is_not_added_to() -> None:
    base: dict[str, Json] = {"knowledge_base_id": TEXT, "name": TEXT}
    s = session(
        tool("CreateKnowledgeBase", {"name": TEXT}, base, "PUT /knowledgebases"),
        tool("ListKnowledgeBases", {}, {"knowledgeBases": several(**base)}, "POST /knowledgebases"),
        tool("GetKnowledgeBase", {"knowledge_base_id": TEXT}, base, "GET /knowledgebases/{knowledge_base_id}"),
    )
    made = s.call("CreateKnowledgeBase", {"name": "faq"}).content
    assert s.call("ListKnowledgeBases", {}).content["knowledgeBases"] == [made]
    assert s.call("ListKnowledgeBases", {}).content["knowledgeBases"] == [made]
