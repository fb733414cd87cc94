"""Alembic migrations of the control database; one file a step in `versions/`."""
