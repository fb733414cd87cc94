"""Desks: one desk is one account of a vendor, with its configuration, credentials and schedule."""
