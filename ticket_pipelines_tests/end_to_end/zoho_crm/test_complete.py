"""Everything arrives, however long a module is, and nothing is asked for twice."""

from __future__ import annotations

from collections import Counter

from ticket_pipelines.sync.result import Mode, Status
from ticket_pipelines_tests.end_to_end.zoho_crm.conftest import READABLE, CrmDesk, MakeCrmDesk

LONG = 25_000


def lists(desk: CrmDesk, module: str) -> list[tuple[tuple[str, str], ...]]:
    """The pages of a module's list that were asked for."""
    wanted = f"/crm/v8/{module}"
    return [tuple(sorted(entry.query.items())) for entry in desk.requests() if entry.path == wanted]


def test_25_000_rows_behind_the_cap_of_2_000_arrive_by_their_list(make_crm: MakeCrmDesk) -> None:
    # an encrypted field keeps contacts out of bulk reads; many change in one second, the others are spread
    desk = make_crm(modules=["Contacts"], settings={"rows": {"Contacts": LONG}}, same_second=6_000)

    result = desk.synced(streams=("contacts",))

    assert desk.ids("zoho_crm_contacts") == {record["id"] for record in desk.held("Contacts")}
    assert desk.ids("contacts") >= desk.ids("zoho_crm_contacts")
    pages = lists(desk, "Contacts")
    assert len(pages) == len(set(pages)) == LONG // 200
    # the list of modules, the fields, the deletions: the rest of what a sync of one module needs
    assert result.api_requests == len(pages) + 4


def test_25_000_rows_arrive_by_bulk_read(make_crm: MakeCrmDesk) -> None:
    settings = {"rows": {"Leads": LONG}, "bulk_rows": 10_000, "bulk_states": ("COMPLETED",)}
    desk = make_crm(modules=["Leads"], settings=settings, same_second=9_000)

    desk.synced(streams=("leads",))

    assert desk.ids("zoho_crm_leads") == {record["id"] for record in desk.held("Leads")}
    counted = Counter((entry.method, entry.path.rpartition("/")[2]) for entry in desk.requests("/crm/bulk/"))
    # three files of up to 10,000 rows: made, asked for and fetched once each
    assert (counted["POST", "read"], counted["GET", "result"], sum(counted.values())) == (3, 3, 9)
    assert len(lists(desk, "Leads")) == 1


def test_behind_the_last_page_token_a_walk_goes_on_from_the_time_it_reached(make_crm: MakeCrmDesk) -> None:
    settings = {"rows": {"Contacts": 5_000}, "token_cap": 2_000}
    desk = make_crm(modules=["Contacts"], settings=settings, same_second=1_500)

    desk.synced(streams=("contacts",))

    assert desk.ids("zoho_crm_contacts") == {record["id"] for record in desk.held("Contacts")}


def test_more_rows_of_one_second_than_a_list_gives_fail_loudly(make_crm: MakeCrmDesk) -> None:
    settings = {"rows": {"Contacts": 3_000}, "token_cap": 1_000}
    desk = make_crm(modules=["Contacts"], settings=settings, same_second=2_000)

    result = desk.sync(streams=("contacts",))

    assert result.error_code == "stalled"
    assert "share one time of change" in (result.error_message or "")


def test_a_sync_without_changes_asks_each_module_once_and_writes_nothing(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=READABLE)
    desk.synced()
    desk.forget()

    result = desk.synced()

    assert (result.rows_created, result.rows_updated, result.rows_deleted) == (0, 0, 0)
    assert max(Counter((entry.path, tuple(sorted(entry.query.items()))) for entry in desk.requests()).values()) == 1
    assert len(lists(desk, "Cases")) == 1
    # 129 fields are three requests
    assert len(lists(desk, "Wide_Surveys")) == 3


def test_rows_by_bulk_read_are_the_rows_by_list(make_crm: MakeCrmDesk) -> None:
    settings = {"rows": {"Leads": 2_100, "Accounts": 2_100}, "bulk_states": ("COMPLETED",)}
    modules = ["Leads", "Accounts"]
    by_file = make_crm("by_file", modules, settings=settings)
    by_list = make_crm("by_list", modules, login="without_bulk", settings=settings)

    by_file.synced(streams=("leads", "accounts"))
    by_list.synced(streams=("leads", "accounts"))

    assert by_file.requests("/result")
    assert not by_list.requests("/result")
    for table in ("zoho_crm_leads", "zoho_crm_accounts", "contacts"):
        rows = {
            desk.key: desk.ask(
                f"SELECT * EXCLUDE (desk, synced_at) FROM helpdesk.{table} WHERE desk = '{desk.key}' ORDER BY id"
            )
            for desk in (by_file, by_list)
        }
        assert rows["by_file"] == rows["by_list"]
        assert len(rows["by_file"]) >= 2_100


def test_a_full_sync_by_bulk_read_changes_nothing_that_did_not_change(make_crm: MakeCrmDesk) -> None:
    settings = {"rows": {"Leads": 2_100}, "bulk_states": ("COMPLETED",)}
    desk = make_crm(modules=["Leads"], settings=settings, now="2026-06-01T12:00:00Z", frozen=True)
    desk.synced(streams=("leads",))
    gone = desk.held("Leads")[5]["id"]
    desk.change("delete", module="Leads", id=gone)
    desk.synced(streams=("leads",))

    result = desk.synced(mode=Mode.FULL, streams=("leads",))

    assert (result.status, result.rows_created, result.rows_updated, result.rows_deleted) == (Status.SUCCESS, 0, 0, 0)
    assert gone in desk.ids("zoho_crm_leads", "deleted_at IS NOT NULL")
