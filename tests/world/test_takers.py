"""What one tool answers another one takes: identifiers in the form in which arguments want them."""

import re

import pytest

from gtm import Simulator
from gtm.types import Example, Json, Tool, Toolset

STRING = {"type": "string"}


def tool(name: str, arguments: dict[str, Json], output: Json) -> Tool:
    parameters = {"type": "object", "properties": arguments, "required": list(arguments)}
    return Tool(name=name, parameters=parameters, output_schema=output)


def thing(**fields: Json) -> dict[str, Json]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def answered(*tools: Tool) -> Json:
    with Simulator(Toolset(name="t", kind="openai", tools=tools), model="scripted", cache=False).session() as s:
        return s.call(tools[0].name, {"name": "a"} if "name" in tools[0].parameters["properties"] else {}).content


VPC = thing(VpcId=STRING, VpcArn=STRING, name=STRING)
MAKE = tool("CreateVpc", {"name": STRING}, thing(Vpc=VPC))


def test_a_new_key_has_the_pattern_that_another_tool_demands() -> None:
    attach = tool("AttachGateway", {"VpcId": {"type": "string", "pattern": "^vpc-[0-9a-f]{8}$"}}, thing(ok=STRING))
    assert re.fullmatch("vpc-[0-9a-f]{8}", answered(MAKE, attach)["Vpc"]["VpcId"])
    assert not answered(MAKE)["Vpc"]["VpcId"].startswith("vpc-")


def test_a_summary_of_a_thing_has_the_key_of_the_thing() -> None:
    made = thing(Policy=thing(PolicySummary=thing(Id=STRING, Name=STRING)))
    make = tool("CreatePolicy", {"name": STRING}, made)
    attach = tool("AttachPolicy", {"PolicyId": {"type": "string", "pattern": "^p-[0-9a-z]{8}$"}}, thing(ok=STRING))
    assert re.fullmatch("p-[0-9a-z]{8}", answered(make, attach)["Policy"]["PolicySummary"]["Id"])
    assert not answered(make)["Policy"]["PolicySummary"]["Id"].startswith("p-")


def test_a_lock_that_one_tool_answers_another_one_takes() -> None:
    lock: Json = {"type": "string", "pattern": "^L[0-9]{7}$", "maxLength": 8}
    shown: Json = {"type": "string", "maxLength": 8}
    get = tool("GetVpc", {"VpcId": STRING}, thing(Vpc=VPC, LockToken=shown, NextLockToken=shown, NextToken=shown))
    delete = tool("DeleteVpc", {"VpcId": STRING, "LockToken": lock, "NextToken": lock}, thing())
    toolset = Toolset(name="t", kind="openai", tools=(get, delete))
    with Simulator(toolset, model="scripted", cache=False).session() as s:
        answer = s.call("GetVpc", {"VpcId": "v"}).content
    assert all(re.fullmatch("L[0-9]{7}", answer[name]) for name in ("LockToken", "NextLockToken"))
    assert not re.fullmatch("L[0-9]{7}", answer["NextToken"])


def test_a_part_of_a_thing_does_not_have_its_key() -> None:
    add = tool("add_order_item", {"name": STRING}, thing(order_item=thing(id=STRING)))
    get = tool("get_order", {"order_id": {"type": "string", "pattern": "^ord_[0-9]{6}$"}}, thing(id=STRING))
    assert not re.fullmatch("ord_[0-9]{6}", answered(add, get)["order_item"]["id"])


@pytest.mark.parametrize("length", [20, 20.0])
def test_a_key_is_filled_up_to_the_length_that_tools_demand(length: float) -> None:
    get = tool("GetVpc", {"VpcId": {"type": "string", "minLength": length}}, thing(VpcId=STRING))
    assert re.fullmatch(r"vpc_[0-9a-f]{16}", answered(MAKE, get)["Vpc"]["VpcId"])


def test_an_argument_for_things_of_any_kind_gives_the_form_of_all_their_identifiers() -> None:
    tag = tool("TagResource", {"resourceIdentifier": {"type": "string", "minLength": 20}}, thing(ok=STRING))
    assert len(answered(MAKE, tag)["Vpc"]["VpcId"]) >= 20
    assert len(answered(MAKE)["Vpc"]["VpcId"]) < 20


def test_an_address_of_aws_looks_like_one() -> None:
    assert re.fullmatch(r"arn:aws:\w+:us-east-1:123456789012:\w+", answered(MAKE)["Vpc"]["VpcArn"])


def test_an_identifier_that_tools_take_as_a_number_is_a_number_as_text() -> None:
    threads = tool("list_threads", {}, {"type": "array", "items": thing(id=STRING, title=STRING), "minItems": 1})
    read = tool("subscribe", {"thread_id": {"type": "integer"}}, thing(ok=STRING))
    assert all(item["id"].isdecimal() for item in answered(threads, read))


@pytest.mark.parametrize("said", [{"enum": ["x", "y"]}, {"pattern": "^[xy]$"}])
def test_what_an_answer_says_of_its_own_identifiers_stands(said: dict[str, Json]) -> None:
    own = tool("CreateVpc", {"name": STRING}, thing(Vpc={**VPC, "properties": {**VPC["properties"], "VpcId": said}}))
    attach = tool("AttachGateway", {"VpcId": {"type": "string", "pattern": "^vpc-[0-9a-f]{8}$"}}, thing(ok=STRING))
    assert answered(own, attach)["Vpc"]["VpcId"] in {"x", "y"}


def test_an_example_without_the_id_by_which_tools_call_the_thing_does_not_hide_it() -> None:
    schema = {"type": "object", "properties": {"id": STRING, "name": STRING, "rank": STRING}}
    shown = [Example(arguments={"name": "a"}, response={"name": "a"})]
    make = tool("create_pet", {"name": STRING}, schema).model_copy(update={"examples": tuple(shown)})
    read = tool("get_pet", {"pet_id": STRING}, schema)
    assert set(answered(make, read)) == {"id", "name"}
    assert set(answered(make)) == {"name"}


def test_an_address_has_the_form_of_addresses_and_not_that_of_an_id() -> None:
    cluster = thing(identifier=STRING, arn=STRING)
    given = {"cluster_identifier": {"type": "string", "pattern": "^[a-z]{12}$"}}
    tagged = {"resource_arn": {"type": "string", "pattern": "^arn:cloud:[0-9]{6}$"}}
    found = answered(
        tool("create_cluster", {"name": STRING}, thing(cluster=cluster)),
        tool("get_cluster", given, thing(cluster=cluster)),
        tool("list_tags", tagged, thing(tags=STRING)),
    )["cluster"]
    assert re.fullmatch("arn:cloud:[0-9]{6}", found["arn"]) and re.fullmatch("[a-z]{12}", found["identifier"])


def test_a_resource_that_is_taken_by_its_address_tells_the_form_of_addresses() -> None:
    tagged = {"resource": {"type": "string", "pattern": "^arn:cloud:[0-9]{6}$"}}
    found = answered(
        tool("create_cluster", {"name": STRING}, thing(cluster=thing(id=STRING, arn=STRING))),
        tool("list_tags", tagged, thing(tags=STRING)),
    )["cluster"]
    assert re.fullmatch("arn:cloud:[0-9]{6}", found["arn"]) and not found["id"].startswith("arn:")
