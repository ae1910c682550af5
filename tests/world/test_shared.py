"""What is shown in one place because it was said in another: repetitions, shared keys, operations, told keys."""

from gtm.types import Json
from tests.world.made import TEXT, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
FREE: Json = {"type": "object"}


def test_what_is_inside_of_a_thing_repeats_what_was_said_of_it() -> None:
    user: dict[str, Json] = {"id": TEXT, "identities": several(connection=TEXT, provider=TEXT)}
    s = session(
        tool("create_user", {"connection": TEXT, "name": TEXT}, user, "POST /users"),
        tool("get_user", {"id": TEXT}, user, "GET /users/{id}"),
    )
    made = s.call("create_user", {"connection": "work", "name": "Ann"}).content
    assert {identity["connection"] for identity in made["identities"]} == {"work"}
    assert s.call("get_user", {"id": made["id"]}).content == made


def test_a_name_or_an_amount_inside_is_not_that_of_the_thing() -> None:
    order: dict[str, Json] = {"id": TEXT, "name": TEXT, "total_price": NUMBER}
    shown = {**order, "lines": several(name=TEXT, total_price=NUMBER)}
    s = session(
        tool("create_order", {"name": TEXT, "total_price": NUMBER}, shown, "POST /orders"),
        tool("get_order", {"id": TEXT}, shown, "GET /orders/{id}"),
    )
    line = s.call("create_order", {"name": "Ann's", "total_price": 123456}).content["lines"][0]
    assert line["name"] != "Ann's" and line["total_price"] != 123456


def test_things_that_were_sent_are_shown_each_in_a_description() -> None:
    listener: dict[str, Json] = {"port": NUMBER, "protocol": TEXT}
    shown = several(listener=thing(**listener), policies={"type": "array", "items": TEXT})
    balancer: dict[str, Json] = {"name": TEXT, "listener_descriptions": shown}
    s = session(
        tool("create_balancer", {"name": TEXT, "listeners": several(**listener)}, {}),
        tool("describe_balancer", {"name": TEXT}, balancer),
    )
    sent = [{"port": 80, "protocol": "http"}, {"port": 443, "protocol": "https"}]
    s.call("create_balancer", {"name": "edge", "listeners": sent})
    found = s.call("describe_balancer", {"name": "edge"}).content["listener_descriptions"]
    assert [item["listener"] for item in found] == sent


def test_arguments_are_repeated_around_what_is_answered() -> None:
    used = thing(table_name=TEXT, units=NUMBER)
    item: dict[str, Json] = {"item_id": TEXT, "color": TEXT}
    s = session(
        tool("put_item", {"table_name": TEXT, "item_id": TEXT, "color": TEXT}, {}),
        tool("get_item", {"table_name": TEXT, "item_id": TEXT}, {"item": thing(**item), "consumed": used}),
    )
    s.call("put_item", {"table_name": "stock", "item_id": "a", "color": "red"})
    assert s.call("get_item", {"table_name": "stock", "item_id": "a"}).content["consumed"]["table_name"] == "stock"


def test_a_thing_is_found_under_another_name_by_the_key_that_the_server_gave_it() -> None:
    s = session(
        tool("run_job_flow", {"name": TEXT, "log_uri": TEXT}, {"job_flow_id": TEXT}),
        tool("list_job_flows", {}, {"job_flows": several(job_flow_id=TEXT)}),
        tool("describe_cluster", {"cluster_id": TEXT}, {"cluster": thing(id=TEXT, name=TEXT, log_uri=TEXT)}),
    )
    flow = s.call("run_job_flow", {"name": "nightly", "log_uri": "s3://logs"}).content["job_flow_id"]
    cluster = s.call("describe_cluster", {"cluster_id": flow}).content["cluster"]
    assert (cluster["name"], cluster["log_uri"]) == ("nightly", "s3://logs")


def test_a_key_that_its_caller_chose_tells_nothing_of_other_things() -> None:
    s = session(
        tool("create_bucket", {"bucket_id": TEXT, "owner_name": TEXT}, {"bucket_id": TEXT, "owner_name": TEXT}),
        tool("get_bucket", {"bucket_id": TEXT}, {"bucket_id": TEXT, "owner_name": TEXT}),
        tool("get_stream", {"stream_id": TEXT}, {"stream_id": TEXT, "owner_name": TEXT}),
        world="auto",
    )
    s.call("create_bucket", {"bucket_id": "logs-2026", "owner_name": "Ann"})
    assert s.call("get_stream", {"stream_id": "logs-2026"}).content["owner_name"] != "Ann"


def test_what_was_made_by_a_post_on_a_single_path_is_read_there() -> None:
    setup: dict[str, Json] = {"strategy": TEXT, "mapping": several(mine=TEXT, theirs=TEXT), "automatic": FLAG}
    site: dict[str, Json] = {"id": TEXT, "strategy": TEXT}
    sent: dict[str, Json] = {"site_id": TEXT, "mapping": setup["mapping"], "automatic": FLAG}
    s = session(
        tool("create_site", {"strategy": TEXT}, site, "POST /sites"),
        tool("get_site", {"site_id": TEXT}, site, "GET /sites/{site_id}"),
        tool("create_setup", sent, setup, "POST /sites/{site_id}/setup"),
        tool("get_setup", {"site_id": TEXT}, setup, "GET /sites/{site_id}/setup"),
        tool("update_setup", sent, setup, "PATCH /sites/{site_id}/setup"),
        tool("delete_setup", {"site_id": TEXT}, {}, "DELETE /sites/{site_id}/setup"),
    )
    key = s.call("create_site", {"strategy": "google"}).content["id"]
    given: dict[str, Json] = {"mapping": [{"mine": "a", "theirs": "b"}], "automatic": True}
    made = s.call("create_setup", {"site_id": key, **given}).content
    assert made == {"strategy": "google", **given}
    assert s.call("get_setup", {"site_id": key}).content == made
    s.call("delete_setup", {"site_id": key})
    assert s.call("get_setup", {"site_id": key}).is_error


def test_an_operation_ends_with_its_thing_and_can_be_asked_for() -> None:
    error = thing(code=NUMBER, message=TEXT)
    operation: dict[str, Json] = {"name": TEXT, "done": FLAG, "metadata": FREE, "response": FREE, "error": error}
    node: dict[str, Json] = {"name": TEXT, "size": NUMBER, "zone": TEXT}
    s = session(
        tool("create_node", {"name": TEXT, "size": NUMBER}, operation, "POST /nodes"),
        tool("get_node", {"name": TEXT}, node, "GET /nodes/{name}"),
        tool("create_disk", {"name": TEXT, "size": NUMBER}, operation, "POST /disks"),
        tool("get_disk", {"name": TEXT}, node, "GET /disks/{name}"),
        tool("get_operation", {"name": TEXT}, operation, "GET /operations/{name}"),
        world="auto",
    )
    told = s.call("create_node", {"name": "n1", "size": 4}).content
    assert told["done"] is True and told["response"]["size"] == 4 and told["metadata"]["node"]["name"] == "n1"
    assert s.call("get_operation", {"name": told["name"]}).content["response"] == told["response"]
    assert s.call("get_node", {"name": "n1"}).content["size"] == 4


def test_what_answers_the_key_of_another_thing_makes_that() -> None:
    request: dict[str, Json] = {"fleet_request_id": TEXT, "name": TEXT}
    s = session(
        tool("create_fleet", {"name": TEXT}, {"fleet_request_id": TEXT}),
        tool("describe_fleet_requests", {}, {"fleet_requests": several(**request)}),
        tool("delete_fleet_request", {"fleet_request_id": TEXT}, {}),
    )
    made = [s.call("create_fleet", {"name": name}).content["fleet_request_id"] for name in ("a", "b")]
    listed = s.call("describe_fleet_requests", {}).content["fleet_requests"]
    assert [(r["fleet_request_id"], r["name"]) for r in listed] == [(made[0], "a"), (made[1], "b")]


def test_what_is_said_to_a_thing_makes_none() -> None:
    channel: dict[str, Json] = {"channel_id": TEXT, "name": TEXT}
    s = session(
        tool("create_channel", {"name": TEXT}, channel),
        tool("list_channels", {}, {"channels": several(**channel)}),
        tool("post_message", {"channel": TEXT, "text": TEXT}, {"channel_id": TEXT, "ts": TEXT}),
    )
    s.call("create_channel", {"name": "general"})
    s.call("post_message", {"channel": "general", "text": "hi"})
    assert [one["name"] for one in s.call("list_channels", {}).content["channels"]] == ["general"]


def test_the_id_of_another_thing_is_not_found() -> None:
    order: dict[str, Json] = {"order_id": TEXT, "user_id": TEXT, "status": TEXT}
    s = session(
        tool("create_user", {"name": TEXT}, {"user_id": TEXT, "name": TEXT}),
        tool("create_order", {"user_id": TEXT}, order),
        tool("get_order", {"order_id": TEXT}, order),
        tool("cancel_order", {"order_id": TEXT}, order),
        tool("list_orders", {}, {"orders": several(**order)}),
    )
    user = s.call("create_user", {"name": "Ann"}).content["user_id"]
    assert s.call("cancel_order", {"order_id": user}).is_error
    assert s.call("get_order", {"order_id": user}).is_error
    assert s.call("list_orders", {}).content["orders"] == []


def test_a_receipt_with_ids_of_several_things_makes_none_of_them() -> None:
    user: dict[str, Json] = {"user_id": TEXT, "name": TEXT}
    s = session(
        tool("log_time", {"hours": NUMBER}, {"entry_id": TEXT, "user_id": TEXT}),
        tool("list_users", {}, {"users": several(**user)}),
        tool("get_user", {"user_id": TEXT}, user),
        tool("create_user", {"name": TEXT}, user),
    )
    s.call("create_user", {"name": "Ann"})
    s.call("log_time", {"hours": 3})
    assert [user["name"] for user in s.call("list_users", {}).content["users"]] == ["Ann"]


def test_a_put_finds_its_key_inside_of_its_argument() -> None:
    rule: dict[str, Json] = {"rule_name": TEXT, "scope": TEXT}
    s = session(
        tool("put_rule", {"rule": thing(**rule)}, {}),
        tool("describe_rule", {"rule_name": TEXT}, {"rule": thing(**rule)}),
        tool("list_rules", {}, {"rules": several(**rule)}),
        tool("delete_rule", {"rule_name": TEXT}, {}),
    )
    for scope in ("all", "some"):
        s.call("put_rule", {"rule": {"rule_name": "r1", "scope": scope}})
        assert s.call("describe_rule", {"rule_name": "r1"}).content["rule"] == {"rule_name": "r1", "scope": scope}
    assert len(s.call("list_rules", {}).content["rules"]) == 1
    s.call("delete_rule", {"rule_name": "r1"})
    assert s.call("describe_rule", {"rule_name": "r1"}).is_error


def test_things_that_are_imported_are_there() -> None:
    finding: dict[str, Json] = {"id": TEXT, "title": TEXT}
    s = session(
        tool("import_findings", {"findings": several(**finding)}, {"success_count": NUMBER}, "POST /findings/import"),
        tool("list_findings", {}, {"findings": several(**finding)}, "GET /findings"),
    )
    sent = [{"id": "f1", "title": "one"}, {"id": "f2", "title": "two"}]
    s.call("import_findings", {"findings": sent})
    assert s.call("list_findings", {}).content["findings"] == sent


def test_another_list_of_the_same_things_shows_them() -> None:
    zone: dict[str, Json] = {"id": TEXT, "name": TEXT}
    s = session(
        tool("create_zone", {"name": TEXT}, zone, "POST /zone"),
        tool("get_zone", {"id": TEXT}, zone, "GET /zone/{id}"),
        tool("list_zones_by_name", {}, {"zones": several(**zone)}, "GET /zonesbyname", {"dns_name": TEXT}),
    )
    made = s.call("create_zone", {"name": "example.com"}).content
    assert s.call("list_zones_by_name", {}).content["zones"] == [made]


def test_an_object_called_as_what_is_answered_holds_the_fields() -> None:
    fields: dict[str, Json] = {"name": TEXT, "type": TEXT, "ttl": TEXT}
    shown = {"dns_record": thing(id=NUMBER, **fields)}
    sent: dict[str, Json] = {"zone_id": NUMBER, "dns_record": thing(**fields)}
    s = session(
        tool("list_zones", {}, {"zones": several(id=NUMBER)}, "GET /zones"),
        tool("create_record", sent, shown, "POST /zones/{zone_id}/records"),
        tool("list_records", {"zone_id": NUMBER}, {"dns_zone": thing(id=NUMBER)}, "GET /zones/{zone_id}/records"),
        tool(
            "change_record",
            {"zone_id": NUMBER, "name": TEXT},
            {**shown, "at": TEXT},
            "PUT /zones/{zone_id}/records/{name}",
        ),
        tool("delete_record", {"zone_id": NUMBER, "name": TEXT}, {}, "DELETE /zones/{zone_id}/records/{name}"),
        world="auto",
    )
    record = {"name": "www", "type": "A", "ttl": "60"}
    made = s.call("create_record", {"zone_id": 2, "dns_record": record}).content["dns_record"]
    assert {**made, "id": 0} == {**record, "id": 0}


def test_a_name_with_another_value_inside_of_an_object_is_another_thing() -> None:
    record: dict[str, Json] = {"id": NUMBER, "name": TEXT, "value": thing(text=TEXT)}
    s = session(
        tool("create_record", {"name": TEXT, "value": thing(text=TEXT)}, record, "POST /records"),
        tool("get_record", {"id": NUMBER}, record, "GET /records/{id}"),
        tool("list_records", {}, {"records": several(**record)}, "GET /records"),
        tool("change_record", {"id": NUMBER, "name": TEXT}, record, "PATCH /records/{id}"),
    )
    for text in ("one", "two"):
        assert not s.call("create_record", {"name": "_acme", "value": {"text": text}}).is_error
    assert s.call("create_record", {"name": "_acme", "value": {"text": "one"}}).is_error
    assert len(s.call("list_records", {}).content["records"]) == 2


def test_a_list_at_the_path_of_what_holds_things_shows_them_by_their_keys() -> None:
    shown = several(Key=TEXT, Size=NUMBER)
    listed: dict[str, Json] = {"Contents": shown, "CommonPrefixes": several(Prefix=TEXT), "Name": TEXT}
    put: dict[str, Json] = {"Bucket": TEXT, "Key": TEXT, "Body": TEXT}
    s = session(
        tool("PutObject", put, {"ETag": TEXT, "Owner": thing(ID=TEXT)}, "PUT /{Bucket}/{Key}"),
        tool("GetObject", {"Bucket": TEXT, "Key": TEXT}, {"Body": TEXT, "ID": TEXT}, "GET /{Bucket}/{Key}"),
        tool("DeleteObject", {"Bucket": TEXT, "Key": TEXT}, {}, "DELETE /{Bucket}/{Key}"),
        tool("CreateBucket", {"Bucket": TEXT}, {}, "PUT /{Bucket}"),
        tool("ListObjects", {"Bucket": TEXT}, listed, "GET /{Bucket}"),
    )
    s.call("CreateBucket", {"Bucket": "b"})
    for key in ("one", "two"):
        s.call("PutObject", {"Bucket": "b", "Key": key, "Body": "text"})
    s.call("DeleteObject", {"Bucket": "b", "Key": "one"})
    assert [item["Key"] for item in s.call("ListObjects", {"Bucket": "b"}).content["Contents"]] == ["two"]


def test_a_summary_inside_of_a_thing_is_what_its_list_shows() -> None:
    summary = thing(id=TEXT, name=TEXT)
    sent: dict[str, Json] = {"name": TEXT, "content": TEXT}
    s = session(
        tool("create_policy", sent, {"policy": thing(policy_summary=summary, content=TEXT)}),
        tool("describe_policy", {"policy_id": TEXT}, {"policy": thing(policy_summary=summary, content=TEXT)}),
        tool("list_policies", {}, {"policies": several(id=TEXT, name=TEXT)}),
    )
    made = s.call("create_policy", {"name": "p1", "content": "c"}).content["policy"]["policy_summary"]
    assert s.call("list_policies", {}).content["policies"] == [{"id": made["id"], "name": "p1"}]


def test_a_run_has_what_is_said_of_what_it_is_a_run_of() -> None:
    where = thing(kind=TEXT, image=TEXT)
    project: dict[str, Json] = {"name": TEXT, "description": TEXT, "service_role": TEXT, "environment": where}
    build: dict[str, Json] = {"id": TEXT, "project_name": TEXT, "description": TEXT, "environment": where}
    s = session(
        tool("create_project", project, {"project": thing(**project)}),
        tool("get_project", {"name": TEXT}, {"project": thing(**project)}),
        tool("start_build", {"project_name": TEXT}, {"build": thing(**build)}),
        tool("get_build", {"id": TEXT}, {"build": thing(**build)}),
    )
    given = {"kind": "LINUX", "image": "i1"}
    s.call("create_project", {"name": "web", "description": "d", "service_role": "r", "environment": given})
    made = s.call("start_build", {"project_name": "web"}).content["build"]
    assert made["environment"] == given and made["description"] != "d"
    assert s.call("get_build", {"id": made["id"]}).content["build"] == made


def test_a_list_finds_a_thing_by_its_address_where_its_key_is_asked_for() -> None:
    cluster: dict[str, Json] = {"cluster_identifier": TEXT, "cluster_arn": {**TEXT, "pattern": "^arn:aws:.*$"}}
    s = session(
        tool("create_cluster", {"cluster_identifier": TEXT}, {"cluster": thing(**cluster)}),
        tool("describe_clusters", {}, {"clusters": several(**cluster)}, optional={"cluster_identifier": TEXT}),
        tool("delete_cluster", {"cluster_identifier": TEXT}, {}),
    )
    made = [s.call("create_cluster", {"cluster_identifier": name}).content["cluster"] for name in ("a", "b")]
    found = s.call("describe_clusters", {"cluster_identifier": made[1]["cluster_arn"]}).content["clusters"]
    assert found == [made[1]]


def test_a_search_finds_the_things_that_its_answer_is_called_after() -> None:
    part: dict[str, Json] = {"part_name": TEXT, "color": TEXT}
    s = session(
        tool("create_part", part, part),
        tool("list_parts", {}, {"parts": several(**part)}),
        tool("delete_part", {"part_name": TEXT}, {}),
        tool("search_index", {"index_name": TEXT}, {"parts": several(**part), "next_token": TEXT}),
    )
    s.call("create_part", {"part_name": "bolt", "color": "red"})
    found = s.call("search_index", {"index_name": "all"}).content["parts"]
    assert found == [{"part_name": "bolt", "color": "red"}]
