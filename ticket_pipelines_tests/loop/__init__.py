"""The loop over due desks."""
