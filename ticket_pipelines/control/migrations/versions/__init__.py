"""The steps, oldest first; `ticket_pipelines.control.migrate.HEAD` names the newest."""
