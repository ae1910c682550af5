"""Recordings of other tools as cassettes."""
