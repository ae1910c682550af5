"""Arithmetic that no model does: stock and balances by declared rules, from a world that you seeded.

python examples/inventory.py [MODEL]       # the rules are in shop/gtm.yaml
"""

import sys
from pathlib import Path

from gtm import Simulator, load_toolset

MODEL = (sys.argv[1:] or ["gtm-135m"])[0]
SHOP = Path(__file__).parent / "shop"
SPEC = load_toolset(SHOP / "shop.openai.json")

with Simulator(SPEC, model=MODEL, config=SHOP / "gtm.yaml") as simulator, simulator.session() as session:
    print("stock:   ", [(item["sku"], item["quantity"]) for item in session.call("list_items").content["items"]])
    print("worth:   ", session.call("stock_value").content)
    print("sold:    ", session.call("adjust_stock", {"sku": "CAKE-1", "delta": -2}).text)
    print("refused: ", session.call("adjust_stock", {"sku": "CAKE-1", "delta": -2}).text)
    print("worth:   ", session.call("stock_value").content)
    print("paid:    ", session.call("transfer", {"source": "till", "target": "mill", "amount": 99.5}).text)
    print("refused: ", session.call("transfer", {"source": "till", "target": "mill", "amount": 200}).text)
    print("balances:", [session.call("get_account", {"account_id": a}).content["balance"] for a in ("till", "mill")])
