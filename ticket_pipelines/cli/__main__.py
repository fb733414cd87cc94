"""`python -m ticket_pipelines.cli`: the same as `ticket-pipelines`."""

from ticket_pipelines.cli import main

main(prog_name="ticket-pipelines")
