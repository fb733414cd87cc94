"""ticket_pipelines_tests."""
