"""The `gtm` command: one module a verb; what they share is in `terminal` and `options`."""
