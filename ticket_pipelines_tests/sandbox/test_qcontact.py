"""QContact's contract, section 2: sign-in, lists with their oddities, records, events, writes, the control plane."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.qcontact import QContactEmulator
from ticket_pipelines.sandbox.qcontact.changes import OPERATIONS
from ticket_pipelines.sandbox.qcontact.settings import STATUS_LABELS
from ticket_pipelines.sandbox.server import Listening, SandboxServer
from ticket_pipelines_tests.sandbox.asking import Answer, ask

NOW = "2026-11-22T12:00:00Z"
TOKENS = ("uid", "access-token", "client")


class Tenant:
    """Asks one tenant as one user."""

    def __init__(self, listening: Listening, login: str = "password") -> None:
        self.url = listening.url
        self.control = listening.control
        self.login = listening.logins[login]
        fixed = {name: self.login[name.replace("-", "_")] for name in TOKENS if "client" in self.login}
        self.headers = fixed or self.tokens()

    def sign_in(self, **changed: str) -> Answer:
        return ask(self.url, "/api/v2/auth/sign_in", {}, method="POST", body={**self.login, **changed})

    def tokens(self) -> dict[str, str]:
        told = self.sign_in().headers
        return {name: told[name] for name in TOKENS}

    def ask(self, method: str, path: str, body: Any = None, /, **params: Any) -> Answer:
        return ask(self.url, f"/api/v2/{path}", self.headers, method=method, body=body, **params)

    def get(self, path: str, **params: Any) -> Answer:
        return self.ask("GET", path, None, **params)

    def case(self, key: Any) -> dict[str, Any]:
        return dict(self.get(f"entities/Case/{key}").json)

    def events(self, key: Any, **params: Any) -> list[dict[str, Any]]:
        return list(self.get(f"entities/Case/{key}/events", **params).json)

    def patch(self, key: Any, body: Any) -> Answer:
        return self.ask("PATCH", f"entities/Case/{key}", body)

    def note(self, key: Any, text: str = "Hello", **more: Any) -> Answer:
        body = {"entity_type": "Case", "entity_id": key, "subtitle": text, **more}
        return self.ask("POST", "entities/Note", body)

    def some(self) -> int:
        return int(self.get("entities/Case", items=1).json["results"][0]["id"])


OpenTenant = Callable[..., Tenant]


@pytest.fixture
def open_tenant(make_sandbox: Callable[..., SandboxServer]) -> OpenTenant:
    """Starts a tenant at noon, whose clock stands; takes its settings."""

    def start(tickets: int = 30, login: str = "password", **settings: Any) -> Tenant:
        return Tenant(make_sandbox(tickets=tickets, now=NOW, frozen=True, qcontact=settings).qcontact, login)

    return start


@pytest.fixture
def tenant(open_tenant: OpenTenant) -> Tenant:
    return open_tenant()


def filtered(name: str, value: Any, operator: str = "equals") -> str:
    return json.dumps([{"operator": "all", "conditions": [{"name": name, "value": value, "operator": operator}]}])


def walk(tenant: Tenant, **params: Any) -> Iterator[Mapping[str, Any]]:
    page = 1
    while True:
        body = tenant.get("entities/Case", page=page, **params).json
        yield from body["results"]
        if page >= body["pagination"]["pages"]:
            return
        page += 1


@pytest.mark.parametrize("tickets", [0, 1, 40])
def test_any_number_of_cases(tickets: int) -> None:
    assert QContactEmulator(Options(tickets=tickets)).counts()["cases"] == tickets


def test_same_options_give_the_same_data() -> None:
    first, second = (QContactEmulator(Options(tickets=20, now=NOW, frozen=True)) for _ in range(2))
    for stream in ("cases", "case_events", "contacts"):
        assert first.records(stream) == second.records(stream)


def test_sign_in_gives_tokens_in_headers(tenant: Tenant) -> None:
    answer = tenant.sign_in()
    assert "access-token" not in answer.json
    assert answer.headers["uid"] == tenant.login["email"]
    assert tenant.get("me").json["email"] == tenant.login["email"]
    wrong = tenant.sign_in(password="no")
    assert (wrong.status, "access-token" in wrong.headers) == (401, False)


def test_sign_in_may_give_tokens_in_the_body(tenant: Tenant) -> None:
    tenant.control.configure(tokens_in_body=True)
    answer = tenant.sign_in()
    assert "access-token" not in answer.headers
    tenant.headers = {name: answer.json[name] for name in TOKENS}
    assert tenant.get("me").status == 200


@pytest.mark.parametrize("name", TOKENS)
def test_each_of_the_three_headers_counts(tenant: Tenant, name: str) -> None:
    tenant.headers[name] = "other"
    assert tenant.get("me").status == 401


def test_tokens_of_a_query_open_exports_alone(tenant: Tenant) -> None:
    tokens, tenant.headers = tenant.headers, {}
    assert tenant.get("entities/Case", **tokens).status == 401
    export = tenant.get("entities/DataExport/7/actions/run", csv="true", **tokens)
    assert (export.status, export.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert len(export.body.decode().splitlines()) == 31
    assert "access-token" not in str([entry.query for entry in tenant.control.log()])


def test_sign_ins_expire_and_service_tokens_do_not(open_tenant: OpenTenant) -> None:
    tenant = open_tenant(token_seconds=60)
    tenant.control.clock(advance=60)
    assert tenant.get("me").status == 401
    service = open_tenant(login="token", token_seconds=60)
    service.control.clock(advance=86_400)
    assert service.get("me").status == 200


def test_tokens_rotate(open_tenant: OpenTenant) -> None:
    tenant = open_tenant(rotates=True)
    first = dict(tenant.headers)
    renewed = tenant.get("me").headers
    assert renewed["access-token"] != first["access-token"]
    assert tenant.get("me").status == 200
    tenant.control.clock(advance=6)
    assert tenant.get("me").status == 401
    tenant.headers = {name: renewed[name] for name in TOKENS}
    assert tenant.get("me").status == 200


def test_afflictions(tenant: Tenant) -> None:
    tenant.control.fail("expire_tokens")
    assert tenant.get("me").status == 401
    tenant.control.fail("refuse_credentials")
    assert tenant.sign_in().status == 401
    tenant.control.fail("restore_access")
    tenant.headers = tenant.tokens()
    tenant.control.fail("revoke_role", entity="Case")
    assert tenant.get("entities/Case").status == 403
    assert tenant.get("entities/Contact").status == 200


def test_pages_hold_all_cases(tenant: Tenant) -> None:
    body = tenant.get("entities/Case", items=7).json
    assert body["pagination"] == {"count": 30, "page": 1, "items": 7, "pages": 5}
    assert len({row["id"] for row in walk(tenant, items=7)}) == 30
    assert tenant.get("entities/Case", items=7, page=6).json["results"] == []


def test_pages_shift_where_the_last_changed_come_first(open_tenant: OpenTenant) -> None:
    tenant = open_tenant(list_order="updated")
    first = [row["id"] for row in tenant.get("entities/Case", items=20).json["results"]]
    last = [row["id"] for row in walk(tenant, items=20)][-1]
    tenant.control.mutate("note", id=last)
    second = [row["id"] for row in tenant.get("entities/Case", items=20, page=2).json["results"]]
    assert set(first) & set(second)


def test_list_rows_are_display_and_raw_pairs(tenant: Tenant) -> None:
    rows = list(walk(tenant))
    assert all("updated_at" not in row and "priority" not in row for row in rows)
    row = next(row for row in rows if row["status"] == "In Progress")
    assert (row["__status"], isinstance(row["__assigned_to"], int)) == ("InProgress", True)
    assert row["assigned_to"] in ("Ann Admin", "Ben Bakker", "Chloé Şahin", "Thandi Mokoena")
    assert {"c__job_type", "__c__job_type", "__category", "__category__color", "__status__color"} <= set(row)
    assert any(row["label"].startswith(" FT") for row in rows)


def test_detail_has_names_in_relationships_alone(tenant: Tenant) -> None:
    key = next(row["id"] for row in walk(tenant) if row["assigned_to"] and row["contact"])
    case = tenant.case(key)
    assert isinstance(case["fields"]["assigned_to"], int)
    related = case["relationships"]["assigned_to"]
    assert (related["id"], related["entity_type"]) == (case["fields"]["assigned_to"], "User")
    assert case["updated_at"] >= case["created_at"]
    tenant.control.configure(detail_updated_at=False)
    assert "updated_at" not in tenant.case(key)


def test_view_all_is_empty(tenant: Tenant) -> None:
    """Section 2.2, quirks."""
    body = tenant.get("entities/Case", view="all").json
    assert (body["results"], body["pagination"]["count"]) == ([], 0)


def test_not_equals_is_an_internal_error(tenant: Tenant) -> None:
    """Section 2.2, quirks."""
    assert tenant.get("entities/Case", filters=filtered("status", "Solved", "not_equals")).status == 500
    assert tenant.get("entities/Case", filters="[").status == 400


def test_filters(tenant: Tenant) -> None:
    user = next(row["__assigned_to"] for row in walk(tenant) if row["__assigned_to"])
    found = tenant.get("entities/Case", filters=filtered("assigned_to", user)).json
    assert {row["__assigned_to"] for row in found["results"]} == {user}
    assert found["pagination"]["count"] < 30


def test_events_come_newest_first_in_pages(open_tenant: OpenTenant) -> None:
    tenant = open_tenant(events_page=3)
    key = tenant.some()
    for number in range(5):
        tenant.control.mutate("note", id=key, text=f"Note {number}")
    pages = [tenant.events(key, expand_conversations="false", page=page, sort="id DESC") for page in (1, 2, 3, 4)]
    ids = [event["id"] for page in pages for event in page]
    assert ids == sorted(ids, reverse=True)
    assert [event["subtitle"] for event in pages[0]] == ["Note 4", "Note 3", "Note 2"]
    tenant.control.configure(events_body="results")
    assert tenant.get(f"entities/Case/{key}/events").json["results"] == pages[0]


@pytest.mark.parametrize("status", [400, 404])
def test_no_events_may_be_an_error(open_tenant: OpenTenant, status: int) -> None:
    tenant = open_tenant(no_events_status=status)
    key = int(tenant.control.mutate("create")["id"])
    tenant.control.emulator.state.entities[key].events.clear()  # type: ignore[attr-defined]
    assert tenant.get(f"entities/Case/{key}/events").status == status


def test_fields_at_the_top_level_are_ignored(tenant: Tenant) -> None:
    """Section 2.3: a 200 all the same."""
    key = tenant.some()
    before = tenant.case(key)
    assert tenant.patch(key, {"status": "Solved"}).status == 200
    assert tenant.case(key) == before


@pytest.mark.parametrize(("token", "label"), STATUS_LABELS.items())
def test_status_is_written_by_its_token(tenant: Tenant, token: str, label: str) -> None:
    key = tenant.control.mutate("create")["id"]
    answer = tenant.patch(key, {"fields": {"status": token}})
    assert (answer.status, tenant.case(key)["fields"]["status"]) == (200, label)
    event = tenant.events(key)[0]
    assert event["event_type"] == "status_change"
    told = event["formatted_changes"]["$t.fields.status"]
    assert told == {"field": "status", "old_value": "New", "new_value": label}
    assert event["user"]["email"] == tenant.login["email"]


@pytest.mark.parametrize("status", ["solved", "In Progress", "Unsolved", "Closed"])
def test_other_statuses_are_refused_or_ignored(tenant: Tenant, status: str) -> None:
    key = tenant.control.mutate("create")["id"]
    assert tenant.patch(key, {"fields": {"status": status}}).status == 422
    tenant.control.configure(bad_status="ignore")
    assert tenant.patch(key, {"fields": {"status": status}}).status == 200
    assert tenant.case(key)["fields"]["status"] == "New"


def test_fields_are_written(tenant: Tenant) -> None:
    key = tenant.some()
    user = int(tenant.get("me").json["id"])
    fields = {"assigned_to": user, "c__update": "☕", "c__new": "x", "unknown": 1}
    assert tenant.patch(key, {"fields": fields}).status == 200
    found = tenant.case(key)["fields"]
    assert (found["assigned_to"], found["c__update"], found["c__new"]) == (user, "☕", "x")
    assert "unknown" not in found
    assert tenant.patch(key, {"fields": {"assigned_to": 7}}).status == 422
    assert tenant.patch(1, {"fields": {}}).status == 404


def test_notes_are_events(open_tenant: OpenTenant) -> None:
    tenant = open_tenant()
    key = tenant.some()
    made = tenant.note(key, "A ☕", public_note=True)
    assert made.status == 201
    event = tenant.events(key)[0]
    assert (event["id"], event["event_type"], event["public_note"]) == (made.json["id"], "note", True)
    assert event["subtitle"] == "A ☕"
    assert tenant.note(1).status == 404
    assert tenant.note(key, "").status == 422


def test_limited_users_write_no_notes(open_tenant: OpenTenant) -> None:
    """Section 2.3."""
    tenant = open_tenant(login="limited")
    key = tenant.some()
    before = tenant.events(key)
    assert tenant.note(key).status == 403
    assert tenant.events(key) == before
    assert tenant.patch(key, {"fields": {"c__update": "may"}}).status == 200


def test_a_limit_may_be_set(open_tenant: OpenTenant) -> None:
    tenant = open_tenant(requests_total=2)
    assert tenant.get("me").status == 200
    refused = tenant.get("me")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    tenant.control.configure(retry_after=False)
    assert "retry-after" not in tenant.get("me").headers
    tenant.control.clock(advance=60)
    assert tenant.get("me").status == 200


def test_faults_strike_one_kind_of_request(tenant: Tenant) -> None:
    key = tenant.some()
    tenant.control.fail(preset="unavailable", stream="case_events")
    tenant.control.fail(preset="internal", stream="case")
    assert tenant.get("entities/Case").status == 200
    assert tenant.get(f"entities/Case/{key}/events").status == 503
    assert tenant.get(f"entities/Case/{key}").status == 500


def test_deleted_and_hidden_cases(tenant: Tenant) -> None:
    gone, marked, hidden = [row["id"] for row in walk(tenant)][:3]
    tenant.control.mutate("delete", id=gone)
    tenant.control.mutate("delete", id=marked, soft=True)
    tenant.control.mutate("hide", id=hidden)
    assert not {gone, marked, hidden} & {row["id"] for row in walk(tenant)}
    assert tenant.get(f"entities/Case/{gone}").status == 404
    assert tenant.get(f"entities/Case/{gone}/events").status == 404
    assert tenant.case(marked)["deleted"] is True
    assert "deleted" not in tenant.case(hidden)
    assert tenant.control.emulator.counts()["deleted"] == 2
    tenant.control.mutate("restore", id=gone)
    tenant.control.mutate("show", id=hidden)
    assert {gone, hidden} <= {row["id"] for row in walk(tenant)}


def test_operations_of_the_control_plane(tenant: Tenant) -> None:
    key = tenant.some()
    arguments: dict[str, dict[str, Any]] = {"create": {}, "rename": {"title": "Other"}, "random": {"count": 20}}
    for op in OPERATIONS:
        given = {"id": key} if op not in ("create", "random") else {}
        tenant.control.mutate(op, **given, **arguments.get(op, {}))
        if op == "delete":
            tenant.control.mutate("restore", id=key)
    with pytest.raises(ValueError, match="there is no"):
        tenant.control.mutate("close", id="1")
    with pytest.raises(ValueError, match="no operation"):
        tenant.control.mutate("nothing")


def test_unknown_paths_and_methods(tenant: Tenant) -> None:
    assert tenant.get("tickets").status == 404
    assert tenant.get("entities/Nope").status == 404
    assert tenant.get("entity_types/Case").status == 404
    assert tenant.ask("POST", "entities/Case", {}).status == 405
    tenant.control.configure(entity_types=True)
    assert tenant.get("entity_types/Case").json["fields"]
