"""Alerts: rules, messages that are sent once, and channels over real connections."""
