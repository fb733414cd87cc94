"""Zoho CRM against the warehouse: modules are listed by id and time of change alone."""

from __future__ import annotations

from ticket_pipelines_tests.end_to_end.zoho_crm.conftest import MakeCrmDesk
from ticket_pipelines_tests.fixtures.reconciling import of, prove, reconcile
from ticket_pipelines_tests.fixtures.warehouse import others_in_torture


@others_in_torture
def test_what_is_spoilt_is_found_and_repaired(make_crm: MakeCrmDesk, warehouse_url: str) -> None:
    desk = make_crm(modules=["Cases", "Contacts"], warehouse_url=warehouse_url)
    desk.synced()
    lost, old = sorted(desk.ids("zoho_crm_cases"))[:2]
    prove(desk, "cases", "zoho_crm_cases", lost, old, "999")

    desk.forget()
    done = reconcile(desk)
    assert {found.outcome for found in done.found} == {"equal"}
    assert of(done, "contacts").source_rows == len(desk.ids("zoho_crm_contacts"))
    lists = [entry for entry in desk.requests("/crm/v8/Contacts") if "sort_by" in str(entry)]
    assert lists
    assert all("Last_Name" not in str(entry) and "Modified_Time" in str(entry) for entry in lists)


def test_a_module_that_is_forbidden_is_said(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases", "Contacts"])
    desk.synced()
    desk.vendor.control.fail(status=403, match="/crm/v8/Contacts", times=None, body={"code": "NO_PERMISSION"})
    done = reconcile(desk, "cases", "contacts", repair=True)
    assert (of(done, "cases").outcome, of(done, "contacts").outcome) == ("equal", "not compared")
    assert "NO_PERMISSION" in (of(done, "contacts").reason or "")
    assert desk.ids("zoho_crm_contacts", "deleted_at IS NOT NULL") == set()


def test_modules_that_no_release_knows_are_compared_by_their_group(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases", "Order"])
    desk.synced()
    done = reconcile(desk, "custom_modules")
    assert [(found.stream, found.outcome) for found in done.found] == [("order", "equal")]
