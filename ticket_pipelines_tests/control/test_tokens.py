"""Access tokens in the control database: one minting for all, encrypted, and nobody waits for a dead one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from dlt_sources.errors import CredentialsError
from dlt_sources.oauth import Token
from ticket_pipelines.control import tokens
from ticket_pipelines.control.database import access_tokens
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.credentials import Vault

NOW = 1_750_000_000.0
VAULT = Vault((Fernet.generate_key().decode(),))


def token(value: str, expires_at: float | None = NOW + 3600) -> Token:
    return Token(value, NOW, expires_at, frozenset({"read"}), "https://api.example.com")


def never() -> Token:
    raise AssertionError("minted again")


def test_a_token_is_minted_once_and_comes_back_whole_in_another_store(control: sa.Engine) -> None:
    assert ControlTokens(control, VAULT).get("one", lambda: token("secret-1"), lambda: NOW) == token("secret-1")
    assert ControlTokens(control, VAULT).get("one", never, lambda: NOW) == token("secret-1")


def test_a_token_is_renewed_shortly_before_its_end(control: sa.Engine) -> None:
    store = ControlTokens(control, VAULT)
    store.get("one", lambda: token("old"), lambda: NOW)
    assert store.get("one", never, lambda: NOW + 3200).value == "old"
    assert store.get("one", lambda: token("new", NOW + 9000), lambda: NOW + 3400).value == "new"


def test_fifty_workers_that_need_a_token_mint_one(control: sa.Engine) -> None:
    minted = list[int]()
    start, second = threading.Barrier(50), threading.Barrier(2)

    def mint() -> Token:
        minted.append(1)
        # leaves time for a second one to come, which must not
        with suppress(threading.BrokenBarrierError):
            second.wait(timeout=0.3)
        return token("shared")

    def ask(_number: int) -> str:
        store = ControlTokens(control, VAULT)
        start.wait(60)
        return store.get("one", mint, lambda: NOW).value

    with ThreadPoolExecutor(50) as workers:
        assert set(workers.map(ask, range(50))) == {"shared"}
    assert minted == [1]


def test_a_refused_token_is_forgotten_but_not_its_successor(control: sa.Engine) -> None:
    store = ControlTokens(control, VAULT)
    store.get("one", lambda: token("old"), lambda: NOW)
    store.discard("one", "old")
    assert store.get("one", lambda: token("new"), lambda: NOW).value == "new"
    store.discard("one", "old")
    assert store.get("one", never, lambda: NOW).value == "new"


def test_a_fresh_token_that_was_read_costs_no_further_look(control: sa.Engine) -> None:
    store = ControlTokens(control, VAULT)
    store.get("one", lambda: token("secret-1"), lambda: NOW)
    with control.begin() as connection:
        connection.execute(sa.delete(access_tokens))
    assert store.get("one", never, lambda: NOW).value == "secret-1"
    assert store.get("one", lambda: token("new", NOW + 9000), lambda: NOW + 3400).value == "new"


def test_a_token_whose_key_is_gone_is_minted_anew(control: sa.Engine) -> None:
    """As after a backup of the control database was put back, from before the keys changed."""
    ControlTokens(control, VAULT).get("one", lambda: token("old"), lambda: NOW)
    store = ControlTokens(control, Vault((Fernet.generate_key().decode(),)))
    store.discard("one", "old")
    assert store.get("one", lambda: token("new"), lambda: NOW).value == "new"
    assert store.get("one", never, lambda: NOW).value == "new"


def test_a_failed_minting_lets_the_next_one_try(control: sa.Engine) -> None:
    store = ControlTokens(control, VAULT)

    def refuse() -> Token:
        raise CredentialsError("refused")

    with pytest.raises(CredentialsError):
        store.get("one", refuse, lambda: NOW)
    assert store.get("one", lambda: token("later"), lambda: NOW).value == "later"


def test_one_who_died_while_minting_holds_nobody_up_for_ever(control: sa.Engine) -> None:
    with control.begin() as connection:
        row = {"credential": "one", "minting_until": time.time() + tokens.MINTING}
        connection.execute(sa.insert(access_tokens).values(row))
    waits = list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        with control.begin() as connection:
            connection.execute(sa.update(access_tokens).values(minting_until=time.time() - 1))

    assert ControlTokens(control, VAULT, wait).get("one", lambda: token("mine"), lambda: NOW).value == "mine"
    assert len(waits) == 1


def test_the_database_shows_no_token_and_forgets_those_that_ended(control: sa.Engine) -> None:
    store = ControlTokens(control, VAULT)
    store.get("ended", lambda: token("secret-1", NOW - 1), lambda: NOW)
    store.get("one", lambda: token("secret-2"), lambda: NOW)
    with control.connect() as connection:
        rows = connection.execute(sa.select(access_tokens)).mappings().all()
    assert [row["credential"] for row in rows] == ["one"]
    assert "secret" not in str(rows)


def test_keys_can_be_rotated_while_a_token_is_kept(control: sa.Engine) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    ControlTokens(control, Vault((old,))).get("one", lambda: token("secret-1"), lambda: NOW)
    Vault((new, old)).rotate(control)
    assert ControlTokens(control, Vault((new,))).get("one", never, lambda: NOW).value == "secret-1"


PROCESS = """
import sys, time
from cryptography.fernet import Fernet
from dlt_sources.oauth import Token
from ticket_pipelines.control.connection import open_control
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.credentials import Vault

def mint():
    with open(sys.argv[3], "a") as file:
        file.write("minted\\n")
    return Token("shared", time.time(), time.time() + 3600)

store = ControlTokens(open_control(sys.argv[1]), Vault((sys.argv[2],)))
print(store.get("one", mint, time.time).value)
"""


@pytest.mark.usefixtures("control")
def test_processes_that_need_a_token_at_once_mint_one(control_url: str, tmp_path: Path) -> None:
    log = tmp_path / "minted"
    command = [sys.executable, "-c", PROCESS, control_url, Fernet.generate_key().decode(), str(log)]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=60)[0] for process in asking] == ["shared\n"] * 4
    assert log.read_text() == "minted\n"
