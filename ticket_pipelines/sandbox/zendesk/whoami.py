"""Who am I, and what is this account (contract, section 0, fact 7, and section 1)."""

from __future__ import annotations

from ticket_pipelines.sandbox.answers import Refusal, ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zendesk.access import describe
from ticket_pipelines.sandbox.zendesk.call import Call
from ticket_pipelines.sandbox.zendesk.errors import NOT_FOUND
from ticket_pipelines.sandbox.zendesk.table import Record

_ANONYMOUS = {
    "id": None,
    "name": "Anonymous user",
    "email": "invalid@example.com",
    "role": "end-user",
    "verified": False,
}


def me(call: Call) -> Reply:
    """`users/me`: 200 with an anonymous user where credentials are absent or wrong."""
    user = _user(call)
    return ok({"user": user or _ANONYMOUS})


def current_token(call: Call) -> Reply:
    """`oauth/tokens/current`.

    Raises:
        Refusal: 404, the request was not made with an OAuth token.
    """
    user = _user(call)
    if call.who is None or user is None or not call.asked.headers.get("authorization", "").lower().startswith("bearer"):
        raise Refusal(404, NOT_FOUND)
    return ok(describe(call.who, user["id"]))


def account_settings(call: Call) -> Reply:
    """`account/settings`."""
    api = {"accepted_api_agreement": True, "api_token_access": call.settings.api_tokens, "api_password_access": False}
    active = {"customer_satisfaction": True, "business_hours": call.settings.refusal("schedules") is None}
    side = {"show_in_context_panel": False}
    return ok(
        {
            "settings": {
                "api": api,
                "active_features": active,
                "side_conversations": side,
                "localization": {"locale_ids": [1]},
            }
        }
    )


def _user(call: Call) -> Record | None:
    if call.who is None:
        return None
    users = call.state.tables["users"].rows.values()
    return next((user for user in users if user["email"] == call.who.email), None)
