"""Channels through which people are told. A channel is a function of the settings and a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ticket_pipelines.errors import SettingsError, TicketPipelinesError, UsageError
from ticket_pipelines.logs import hide, redact, topic
from ticket_pipelines.settings import Settings

log = topic("alerts")

TIMEOUT_SECONDS = 10


class AlertFailedError(TicketPipelinesError):
    """A channel did not take a message."""

    code = "alert_failed"


def send(channel: str, text: str, settings: Settings) -> None:
    """Sends a text through a channel.

    Raises:
        UsageError: There is no such channel.
        SettingsError: The channel's setting is missing.
        AlertFailedError: The channel did not take it.
    """
    if channel not in CHANNELS:
        raise UsageError(f"there is no alert channel {channel[:40]!r}: write one of {', '.join(CHANNELS)}")
    CHANNELS[channel](settings, redact(text))


def _log(_settings: Settings, text: str) -> None:
    log.warning(text)


def _webhook(settings: Settings, text: str) -> None:
    if settings.alert_webhook is None:
        raise SettingsError(
            "TICKETS_ALERT_WEBHOOK: missing, and needed for the channel 'webhook'; write https://HOST/PATH"
        )
    import requests

    hide([settings.alert_webhook])
    try:
        answer = requests.post(
            settings.alert_webhook, json={"text": text}, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:
        # the message of the error holds the URL, and the URL of a webhook is a secret
        raise AlertFailedError(
            f"the webhook gave no answer ({type(error).__name__}); check TICKETS_ALERT_WEBHOOK and the network"
        ) from None
    if not 200 <= answer.status_code < 300:
        raise AlertFailedError(f"the webhook answered {answer.status_code}; check TICKETS_ALERT_WEBHOOK")


CHANNELS: Mapping[str, Callable[[Settings, str], None]] = {"log": _log, "webhook": _webhook}
"""Channels by name."""
