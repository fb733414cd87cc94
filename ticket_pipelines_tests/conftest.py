"""Loads the shared fixtures (one thing a file in `fixtures/`)."""

pytest_plugins = [
    "ticket_pipelines_tests.fixtures.sandbox",
    "ticket_pipelines_tests.fixtures.postgres",
    "ticket_pipelines_tests.fixtures.clickhouse",
    "ticket_pipelines_tests.fixtures.warehouse",
    "ticket_pipelines_tests.fixtures.project",
    "ticket_pipelines_tests.fixtures.control",
    "ticket_pipelines_tests.fixtures.torture",
]
