"""Configuration, error answers and flat records. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dlt_sources.errors import (
    AccessError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    NotFoundError,
    PermanentError,
    SourceError,
    UnavailableError,
)
from dlt_sources.http import Answer, Request
from dlt_sources.qcontact.config import STATUSES, account, choices, status_map, validate
from dlt_sources.qcontact.failures import RefusedError, failure
from dlt_sources.qcontact.records import flat
from dlt_sources.qcontact.streams import STREAMS, stream_name, streams_of
from ticket_pipelines.unified.labels import CATEGORIES

LOGIN = {"email": "a@b.example", "password": "p"}
TENANT = {"tenant_url": "https://acme.qcontact.com"}


def filtered(operator: str) -> list[dict[str, Any]]:
    return [{"operator": "all", "conditions": [{"name": "status", "value": "New", "operator": operator}]}]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "tenant_url is missing"),
        ({"tenant_url": "acme"}, "tenant_url is not a scheme and host"),
        ({"tenant_url": "http://acme.qcontact.com"}, "tenant_url is plain http"),
        ({"tenant_url": "https://api.qcontact.com"}, "belong to an API that QContact does not have"),
        ({**TENANT, "entities": []}, "entities is not a list"),
        ({**TENANT, "entities": ["../Case"]}, "entities is not a list"),
        ({**TENANT, "filters": {"a": 1}}, "filters are not of QContact's form"),
        ({**TENANT, "filters": filtered("not_equals")}, "not_equals"),
        ({**TENANT, "status_map": {"X": "nope"}}, "status_map: 'nope' is no status"),
        ({**TENANT, "status_map": ["X"]}, "status_map is no map"),
        ({**TENANT, "page_size": 0}, "page_size"),
        ({**TENANT, "write_enabled": "yes"}, "write_enabled"),
    ],
)
def test_what_is_wrong_is_said(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        validate(config, LOGIN)


def test_what_is_right_is_taken() -> None:
    config = {**TENANT, "entities": ["Case", "Contact"], "filters": filtered("equals"), "status_map": {"X": "closed"}}
    validate(config, LOGIN)
    validate(config, {"uid": "u", "access_token": "t", "client": "c"})
    assert account(config) == "acme.qcontact.com"
    assert msgspec.json.decode(choices(config).filters) == filtered("equals")


def test_statuses_are_those_of_the_unified_tables() -> None:
    assert set(CATEGORIES) == STATUSES


@pytest.mark.parametrize(
    ("mapped", "label", "closed"),
    [
        ({}, "Solved", True),
        ({}, " unsolved -  no response", True),
        ({}, "Reviewed", False),
        ({}, None, False),
        ({"Solved": "in_progress"}, "Solved", False),
        ({"Archived": "closed"}, "archived", True),
    ],
)
def test_which_cases_are_finished(mapped: dict[str, str], label: str | None, closed: bool) -> None:
    config = {**TENANT, "status_map": mapped}
    assert choices(config).is_closed(label) is closed
    assert len(status_map(config)) == len(mapped)


@pytest.mark.parametrize(("entity", "name"), [("Contact", "contacts"), ("FaultType", "fault_types")])
def test_streams_of_entities(entity: str, name: str) -> None:
    assert stream_name(entity) == name
    assert [stream.name for stream in streams_of((entity,))] == [name]
    assert streams_of(("Case", "Contact", "User")) == (STREAMS[0], *STREAMS[1:])


@pytest.mark.parametrize(
    ("status", "child", "error"),
    [
        (401, False, CredentialsError),
        (403, False, AccessError),
        (404, True, NotFoundError),
        (404, False, ConfigurationError),
        (400, True, RefusedError),
        (422, False, RefusedError),
        (429, False, LimitError),
        (500, False, ConnectionFailedError),
        (418, False, PermanentError),
    ],
)
def test_an_answer_has_its_error(status: int, child: bool, error: type[SourceError]) -> None:
    request = Request("/api/v2/entities/Case/7", child=child, about="Case 7")
    found = failure(request, "acme.qcontact.com", Answer(status, {}, b'{"errors": ["s3cret"]}'), 0.0)
    assert type(found) is error
    assert "s3cret" not in str(found)


def test_an_unknown_entity_is_unavailable() -> None:
    request = Request("/api/v2/entities/Nope", gated=True, about="list of Nope")
    assert type(failure(request, "acme", Answer(404, {}, b""), 0.0)) is UnavailableError


def test_a_record_is_flat_and_loses_nothing() -> None:
    links = {"assigned_to": {"id": 9, "label": "Ann"}, "parent": {"id": 3, "label": "FT3"}}
    fields = {"status": "Open", "label": "twice", "assigned_to": None, "contact": 4, "c__x": 1, "odd": [1]}
    found = msgspec.json.decode(flat({"id": 1, "label": "L", "fields": fields, "relationships": links}))
    assert found == {
        "id": 1,
        "label": "L",
        "fields.label": "twice",
        "status": "Open",
        "odd": [1],
        "assigned_to_id": "9",
        "assigned_to_label": "Ann",
        "contact_id": "4",
        "contact_label": None,
        "created_by_id": None,
        "created_by_label": None,
        "team_id": None,
        "team_label": None,
        "custom_fields": {"c__x": 1},
        "relationships": links,
    }


@pytest.mark.parametrize("broken", [{"id": 1}, {"id": 1, "fields": None, "relationships": []}])
def test_a_record_without_fields_is_one_all_the_same(broken: dict[str, Any]) -> None:
    assert msgspec.json.decode(flat(broken))["custom_fields"] == {}
