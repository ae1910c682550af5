"""How like a true response an answer is: pure functions, one module a metric, `response` puts them together."""
