"""Alerts: rules as data, what they say of each desk, and the channels through which people are told."""
