"""The command line `ticket-pipelines`: one file a noun; nothing heavy is imported before a command needs it."""

from ticket_pipelines.cli.app import main

__all__ = ["main"]
