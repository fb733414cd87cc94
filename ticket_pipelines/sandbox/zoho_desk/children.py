"""What hangs on a ticket: threads, comments, history, metrics, tags, attachments (contract, sections 2.2 and 2.4)."""

from __future__ import annotations

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_desk import views
from ticket_pipelines.sandbox.zoho_desk.call import Call
from ticket_pipelines.sandbox.zoho_desk.errors import invalid_parameter, refused
from ticket_pipelines.sandbox.zoho_desk.table import Record
from ticket_pipelines.sandbox.zoho_desk.tickets import existing

_CONTENT = ("content", "plainText", "attachments", "isContentTruncated", "fullContentURL", "replyTo")
_MINUTE = 60


def threads(call: Call) -> Reply:
    """`/tickets/{id}/threads`: summaries only, the newest first unless asked otherwise."""
    found = call.state.threads.get(existing(call), [])
    sort = call.params.get("sortBy", "-sendDateTime")
    if sort.removeprefix("-") != "sendDateTime":
        raise invalid_parameter("sortBy")
    return call.page(found[::-1] if sort.startswith("-") else found, _summary)


def thread(call: Call) -> Reply:
    """`/tickets/{id}/threads/{thread}`: with content; the plain text only where it is asked for."""
    record = _one(call.state.threads.get(existing(call), []), call.ids["thread"])
    plain = "plainText" in call.several("include")
    return call.one({name: value for name, value in record.items() if plain or name != "plainText"})


def latest_thread(call: Call) -> Reply:
    """`/tickets/{id}/latestThread`."""
    found = call.state.threads.get(existing(call), [])
    return call.one(found[-1]) if found else Reply(204, b"")


def comments(call: Call) -> Reply:
    """`/tickets/{id}/comments`, the oldest first unless asked otherwise."""
    found = call.state.comments.get(existing(call), [])
    sort = call.params.get("sortBy", "commentedTime")
    if sort.removeprefix("-") != "commentedTime":
        raise invalid_parameter("sortBy")
    mentions = "mentions" in call.several("include")
    rows = found[::-1] if sort.startswith("-") else found
    return call.page(rows, lambda row: row if mentions else _without(row, ("mention",)))


def comment(call: Call) -> Reply:
    """`/tickets/{id}/comments/{comment}`."""
    return call.one(_one(call.state.comments.get(existing(call), []), call.ids["comment"]))


def conversations(call: Call) -> Reply:
    """`/tickets/{id}/conversations`: threads and comments, the newest first."""
    key = existing(call)
    found = [{"type": "thread", **_summary(row)} for row in call.state.threads.get(key, [])]
    found += [{"type": "comment", **row} for row in call.state.comments.get(key, [])]
    found.sort(key=lambda row: str(row.get("createdTime") or row.get("commentedTime")), reverse=True)
    return call.page(found, lambda row: row)


def history(call: Call) -> Reply:
    """`/tickets/{id}/History`, the newest first; that of a trashed ticket can be read, that of an erased one cannot."""
    spelt = call.asked.path.rpartition("/")[2]
    if call.settings.history_path not in ("both", spelt):
        raise refused("URL_NOT_FOUND")
    found = call.state.history[existing(call, trashed=True)][::-1]
    wanted = call.params.get("eventFilter")
    return call.page([row for row in found if wanted in (None, row["eventName"])], lambda row: row)


def metrics(call: Call) -> Reply:
    """`/tickets/{id}/metrics`: durations are text (section 2.4)."""
    key = existing(call)
    ticket = views.whole(call.state, key)
    said = call.state.threads.get(key, [])
    outgoing = [row for row in said if row["direction"] == "out" and row["status"] == "SUCCESS"]
    opened = epoch(ticket["createdTime"])
    first = _duration(epoch(outgoing[0]["createdTime"]) - opened) if outgoing else None
    changes = [event for event in call.state.history[key] if event["eventName"] == "TicketUpdated"]
    named = [item for event in changes for item in event["eventInfo"]]
    agents = {row["author"]["id"]: row["author"]["name"] for row in outgoing}
    return ok(
        {
            "firstResponseTime": first,
            "totalResponseTime": _duration(epoch(outgoing[-1]["createdTime"]) - opened) if outgoing else None,
            "resolutionTime": _duration(epoch(ticket["closedTime"]) - opened) if ticket["closedTime"] else None,
            "responseCount": str(len(outgoing)),
            "outgoingCount": len(outgoing),
            "threadCount": str(len(said)),
            "reopenCount": sum(_reopens(item) for item in named),
            "reassignCount": max(0, sum(item["propertyName"] == "assigneeId" for item in named) - 1),
            "agentsHandled": [{"agentId": a, "agentName": n, "handlingTime": "00:50 hrs"} for a, n in agents.items()],
            "stagingData": [{"status": ticket["status"], "handledTime": "01:50 hrs"}],
        }
    )


def tags(call: Call) -> Reply:
    """`/tickets/{id}/tags`."""
    rows = call.state.tables["tags"].rows
    return call.listed([{"id": key, "name": rows[key]["name"]} for key in call.state.tags.get(existing(call), [])])


def attachments(call: Call) -> Reply:
    """`/tickets/{id}/attachments`."""
    found = [file for row in call.state.threads.get(existing(call), []) for file in row["attachments"]]
    return call.page(found, lambda file: file)


def resolution(call: Call) -> Reply:
    """`/tickets/{id}/resolution`."""
    ticket = views.whole(call.state, existing(call))
    if ticket["resolution"] is None:
        return Reply(204, b"")
    author = call.state.person(ticket["modifiedBy"])
    return call.one({"content": ticket["resolution"], "authorId": author["id"], "modifiedTime": ticket["modifiedTime"]})


def nothing(call: Call) -> Reply:
    """What a ticket of this account has none of: time entries, followers, resolution history."""
    existing(call)
    return Reply(204, b"")


def _summary(row: Record) -> Record:
    return _without(row, _CONTENT)


def _without(row: Record, names: tuple[str, ...]) -> Record:
    return {name: value for name, value in row.items() if name not in names}


def _one(rows: list[Record], key: str) -> Record:
    for row in rows:
        if row["id"] == key:
            return row
    raise refused("URL_NOT_FOUND")


def _duration(seconds: float) -> str:
    minutes = int(seconds // _MINUTE)
    return f"{minutes // 60:02d}:{minutes % 60:02d} hrs"


def _reopens(item: Record) -> bool:
    change = {"previousValue": "Closed", "updatedValue": "Open"}
    return bool(item["propertyName"] == "statusType" and item["propertyValue"] == change)
