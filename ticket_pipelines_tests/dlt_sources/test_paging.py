"""Pages of any size give every record once: QContact, which cuts a page that is too large, and Zoho CRM.

Zendesk's lists and exports: `zendesk/test_lists.py`, `zendesk/test_exports.py`; Zoho Desk's windows:
`zoho_desk/test_windows.py`, `zoho_desk/test_search.py`.
"""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dlt_sources.zoho_crm import walks
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.test_contract import CASES, Account
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

BY_NAME = {case.name: case for case in CASES}
READ = {"qcontact": ("cases",), "zoho_crm": ("contacts", "cases", "products")}
BASE = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(vendor: str, size: int, make_sandbox: MakeSandbox) -> None:
    moving = Moving()
    chosen = {"qcontact": {"most_items": size, "events_page": size}} if vendor == "qcontact" else {}
    moving.vendor = make_sandbox(now=moving.time, frozen=True, **chosen).vendors[vendor]
    account = Account(BY_NAME[vendor], moving.vendor, moving)
    with patch.object(walks, "LIST_PAGE", size):
        for name in READ[vendor]:
            stream = account.stream(name)
            pages = list(account.client.pages(stream, {}))
            records = [record for page in pages for record in values(page.records)]
            # the rows of the second at which a page ends may come again; what was deleted is told of besides
            found = {str(record[stream.key]) for record in records if "$deletion_type" not in record}
            assert found == account.held(stream), name
            assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True], name
    account.client.close()


@pytest.mark.parametrize("vendor", sorted(READ))
@settings(BASE, max_examples=3)
@given(size=st.integers(2, 60))
def test_pages_of_any_size_give_every_record(vendor: str, size: int, make_sandbox: MakeSandbox) -> None:
    check(vendor, size, make_sandbox)


@pytest.mark.torture
@pytest.mark.parametrize("vendor", sorted(READ))
@settings(BASE, max_examples=100, derandomize=False)
@given(size=st.integers(2, 60))
def test_pages_of_many_sizes_give_every_record(vendor: str, size: int, make_sandbox: MakeSandbox) -> None:
    check(vendor, size, make_sandbox)
