"""Syncs whose process is killed anywhere: the next one leaves what an undisturbed one leaves."""
