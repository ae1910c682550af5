"""Definitions in: every format becomes `Tool`s with self-contained schemas, and schemas become shapes and values."""
