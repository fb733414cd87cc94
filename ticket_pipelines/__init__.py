"""ticket_pipelines."""
