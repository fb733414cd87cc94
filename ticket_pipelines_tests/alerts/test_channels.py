"""Alert channels over real connections: what they are sent, and what is said where they take nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ticket_pipelines.alerts.channels import CARD, CHANNELS, AlertFailedError, configured, send
from ticket_pipelines.alerts.messages import Message
from ticket_pipelines.errors import SettingsError, UsageError
from ticket_pipelines.logs import MASK, hide
from ticket_pipelines.settings import Settings, read_settings
from ticket_pipelines_tests.alerts.conftest import Hook, MailServer, served
from ticket_pipelines_tests.fixtures.project import Cli

AT = "2026-01-15T12:00:00+00:00"
POSTING = {"webhook": "TICKETS_ALERT_WEBHOOK", "slack": "TICKETS_ALERT_SLACK", "teams": "TICKETS_ALERT_TEAMS"}


def settings(home: Path, **environ: str) -> Settings:
    return read_settings({"TICKETS_HOME": str(home), **environ})


def message(text: str) -> Message:
    return Message(text, "sync_failed", "started", ("acme",), AT)


def test_the_webhook_gets_a_text_without_secrets_and_what_it_is_about(hook: Hook, home: Path) -> None:
    hide(["a-secret-value"])
    send("webhook", message("hello a-secret-value"), settings(home, TICKETS_ALERT_WEBHOOK=hook.url))
    told = {"text": f"hello {MASK}", "rule": "sync_failed", "state": "started", "desks": ["acme"], "at": AT}
    assert hook.bodies == [told]


def test_slack_gets_its_markup_escaped(hook: Hook, home: Path) -> None:
    send("slack", message("<!channel> & co"), settings(home, TICKETS_ALERT_SLACK=hook.url))
    assert hook.bodies == [{"text": "&lt;!channel&gt; &amp; co"}]


def test_teams_gets_a_card_with_a_block_a_line(hook: Hook, home: Path) -> None:
    send("teams", message("one\ntwo"), settings(home, TICKETS_ALERT_TEAMS=hook.url))
    (attachment,) = hook.bodies[0]["attachments"]
    assert attachment["contentType"] == CARD
    assert [block["text"] for block in attachment["content"]["body"]] == ["one", "two"]


def test_a_mail_reaches_all_recipients(mail_server: MailServer, home: Path) -> None:
    send("email", message("héllo\nand more"), settings(home, TICKETS_ALERT_EMAIL=mail_server.url))
    ((recipients, mail),) = mail_server.mails
    assert recipients == ["a@example.org", "b@example.org"]
    assert mail["From"] == "us@example.org"
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().splitlines() == ["héllo", "and more"]


@pytest.mark.parametrize("channel", POSTING)
@pytest.mark.parametrize("answer", [302, 404, 500])
def test_an_answer_that_is_none_is_said_without_the_url(hook: Hook, home: Path, answer: int, channel: str) -> None:
    hook.answer = answer
    with pytest.raises(AlertFailedError, match=f"answered {answer}; check {POSTING[channel]}") as caught:
        send(channel, message("hello"), settings(home, **{POSTING[channel]: hook.url}))
    assert "s3cret" not in str(caught.value)


def test_no_answer_is_said_without_the_url(home: Path) -> None:
    with pytest.raises(AlertFailedError, match="no answer") as caught:
        send("webhook", message("hello"), settings(home, TICKETS_ALERT_WEBHOOK="http://127.0.0.1:1/s3cret"))
    assert "s3cret" not in str(caught.value)


def test_a_mail_server_that_refuses_or_is_away_is_said_without_the_password(
    mail_server: MailServer, home: Path
) -> None:
    to_it = settings(home, TICKETS_ALERT_EMAIL=mail_server.url)
    mail_server.refused = True
    with pytest.raises(AlertFailedError, match="took no message"):
        send("email", message("hello"), to_it)
    mail_server.login = b"another"
    with pytest.raises(AlertFailedError, match="answered 535") as caught:
        send("email", message("hello"), to_it)
    assert "s3cret" not in str(caught.value)
    away = settings(home, TICKETS_ALERT_EMAIL="smtp://127.0.0.1:1/?from=a@b.org&to=c@d.org")
    with pytest.raises(AlertFailedError, match="ConnectionRefused"):
        send("email", message("hello"), away)


def test_mail_to_another_machine_is_encrypted_or_not_sent(home: Path) -> None:
    """The server of this test offers no STARTTLS, and its address is none of those that may do without."""
    with served(MailServer("127.0.0.2")) as server:
        with pytest.raises(AlertFailedError, match="SMTPNotSupportedError"):
            send("email", message("hello"), settings(home, TICKETS_ALERT_EMAIL=server.url))
        assert server.mails == []


def test_the_log_channel_logs(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "tickets.alerts"):
        send("log", message("hello"), settings(home))
    assert caplog.messages == ["hello"]


def test_a_channel_that_is_none_or_not_set_up_is_refused(home: Path) -> None:
    with pytest.raises(UsageError, match="write one of log, email, slack, teams, webhook"):
        send("pigeon", message("hello"), settings(home))
    for name in set(CHANNELS) - {"log"}:
        with pytest.raises(SettingsError, match=f"TICKETS_ALERT_{name.upper()}: missing"):
            send(name, message("hello"), settings(home))


def test_messages_go_through_what_is_set_up(home: Path) -> None:
    assert configured(settings(home)) == ["log"]
    both = settings(
        home, TICKETS_ALERT_SLACK="https://hooks.example/x", TICKETS_ALERT_WEBHOOK="https://hooks.example/y"
    )
    assert configured(both) == ["log", "slack", "webhook"]


@pytest.mark.parametrize("channel", ["email", "slack", "teams", "webhook"])
def test_the_command_sends_a_test(cli: Cli, hook: Hook, mail_server: MailServer, channel: str) -> None:
    url = mail_server.url if channel == "email" else hook.url
    ended = cli("alerts", "test", channel, "--json", env={f"TICKETS_ALERT_{channel.upper()}": url})
    assert ended.json == {"channel": channel, "sent": True}
    assert len(hook.bodies) + len(mail_server.mails) == 1
