"""Declared effects and seeded worlds, through the public door."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gtm import Simulator, Tool, Toolset
from gtm.errors import ConfigError
from gtm.simulator.config import Config
from gtm.simulator.session import Session
from gtm.types import Result
from gtm.world.store import open_store

ROOT = Path(__file__).parent.parent.parent


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


ACCOUNT = thing(id={"type": "integer"}, owner={"type": "string"}, balance={"type": "number"})
ITEM = thing(
    sku={"type": "string"},
    quantity={"type": "integer", "minimum": 0, "maximum": 1000},
    size=thing(width={"type": "integer"}, height={"type": "integer"}),
)


def tool(name: str, output: Any = None, **arguments: str) -> Tool:
    properties = {key: {"type": kind} for key, kind in arguments.items()}
    parameters = {"type": "object", "properties": properties, "required": list(arguments)}
    return Tool(name=name, parameters=parameters, output_schema=output)


BANK = Toolset(
    name="bank",
    kind="openai",
    tools=(
        tool("create_account", ACCOUNT, owner="string"),
        tool("get_account", ACCOUNT, id="integer"),
        tool("list_accounts", thing(accounts={"type": "array", "items": ACCOUNT})),
        tool("withdraw", ACCOUNT, id="integer", amount="number"),
        tool("transfer", thing(ok={"type": "boolean"}), source="integer", target="integer", amount="number"),
        tool("total", thing(total={"type": "number"})),
        tool("get_item", ITEM, sku="string"),
        tool("adjust_item", ITEM, sku="string", delta="number"),
    ),
)

WITHDRAW: dict[str, Any] = {
    "kind": "update",
    "resource": "account",
    "key": "id",
    "require": {
        "that": "state.balance >= args.amount",
        "error": "insufficient funds",
        "status": 402,
        "kind": "broke",
    },
    "set": {"balance": "state.balance - args.amount"},
}
TRANSFER: dict[str, Any] = {
    "kind": "compute",
    "writes": [
        {
            "resource": "account",
            "key": "args.source",
            "require": "state.balance >= args.amount",
            "error": "insufficient funds",
            "set": {"balance": "state.balance - args.amount"},
        },
        {"resource": "account", "key": "args.target", "set": {"balance": "state.balance + args.amount"}},
    ],
    "emit": {"ok": True},
}
ADJUST: dict[str, Any] = {
    "kind": "update",
    "resource": "item",
    "key": ["sku"],
    "set": {"quantity": "state.quantity + args.delta", "size.width": "args.delta > 10.0 ? 2 : 1"},
}
TOTAL: dict[str, Any] = {"kind": "compute", "emit": {"total": "sum(world.account.map(a, a.balance))"}}
EFFECTS = {"withdraw": WITHDRAW, "transfer": TRANSFER, "total": TOTAL, "adjust_item": ADJUST}


def configured(initial: Any = None, **effects: Any) -> Config:
    tools = {name: {"effect": effect} for name, effect in {**EFFECTS, **effects}.items()}
    return Config.parse({"tools": tools, "initial": initial or {}})


def bank(seeds: Any = None, toolset: Toolset = BANK, **options: Any) -> Session:
    effects = options.pop("effects", {})
    return Simulator(toolset, model="scripted", config=configured(seeds, **effects), cache=False).session(**options)


def balance(session: Session, key: int) -> Any:
    return session.call("get_account", {"id": key}).content["balance"]


TWO = {"account": [{"id": 1, "owner": "Ada", "balance": 100}, {"id": 2, "owner": "Bo", "balance": 5.5}]}


def test_what_a_rule_sets_is_answered_stored_and_marked() -> None:
    session = bank(TWO)
    result = session.call("withdraw", {"id": 1, "amount": 30})
    assert result.content == {"id": 1, "owner": "Ada", "balance": 70}
    assert result.provenance["/balance"] == "computed"
    assert session.call("get_account", {"id": 1}).content == result.content
    assert result.content in session.call("list_accounts").content["accounts"]


def test_a_requirement_that_does_not_hold_is_the_tools_own_error() -> None:
    session = bank(TWO)
    before = session.state()
    refused = session.call("withdraw", {"id": 2, "amount": 6})
    assert refused.is_error
    assert refused.error is not None
    assert refused.error.kind == "broke"
    assert "insufficient funds" in refused.text
    assert session.state() == before


def test_an_http_tool_refuses_with_the_declared_status(tmp_path: Path) -> None:
    from tests.samples import pets

    config = Config.parse({"tools": {"updatePet": {"effect": {"require": "args.name != 'Rex'", "status": 422}}}})
    session = Simulator(pets(), model="scripted", config=config, cache=False).session()
    key = session.call("createPet", {"name": "Max"}).content["id"]
    assert session.call("updatePet", {"petId": key, "name": "Rex"}).status == 422
    assert session.call("updatePet", {"petId": key, "name": "Tom"}).content["name"] == "Tom"


def test_a_transfer_touches_both_or_neither() -> None:
    session = bank(TWO)
    assert session.call("transfer", {"source": 1, "target": 2, "amount": 40}).content == {"ok": True}
    assert (balance(session, 1), balance(session, 2)) == (60, 45.5)
    for arguments in ({"source": 2, "target": 1, "amount": 46}, {"source": 1, "target": 3, "amount": 1}):
        assert session.call("transfer", arguments).is_error
        assert (balance(session, 1), balance(session, 2)) == (60, 45.5)
    session.call("transfer", {"source": 1, "target": 1, "amount": 60})
    assert balance(session, 1) == 60


def test_emitted_fields_are_computed_from_the_world() -> None:
    session = bank(TWO)
    session.call("withdraw", {"id": 1, "amount": 0.5})
    result = session.call("total")
    assert result.content == {"total": 105}
    assert result.provenance == {"/total": "computed"}


def test_emitted_fields_see_the_thing_as_it_will_be() -> None:
    output = {**ACCOUNT, "properties": {**ACCOUNT["properties"], "left": {"type": "number"}}}
    tools = (
        *(t for t in BANK.tools if t.name != "withdraw"),
        tool("withdraw", output, id="integer", amount="number"),
    )
    effect = {**WITHDRAW, "emit": {"left": "state.balance + sum(world.account.map(a, a.balance))"}}
    session = bank(TWO, Toolset(name="bank", kind="openai", tools=tools), effects={"withdraw": effect})
    assert session.call("withdraw", {"id": 1, "amount": 30}).content["left"] == 70 + 75.5


def test_an_amount_is_no_field_and_a_dotted_target_is_one_inside() -> None:
    session = bank({"item": [{"sku": "a", "quantity": 3, "size": {"width": 9, "height": 4}}]})
    expected = {"sku": "a", "quantity": 7, "size": {"width": 1, "height": 4}}
    assert session.call("adjust_item", {"sku": "a", "delta": 4.0}).content == expected
    assert session.state()['["item"]']["documents"][0][1] == expected


@pytest.mark.parametrize(("delta", "cause"), [(-9, "below 0"), (5000, "above 1000"), (0.5, "no integer")])
def test_what_the_schema_forbids_is_refused(delta: float, cause: str) -> None:
    session = bank({"item": [{"sku": "a", "quantity": 3, "size": {"width": 9, "height": 4}}]})
    refused = session.call("adjust_item", {"sku": "a", "delta": delta})
    assert refused.is_error
    assert cause in refused.text
    assert session.call("get_item", {"sku": "a"}).content["quantity"] == 3


def test_a_number_nobody_saw_starts_at_nothing_and_no_read_contradicts_it() -> None:
    session = bank()
    assert session.call("withdraw", {"id": 7, "amount": 1}).is_error
    assert balance(session, 7) == 0
    session.call("transfer", {"source": 7, "target": 8, "amount": 0})
    assert balance(session, 8) == 0
    seen = balance(session, 9)
    session.call("withdraw", {"id": 9, "amount": seen})
    assert balance(session, 9) == 0


def test_a_failing_expression_refuses_the_call_and_names_the_cause() -> None:
    effect = {**WITHDRAW, "set": {"balance": "state.balance / args.amount"}}
    session = bank(TWO, effects={"withdraw": effect})
    refused = session.call("withdraw", {"id": 1, "amount": 0})
    assert refused.is_error
    assert "division by zero" in refused.text
    assert balance(session, 1) == 100


def test_an_endless_expression_refuses_the_call() -> None:
    accounts = [{"id": at, "owner": "x", "balance": at} for at in range(1, 1500)]
    endless = "world.account.all(a, world.account.all(b, a.balance + b.balance > 0))"
    session = bank({"account": accounts}, effects={"withdraw": {**WITHDRAW, "require": endless}})
    refused = session.call("withdraw", {"id": 1, "amount": 0})
    assert refused.is_error
    assert "too many steps" in refused.text


def test_rules_on_a_create_and_on_a_delete() -> None:
    tools = (*BANK.tools, tool("delete_account", thing(deleted={"type": "boolean"}), id="integer"))
    effects = {
        "create_account": {"require": "!world.account.exists(a, a.owner == args.owner)", "set": {"balance": 10}},
        "delete_account": {
            "require": {"that": "state.balance > 0", "error": "empty"},
            "writes": [{"resource": "account", "key": "2", "set": {"balance": "state.balance + 1"}}],
        },
    }
    session = bank(TWO, Toolset(name="bank", kind="openai", tools=tools), effects=effects)
    made = session.call("create_account", {"owner": "Cy"}).content
    assert made["balance"] == 10
    assert session.call("create_account", {"owner": "Cy"}).is_error
    assert not session.call("delete_account", {"id": made["id"]}).is_error
    assert balance(session, 2) == 6.5
    assert session.call("get_account", {"id": made["id"]}).is_error


@pytest.mark.parametrize(
    ("effects", "cause"),
    [
        (
            {"total": {"kind": "compute", "emit": {"sum": "1"}}},
            "total.effect.emit: the answer of 'total' has no field",
        ),
        ({"total": {"kind": "compute", "set": {"total": "1"}}}, "total.effect.set: the tool's effect is compute"),
        ({"get_account": {"kind": "read", "resource": "account", "key": "id", "set": {"a": 1}}}, "changes nothing"),
        ({"total": {"kind": "compute", "emit": {"total": "sum(world.acount)"}}}, "did you mean 'account'"),
        ({"total": {"kind": "compute", "writes": [{"resource": "acounts", "key": "1"}]}}, "did you mean 'account'"),
        ({"total": {"kind": "compute", "require": "state.x"}}, "no 'state'"),
    ],
)
def test_rules_that_do_not_fit_the_tools_are_config_errors(effects: Any, cause: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bank(effects=effects)
    assert cause in str(caught.value)


def test_a_seeded_resource_is_complete_and_others_are_imagined() -> None:
    session = bank(TWO)
    assert [a["id"] for a in session.call("list_accounts").content["accounts"]] == [1, 2]
    assert session.call("get_account", {"id": 3}).is_error
    assert not session.call("get_item", {"sku": "x"}).is_error
    made = session.call("create_account", {"owner": "Cy"}).content
    assert session.call("get_account", {"id": made["id"]}).content == made
    session.reset(seed=9)
    assert [a["id"] for a in session.call("list_accounts").content["accounts"]] == [1, 2]


def test_an_empty_seed_is_an_empty_collection() -> None:
    assert bank({"account": []}).call("list_accounts").content == {"accounts": []}


def test_a_session_may_start_from_documents_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text('[{"sku": "a", "quantity": 1, "size": {"width": 1, "height": 1}}]')
    session = bank(TWO, initial={"account": [{"id": 5, "owner": "Eve", "balance": 1}], "item": str(path)})
    assert [a["id"] for a in session.call("list_accounts").content["accounts"]] == [5]
    assert session.call("get_item", {"sku": "a"}).content["quantity"] == 1
    fork = session.fork()
    fork.call("withdraw", {"id": 5, "amount": 1})
    fork.reset()
    assert (balance(session, 5), balance(fork, 5)) == (1, 1)


def test_a_document_without_its_key_gets_one() -> None:
    first, second = (bank({"account": [{"owner": "A"}, {"owner": "B"}]}, seed=seed) for seed in (1, 2))
    keys = [a["id"] for a in first.call("list_accounts").content["accounts"]]
    assert len(set(keys)) == 2
    assert keys == [a["id"] for a in second.call("list_accounts").content["accounts"]]


def test_things_inside_others_are_seeded_by_their_parents_keys() -> None:
    issue = thing(number={"type": "integer"}, title={"type": "string"})
    tools = (
        tool("get_repo", thing(repo_id={"type": "string"}), repo_id="string"),
        tool("get_issue", issue, repo_id="string", number="integer"),
        tool("list_issues", thing(issues={"type": "array", "items": issue}), repo_id="string"),
    )
    effects = {
        "get_issue": {"kind": "read", "resource": "repo/issue", "key": ["repo_id", "number"]},
        "list_issues": {"kind": "list", "resource": "repo/issue", "key": ["repo_id"]},
    }
    config = Config.parse({"tools": {name: {"effect": effect} for name, effect in effects.items()}})
    simulator = Simulator(Toolset(name="t", kind="openai", tools=tools), model="scripted", config=config, cache=False)
    session = simulator.session(initial={"repo/issue": [{"repo_id": "r", "number": 4, "title": "Leak"}]})
    assert session.call("get_issue", {"repo_id": "r", "number": 4}).content["title"] == "Leak"
    assert len(session.call("list_issues", {"repo_id": "r"}).content["issues"]) == 1
    assert session.call("list_issues", {"repo_id": "other"}).is_error
    assert session.call("get_repo", {"repo_id": "r"}).content == {"repo_id": "r"}
    with pytest.raises(ConfigError, match="'repo_id'"):
        simulator.session(initial={"repo/issue": [{"number": 4}]})
    with pytest.raises(ConfigError, match="inside of repo 'r'"):
        simulator.session(initial={"repo": [], "repo/issue": [{"repo_id": "r", "number": 4}]})


def test_a_saved_session_keeps_what_it_was_seeded_with() -> None:
    simulator = Simulator(BANK, model="scripted", config=configured(TWO), cache=False)
    session = simulator.session()
    session.call("withdraw", {"id": 1, "amount": 30})
    loaded = simulator.load_session(session.dump())
    assert balance(loaded, 1) == 70
    loaded.reset()
    assert balance(loaded, 1) == 100


def test_a_stored_session_is_seeded_once(tmp_path: Path) -> None:
    simulator = Simulator(BANK, model="scripted", config=configured(TWO), cache=False)
    for expected in (100, 70):
        store = open_store(str(tmp_path / "sessions.db"))
        assert store is not None
        with store:
            session = simulator.session(store=store, name="a")
            assert balance(session, 1) == expected
            session.call("withdraw", {"id": 1, "amount": 30})
            if expected == 70:
                session.reset()
                assert balance(session, 1) == 100


def test_an_mcp_tool_without_output_schema_follows_rules_too() -> None:
    tools = (
        tool("create_wallet", wallet="string", coins="integer"),
        tool("get_wallet", wallet="string"),
        tool("spend", wallet="string", amount="integer"),
    )
    rules = {"resource": "wallet", "key": "wallet", "set": {"coins": "state.coins - args.amount"}}
    config = Config.parse({"tools": {"spend": {"effect": {**rules, "require": "state.coins >= args.amount"}}}})
    toolset = Toolset(name="m", kind="mcp", tools=tools)
    session = Simulator(toolset, model="scripted", config=config, cache=False).session()
    session.call("create_wallet", {"wallet": "w", "coins": 5})
    assert '"coins": 2' in session.call("spend", {"wallet": "w", "amount": 3}).text
    refused = session.call("spend", {"wallet": "w", "amount": 3})
    assert refused.is_error
    assert refused.text == "this needs state.coins >= args.amount"
    assert '"coins": 2' in session.call("get_wallet", {"wallet": "w"}).text
    assert "amount" not in session.call("get_wallet", {"wallet": "w"}).text


def test_the_same_calls_give_the_same_bytes() -> None:
    def run() -> list[Result]:
        session = bank(TWO)
        return [session.call("transfer", {"source": 1, "target": 2, "amount": n}) for n in (1, 200, 0.1)]

    assert run() == run()


@pytest.mark.timeout(120)
def test_arithmetic_does_not_drift() -> None:
    command = [sys.executable, str(ROOT / "recipes" / "check_arithmetic.py"), "--sequences", "200"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sequences 200, steps 4000" in done.stdout
    assert "drift 0 " in done.stdout
