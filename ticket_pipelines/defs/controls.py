"""What the command line does with a desk, for the UI: jobs that change its schedule, pause it, let it go on."""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

import dagster as dg
from pydantic import Field

from ticket_pipelines.defs.failures import failure_of
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.desks import resetting
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import TicketPipelinesError


class DeskConfig(dg.Config):
    """Which desk."""

    desk: str = Field(description="key of the desk")


class ScheduleConfig(DeskConfig):
    """When it is synced."""

    schedule: str = Field(description="cron of five fields, or 'every 30s'")
    timezone: str = Field(default="", description="IANA name in which a cron is meant; empty: as it is")


@dg.op(description="Stops scheduled syncs of a desk; a sync by hand still works.")
def pause(context: dg.OpExecutionContext, config: DeskConfig, tickets: dg.ResourceParam[Tickets]) -> None:
    """Pauses."""
    try:
        with tickets.open() as project:
            desk = project.desks.pause(config.desk)
    except TicketPipelinesError as error:
        raise failure_of(error, scheduled=False) from error
    context.log.info(_told(desk))


@dg.op(description="Lets scheduled syncs of a desk go on; one that was parked after a failure is tried at once.")
def resume(context: dg.OpExecutionContext, config: DeskConfig, tickets: dg.ResourceParam[Tickets]) -> None:
    """Resumes."""
    try:
        with tickets.open() as project:
            desk = project.desks.resume(config.desk)
    except TicketPipelinesError as error:
        raise failure_of(error, scheduled=False) from error
    context.log.info(_told(desk))


@dg.op(
    description="Frees a desk that is stuck from whoever syncs it, and tries it at once; its position and rows stay."
)
def reset(context: dg.OpExecutionContext, config: DeskConfig, tickets: dg.ResourceParam[Tickets]) -> None:
    """Resets."""
    try:
        with tickets.open() as project:
            desk, holder = resetting.reset_desk(project, config.desk)
    except TicketPipelinesError as error:
        raise failure_of(error, scheduled=False) from error
    context.log.info(f"{_told(desk)}; it was held by {holder or 'nobody'}")


@dg.op(description="Changes when a desk is synced; running loops follow within seconds.")
def schedule(context: dg.OpExecutionContext, config: ScheduleConfig, tickets: dg.ResourceParam[Tickets]) -> None:
    """Changes schedule and time zone."""
    changed = {"schedule": config.schedule, **({"timezone": config.timezone} if config.timezone else {})}
    try:
        with tickets.open() as project:
            desk = project.desks.update(config.desk, changed)
    except TicketPipelinesError as error:
        raise failure_of(error, scheduled=False) from error
    context.log.info(_told(desk))


def _told(desk: Desk) -> str:
    state = "paused" if desk.paused else f"next due {desk.next_due_at}"
    return f"desk {desk.key}: {desk.schedule} ({desk.timezone}), {state}"


@dg.job(description="Stops scheduled syncs of the desk in its configuration.", executor_def=dg.in_process_executor)
def pause_desk() -> None:
    """One step."""
    pause()


@dg.job(description="Lets scheduled syncs of a desk go on, also of a parked one.", executor_def=dg.in_process_executor)
def resume_desk() -> None:
    """One step."""
    resume()


@dg.job(description="Frees a desk that is stuck, and tries it at once.", executor_def=dg.in_process_executor)
def reset_desk() -> None:
    """One step."""
    reset()


@dg.job(description="Changes the schedule of a desk, without a deploy.", executor_def=dg.in_process_executor)
def schedule_desk() -> None:
    """One step."""
    schedule()


CONTROLS = [pause_desk, resume_desk, reset_desk, schedule_desk]
