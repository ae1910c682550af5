"""Drift of declared arithmetic: random calls against plain Python, every number compared after every step.

python recipes/check_arithmetic.py [--sequences 1000] [--steps 20] [--model scripted|gtm-135m]

Half of the sequences start from the documents of examples/shop/gtm.yaml, half from a world that nobody has seen,
where a number starts at what a read showed first, else at zero. Exit 1 where anything drifts.
"""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

from gtm import Simulator, load_toolset
from gtm.simulator.config import Config
from gtm.simulator.session import Session

EXAMPLES = Path(__file__).parent.parent / "examples"
ACCOUNTS, ITEMS = ("till", "mill"), ("RYE-1", "ROLL-1", "CAKE-1")


class Books:
    """The same shop in plain Python; a number that nobody has seen is not there."""

    def __init__(self, initial: dict[str, Any]) -> None:
        self.balances = {one["account_id"]: one["balance"] for one in initial.get("account", ())}
        self.quantities = {one["sku"]: one["quantity"] for one in initial.get("item", ())}

    def adjust_stock(self, sku: str, delta: int) -> dict[str, Any] | None:
        found = self.quantities.setdefault(sku, 0) + delta
        if found < 0:
            return None
        self.quantities[sku] = found
        return {"quantity": found}

    def deposit(self, account_id: str, amount: float) -> dict[str, Any] | None:
        self.balances[account_id] = round(self.balances.get(account_id, 0) + amount, 2)
        return {"balance": self.balances[account_id]}

    def transfer(self, source: str, target: str, amount: float) -> dict[str, Any] | None:
        if source == target or self.balances.setdefault(source, 0) < amount:
            return None
        self.balances[source] = round(self.balances[source] - amount, 2)
        self.balances[target] = round(self.balances.get(target, 0) + amount, 2)
        return {"moved": amount}

    def get_account(self, account_id: str) -> dict[str, Any]:
        return {"balance": self.balances.get(account_id)}

    def get_item(self, sku: str) -> dict[str, Any]:
        return {"quantity": self.quantities.get(sku)}

    def learn(self, tool: str, shown: dict[str, Any]) -> None:
        """A read of what nobody has seen fixes it."""
        if tool == "get_account":
            self.balances.setdefault(shown["account_id"], shown["balance"])
        elif tool == "get_item":
            self.quantities.setdefault(shown["sku"], shown["quantity"])


def some_call(rng: random.Random) -> tuple[str, dict[str, Any]]:
    tool = rng.choice(("adjust_stock", "deposit", "transfer", "transfer", "get_account", "get_item"))
    amount = rng.choice((rng.randint(1, 200), round(rng.uniform(0.01, 150), 2)))
    if tool == "adjust_stock":
        return tool, {"sku": rng.choice(ITEMS), "delta": rng.randint(-12, 12)}
    if tool == "transfer":
        return tool, {"source": rng.choice(ACCOUNTS), "target": rng.choice(ACCOUNTS), "amount": amount}
    if tool == "deposit":
        return tool, {"account_id": rng.choice(ACCOUNTS), "amount": amount}
    name, keys = ("account_id", ACCOUNTS) if tool == "get_account" else ("sku", ITEMS)
    return tool, {name: rng.choice(keys)}


def drift(session: Session, books: Books, steps: int, rng: random.Random) -> tuple[int, int]:
    """(numbers that differ, refusals) of one sequence."""
    wrong = refused = 0
    for _ in range(steps):
        tool, arguments = some_call(rng)
        expected = getattr(books, tool)(**arguments)
        result = session.call(tool, arguments)
        refused += result.is_error
        if expected is None or result.is_error:
            wrong += (expected is None) != result.is_error
            continue
        books.learn(tool, result.content)
        wrong += sum(result.content[name] != value for name, value in expected.items() if value is not None)
    for key, balance in books.balances.items():
        wrong += session.call("get_account", {"account_id": key}).content["balance"] != balance
    for key, quantity in books.quantities.items():
        wrong += session.call("get_item", {"sku": key}).content["quantity"] != quantity
    return wrong, refused


def main() -> int:
    parser = argparse.ArgumentParser(description="Drift of declared arithmetic against plain Python.")
    parser.add_argument("--sequences", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--model", default="scripted")
    given = parser.parse_args()
    toolset = load_toolset(EXAMPLES / "shop" / "shop.openai.json")
    seeded = Config.load(EXAMPLES / "shop" / "gtm.yaml")
    total = refusals = 0
    began = time.perf_counter()
    for config in (seeded, seeded.model_copy(update={"initial": {}})):
        with Simulator(toolset, model=given.model, config=config) as simulator:
            for number in range(given.sequences // 2):
                session = simulator.session(seed=number)
                wrong, refused = drift(session, Books(dict(config.initial)), given.steps, random.Random(number))
                total, refusals = total + wrong, refusals + refused
    steps = given.sequences // 2 * 2 * given.steps
    print(f"sequences {given.sequences // 2 * 2}, steps {steps}, refusals {refusals}, drift {total}", end="")
    print(f" ({time.perf_counter() - began:.1f} s, {given.model})")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
