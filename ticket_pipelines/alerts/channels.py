"""Channels through which people are told. A channel is a setting and a function of that setting and a message.

Addresses of webhooks and the password of a mailbox are secrets: they come from the environment alone, stand in no
message of ours and in no log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from email.message import EmailMessage
from typing import Any

from ticket_pipelines.alerts.messages import Message
from ticket_pipelines.errors import SettingsError, TicketPipelinesError, UsageError
from ticket_pipelines.logs import hide, redact, topic
from ticket_pipelines.settings import Mailbox, Settings

log = topic("alerts")

TIMEOUT_SECONDS = 10
CARD = "application/vnd.microsoft.card.adaptive"


class AlertFailedError(TicketPipelinesError):
    """A channel did not take a message."""

    code = "alert_failed"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel.

    Attributes:
        variable: The setting that it needs; None: none.
        form: What to write there.
        setting: Its value; None: not set.
        send: Sends a message by that setting.
    """

    variable: str | None
    form: str
    setting: Callable[[Settings], Any]
    send: Callable[[Any, Message], None]


def configured(settings: Settings) -> list[str]:
    """Names of the channels that are set up: messages go through all of them."""
    return [name for name, channel in CHANNELS.items() if channel.setting(settings) is not None]


def send(channel: str, message: Message, settings: Settings) -> None:
    """Sends a message through a channel.

    Raises:
        UsageError: There is no such channel.
        SettingsError: The channel's setting is missing.
        AlertFailedError: The channel did not take it.
    """
    if channel not in CHANNELS:
        raise UsageError(f"there is no alert channel {channel[:40]!r}: write one of {', '.join(CHANNELS)}")
    chosen = CHANNELS[channel]
    setting = chosen.setting(settings)
    if setting is None:
        raise SettingsError(f"{chosen.variable}: missing, and needed for the channel {channel!r}; write {chosen.form}")
    chosen.send(setting, replace(message, text=redact(message.text)))


def _log(_: bool, message: Message) -> None:
    log.warning(message.text)


def _webhook(url: str, message: Message) -> None:
    _post(url, "TICKETS_ALERT_WEBHOOK", asdict(message))


def _slack(url: str, message: Message) -> None:
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    _post(url, "TICKETS_ALERT_SLACK", {"text": text})


def _teams(url: str, message: Message) -> None:
    lines = [{"type": "TextBlock", "text": line, "wrap": True} for line in message.text.splitlines()]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": lines}
    _post(url, "TICKETS_ALERT_TEAMS", {"type": "message", "attachments": [{"contentType": CARD, "content": card}]})


def _post(url: str, variable: str, body: Mapping[str, Any]) -> None:
    import requests

    hide([url])
    try:
        answer = requests.post(url, json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        # the message of the error holds the URL, and the URL of a webhook is a secret
        raise AlertFailedError(
            f"the webhook gave no answer ({type(error).__name__}); check {variable} and the network"
        ) from None
    if not 200 <= answer.status_code < 300:
        raise AlertFailedError(f"the webhook answered {answer.status_code}; check {variable}")


def _email(box: Mailbox, message: Message) -> None:
    import smtplib
    import ssl

    hide([box.password])
    mail = EmailMessage()
    mail["From"], mail["To"] = box.sender, ", ".join(box.recipients)
    mail["Subject"] = f"Ticket Pipelines: {message.text.splitlines()[0][:150]}"
    mail.set_content(message.text)
    try:
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(box.host, box.port, timeout=TIMEOUT_SECONDS, context=context)
            if box.tls
            else smtplib.SMTP(box.host, box.port, timeout=TIMEOUT_SECONDS)
        ) as server:
            if not box.tls and not box.loopback:
                server.starttls(context=context)
            if box.user:
                server.login(box.user, box.password)
            server.send_message(mail)
    except smtplib.SMTPResponseException as error:
        # the server's own words may repeat what it was given
        raise AlertFailedError(
            f"the mail server answered {error.smtp_code} ({type(error).__name__}); check TICKETS_ALERT_EMAIL"
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise AlertFailedError(
            f"the mail server took no message ({type(error).__name__}); check TICKETS_ALERT_EMAIL and the network"
        ) from None


_URL = "https://HOST/PATH"

CHANNELS: Mapping[str, Channel] = {
    "log": Channel(None, "", lambda _: True, _log),
    "email": Channel(
        "TICKETS_ALERT_EMAIL",
        "smtp://USER:PASSWORD@HOST:587/?from=ADDRESS&to=ADDRESS",
        lambda settings: settings.alert_email,
        _email,
    ),
    "slack": Channel("TICKETS_ALERT_SLACK", _URL, lambda settings: settings.alert_slack, _slack),
    "teams": Channel("TICKETS_ALERT_TEAMS", _URL, lambda settings: settings.alert_teams, _teams),
    "webhook": Channel("TICKETS_ALERT_WEBHOOK", _URL, lambda settings: settings.alert_webhook, _webhook),
}
"""Channels by name."""
