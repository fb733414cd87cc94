"""Whole chains: sandbox, sync, warehouse."""
