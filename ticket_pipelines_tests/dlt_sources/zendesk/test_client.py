from __future__ import annotations

from typing import Any

import pytest

from dlt_sources.errors import ConfigurationError, CredentialsError, UnavailableError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import PROOFS, ZendeskClient, open_client
from dlt_sources.zendesk.limits import EXPORTS
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Still

TICKETS = ZENDESK.stream("tickets")
FORBIDDEN = Reply({"error": {"title": "Forbidden", "message": "You do not have access to this page."}}, 403)


def grant_all(server: Scripted, role: str = "admin") -> None:
    server.on("/api/v2/users/me", Reply({"user": {"id": 1, "role": role, "name": "Ada"}}))
    for stream in ZENDESK.streams:
        server.on(stream.path, Reply({stream.records: []}))
    for name, path in PROOFS.items():
        server.on(path, Reply({name: []}))


def test_a_check_reads_each_stream_and_leaves_the_export_budget_alone(server: Scripted, client: ZendeskClient) -> None:
    grant_all(server)
    access = client.check()
    assert [each.stream for each in access] == [stream.name for stream in ZENDESK.streams]
    assert all(each.readable for each in access)
    assert not [path for path in server.paths() if "/incremental/" in path]


def test_a_check_names_what_cannot_be_read_and_why(server: Scripted, client: ZendeskClient) -> None:
    grant_all(server)
    server.on("/api/v2/slas/policies", FORBIDDEN)
    server.on("/api/v2/ticket_forms", Reply({"errors": [{"code": "InvalidEndpoint"}]}, 404))
    server.on("/api/v2/macros", FORBIDDEN)
    refused = {each.stream: each.reason for each in client.check() if not each.readable}
    assert set(refused) == {"sla_policies", "ticket_forms", "macros"}
    assert "Professional" in refused["sla_policies"]
    assert "Enterprise" in refused["ticket_forms"]
    assert "role" in refused["macros"]


def test_an_agent_cannot_read_exports(server: Scripted, client: ZendeskClient) -> None:
    grant_all(server, role="agent")
    for each in client.check():
        export = ZENDESK.stream(each.stream).limit == EXPORTS
        assert each.readable is not export
        assert not export or "admin" in each.reason


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply({"user": {"id": None, "name": "Anonymous user", "role": "end-user"}}), CredentialsError),
        (Reply({"error": "Couldn't authenticate you"}, 401), CredentialsError),
        (Reply(b"", 404), ConfigurationError),
    ],
    ids=["anonymous", "401", "no such account"],
)
def test_a_check_tells_wrong_credentials_from_a_wrong_address(
    server: Scripted, client: ZendeskClient, reply: Reply, error: type[Exception]
) -> None:
    grant_all(server)
    server.on("/api/v2/users/me", reply)
    with pytest.raises(error):
        client.check()


def test_a_refused_stream_names_itself_and_what_it_needs(server: Scripted, client: ZendeskClient) -> None:
    server.on("/api/v2/slas/policies", FORBIDDEN)
    with pytest.raises(UnavailableError, match=r"stream sla_policies.*Suite Growth"):
        list(client.pages(ZENDESK.stream("sla_policies"), {}))


@pytest.mark.parametrize(
    ("body", "news"),
    [
        ({"tickets": [], "end_of_stream": True, "after_cursor": "c"}, False),
        ({"tickets": [{"id": 1}], "end_of_stream": True, "after_cursor": "d"}, True),
        ({"tickets": [], "end_of_stream": False, "after_cursor": "c"}, True),
        ({"tickets": [], "after_cursor": "c"}, True),
    ],
    ids=["nothing", "a ticket", "not at the end", "in doubt"],
)
def test_a_probe_is_one_request(server: Scripted, client: ZendeskClient, body: Any, news: bool) -> None:
    server.on(TICKETS.path, Reply(body))
    assert client.probe({"tickets": {"cursor": "c", "clock": 1}}) is news
    [query] = server.queries(TICKETS.path)
    assert query == {"cursor": "c", "per_page": "1", "support_type_scope": "all"}


def test_a_probe_in_doubt_says_that_there_is_something(server: Scripted, client: ZendeskClient) -> None:
    assert client.probe({})
    assert client.probe({"tickets": {"clock": 1}})
    assert server.seen == []
    server.on(TICKETS.path, Reply({"errors": [{"code": "InvalidCursor"}]}, 400))
    assert client.probe({"tickets": {"cursor": "c", "clock": 1}})


def test_the_users_own_ceiling_holds_besides_the_vendors_limits(server: Scripted, still: Still) -> None:
    config = {"base_url": server.url, "max_requests_per_minute": 2}
    client = open_client(config, {"access_token": "x"}, MemoryBudgets(still.clock.now), clock=still.clock)
    header = {"x-rate-limit": "700", "x-rate-limit-remaining": "699"}
    server.on("/api/v2/tags", Reply({"tags": [], "meta": {"has_more": False}}, headers=header))
    for _ in range(3):
        list(client.pages(ZENDESK.stream("tags"), {}))
    client.close()
    assert still.slept == [60.0]


def test_usage_and_waits_are_told(server: Scripted, client: ZendeskClient) -> None:
    told: list[str] = []
    client.on_wait = lambda _, why: told.append(why)
    assert client.on_wait is not None
    server.on("/api/v2/tags", Reply(status=502), Reply({"tags": [], "meta": {"has_more": False}}))
    list(client.pages(ZENDESK.stream("tags"), {}))
    assert client.usage.requests == 2
    assert client.usage.wait_seconds > 0
    assert told == ["answer 502"]
