"""QContact against the warehouse: only a record's own page tells its time of change, so each is read."""

from __future__ import annotations

from ticket_pipelines_tests.end_to_end.qcontact.conftest import MakeQContactDesk, QContactDesk
from ticket_pipelines_tests.fixtures.reconciling import named, of, prove, reconcile
from ticket_pipelines_tests.fixtures.warehouse import others_in_torture


@others_in_torture
def test_what_is_spoilt_is_found_and_repaired(make_qcontact: MakeQContactDesk, warehouse_url: str) -> None:
    desk = make_qcontact(warehouse_url=warehouse_url)
    desk.synced()
    lost, old = desk.some("Open"), desk.some("Closed")
    prove(desk, "cases", "qcontact_cases", lost, old, "999999")


def test_a_case_that_no_list_shows_is_called_filtered_and_one_that_is_forbidden_so(desk: QContactDesk) -> None:
    hidden, forbidden, gone = (desk.some(status) for status in ("Open", "Closed", "Escalated"))
    desk.change("hide", id=hidden)
    desk.change("hide", id=forbidden)
    desk.change("delete", id=gone)
    desk.vendor.control.fail(status=403, match=f"/entities/Case/{forbidden}", times=None)

    done = of(reconcile(desk, "cases", repair=True), "cases")

    assert named(done) == sorted(
        [(hidden, "extra", "filtered"), (forbidden, "extra", "no permission"), (gone, "extra", "deleted")]
    )
    assert (done.outcome, done.repaired + done.deleted) == ("repaired", 1)
    assert {hidden, forbidden} < desk.ids("qcontact_cases")
    assert gone not in desk.ids("qcontact_cases")
