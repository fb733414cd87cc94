from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from dlt_sources.errors import CredentialsError
from dlt_sources.oauth import Token, Tokens, fingerprint


@pytest.mark.parametrize(
    ("life", "age", "fresh"),
    [
        (1800.0, 0.0, True),
        (1800.0, 1619.0, True),
        (1800.0, 1621.0, False),
        (172_800.0, 172_490.0, True),
        (60.0, 55.0, False),
    ],
)
def test_a_token_is_renewed_before_it_ends(life: float, age: float, fresh: bool) -> None:
    assert Token("secret", minted_at=0.0, expires_at=life).fresh(age) is fresh


def test_a_token_without_an_end_stays_fresh() -> None:
    assert Token("secret", minted_at=0.0).fresh(1e12)


def test_fifty_threads_at_the_end_of_a_token_mint_once() -> None:
    tokens, minted, got = Tokens(), list[int](), list[str]()
    start, second = threading.Barrier(50), threading.Barrier(2)

    def mint() -> Token:
        minted.append(1)
        # leaves time for a second one to come, which must not
        with suppress(threading.BrokenBarrierError):
            second.wait(timeout=0.2)
        return Token(f"token {len(minted)}", minted_at=0.0, expires_at=1800.0)

    def ask() -> None:
        start.wait()
        got.append(tokens.get("acme", mint, lambda: 10.0).value)

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(minted) == 1
    assert set(got) == {"token 1"}


def test_a_refused_token_is_forgotten_but_not_its_successor() -> None:
    tokens = Tokens()
    values = iter(["old", "new"])

    def get() -> str:
        return tokens.get("acme", lambda: Token(next(values), minted_at=0.0), lambda: 0.0).value

    assert get() == "old"
    tokens.discard("acme", "old")
    assert get() == "new"
    tokens.discard("acme", "old")
    assert get() == "new"


def test_a_failed_minting_leaves_nothing_behind() -> None:
    tokens = Tokens()

    def refuse() -> Token:
        raise CredentialsError("refused")

    with pytest.raises(CredentialsError):
        tokens.get("acme", refuse, lambda: 0.0)
    assert tokens.get("acme", lambda: Token("later", 0.0), lambda: 0.0).value == "later"


def test_neither_a_token_nor_its_name_shows_a_secret() -> None:
    assert "secret" not in repr(Token("secret", 0.0))
    assert "secret" not in fingerprint("https://acme.zendesk.com", "id", "secret")
