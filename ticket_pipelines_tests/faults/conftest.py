"""A ward a vendor, shared by the trials of a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from dlt_sources import VENDORS
from dlt_sources.qcontact.client import open_client as open_qcontact
from dlt_sources.zendesk.client import open_client as open_zendesk
from dlt_sources.zoho_crm.client import open_client as open_zoho_crm
from dlt_sources.zoho_desk.client import open_client as open_zoho_desk
from ticket_pipelines.control import connection
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.project import open_project
from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync import engine, load, session
from ticket_pipelines_tests.crash.cases import CASES
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.faults.trial import Ward

OPEN: dict[str, Callable[..., Any]] = {
    "zendesk": open_zendesk,
    "zoho_desk": open_zoho_desk,
    "zoho_crm": open_zoho_crm,
    "qcontact": open_qcontact,
}
TICKETS = 12


@pytest.fixture(scope="module", params=sorted(OPEN))
def ward(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """Desks of one vendor, with small pages."""
    vendor, moving = request.param, Moving()
    case, known = CASES[vendor], VENDORS[vendor]

    def opened(config: Any, credentials: Any, budgets: Any, tokens: Any) -> Any:
        return OPEN[vendor](config, credentials, budgets, tokens=tokens, clock=moving.clock)

    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        options = Options(tickets=TICKETS, now=moving.time, frozen=True)
        server = stack.enter_context(SandboxServer(options, settings={vendor: dict(case.settings)}))
        moving.vendor = server.vendors[vendor]
        home = tmp_path_factory.mktemp(vendor)
        patch.setattr(connection, "BUSY_SECONDS", 0.5)
        project = stack.enter_context(open_project({"TICKETS_HOME": str(home)}))
        patch.setitem(VENDORS, vendor, replace(known, open=opened))  # type: ignore[arg-type]
        patch.setattr(session, "ControlBudgets", partial(ControlBudgets, now=moving.clock.now))
        patch.setattr(engine, "time", SimpleNamespace(monotonic=moving.clock.now, sleep=moving.clock.sleep))
        patch.setattr(load, "DELAYS", (0.0,) * len(load.DELAYS))
        case.shrink(patch.setattr)
        made = Ward(project, case, moving.vendor, moving)
        made.undisturbed()
        yield made
