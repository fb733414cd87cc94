"""Comments: all of them, whatever their text, at the price of pages of events."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk

EVENTS = ("tickets", "ticket_events")
PAGE = 1_000
"""Events of a page."""


def by_ticket(desk: ZendeskDesk) -> dict[str, tuple[int, int]]:
    """Comments, and internal ones, of each ticket as the warehouse has them."""
    rows = desk.ask(
        "SELECT ticket_id, count(*) AS n, count(CASE WHEN NOT is_public THEN 1 END) AS internal"
        f" FROM helpdesk.ticket_comments WHERE desk = '{desk.key}' AND deleted_at IS NULL GROUP BY ticket_id"
    )
    return {row["ticket_id"]: (row["n"], row["internal"]) for row in rows}


def by_ticket_at_the_vendor(desk: ZendeskDesk) -> dict[str, tuple[int, int]]:
    comments = desk.held("ticket_comments")
    said = Counter(str(comment["ticket_id"]) for comment in comments)
    internal = Counter(str(comment["ticket_id"]) for comment in comments if not comment["public"])
    return {key: (number, internal[key]) for key, number in said.items()}


def test_every_ticket_has_as_many_comments_as_at_the_vendor(warehouse_url: str, make_desk: MakeDesk) -> None:
    desk = make_desk(warehouse_url, **PAST)
    alive = [ticket["id"] for ticket in desk.held("tickets") if ticket["status"] in ("open", "pending", "new")]
    loser, winner = alive[:2]
    for number in range(60):
        desk.sandbox.zendesk.control.mutate("comment", id=winner, body=f"public {number}")
        desk.sandbox.zendesk.control.mutate("comment", id=winner, body=f"internal {number}", public=False)
    desk.sandbox.zendesk.control.mutate("comment", id=winner, body="a call", voice=True)
    desk.change("merge_tickets", loser=loser, winner=winner)
    wanted = by_ticket_at_the_vendor(desk)
    assert wanted[str(winner)][0] > 120

    desk.synced(streams=EVENTS)

    assert by_ticket(desk) == wanted
    calls = sum(comment["type"] == "VoiceComment" for comment in desk.held("ticket_comments"))
    assert desk.count("ticket_comments", "kind = 'call'") == calls > 0
    details = f"SELECT comment_count, merged_into_id FROM helpdesk.ticket_details WHERE id = '{loser}'"
    assert desk.ask(details) == [{"comment_count": wanted[str(loser)][0], "merged_into_id": str(winner)}]
    assert not desk.requests("/comments")


def test_ten_thousand_comments_cost_as_many_requests_as_there_are_pages_of_events(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    keys = desk.change("create_ticket", count=100)["ids"]
    for key in keys:
        for number in range(99):
            desk.sandbox.zendesk.control.mutate("comment", id=key, body=str(number), public=number % 3 > 0)
    desk.sandbox.zendesk.control.clock(advance=120)

    result = desk.synced(streams=("ticket_events",))

    wanted = by_ticket_at_the_vendor(desk)
    assert sum(number for number, _ in wanted.values()) > 10_000
    assert by_ticket(desk) == wanted
    pages = -(-len(desk.held("ticket_events")) // PAGE)
    # the 9,900 comments of one second come in a page that is extended to its end; a token comes first
    assert result.api_requests <= pages + 2


BAD = ("nul \x00 inside", "half \ud83d of a pair", "other half \udc00", "\x00")


def test_text_that_no_database_takes_is_cleaned_and_the_next_sync_goes_through(
    warehouse_url: str, make_desk: MakeDesk
) -> None:
    desk = make_desk(warehouse_url, tickets=12, **PAST)
    vendor = desk.sandbox.zendesk.control
    field = next(field["id"] for field in desk.held("ticket_fields") if field["title"] == "Order ID")
    spoilt: list[tuple[str, int, int]] = []
    for text in BAD:
        ticket = vendor.mutate("create_ticket", subject=f"{text}, whole: 😀", body=text)["id"]
        comment = vendor.mutate("comment", id=ticket, body=text)["comment"]
        vendor.mutate("patch", stream="tickets", id=ticket, fields={text: {text: [text]}})
        desk.change("set_custom_field", id=ticket, field=field, value=text)
        spoilt.append((text, ticket, comment))

    result = desk.synced(streams=EVENTS)

    assert result.details["cleaned"] > 5 * len(BAD)
    for text, ticket, comment in spoilt:
        clean = text.replace("\x00", "").replace("\ud83d", "�").replace("\udc00", "�")
        assert desk.row("tickets", ticket, "subject, description_text") == {
            "subject": f"{clean}, whole: 😀",
            "description_text": clean,
        }
        assert desk.row("ticket_comments", comment, "body_text") == {"body_text": clean}
        assert value(desk, ticket, field) == {"value_text": clean}

    desk.change("comment", id=spoilt[0][1], body="nothing wrong")
    again = desk.synced(streams=EVENTS)
    assert again.rows_failed == 0
    assert by_ticket(desk) == by_ticket_at_the_vendor(desk)


def value(desk: ZendeskDesk, ticket: int, field: int) -> dict[str, Any]:
    where = f"entity = 'ticket' AND record_id = '{ticket}' AND field_id = '{field}'"
    (found,) = desk.ask(f"SELECT value_text FROM helpdesk.ticket_field_values WHERE {where}")
    return found
