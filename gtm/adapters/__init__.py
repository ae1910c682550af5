"""Simulated tools inside other frameworks, one module a framework."""
