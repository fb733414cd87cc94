"""Dagster: definitions, assets, checks, sensors, schedules and the jobs run in this process."""
