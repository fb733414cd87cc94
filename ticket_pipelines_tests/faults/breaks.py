"""Deliberate breaks: each takes one guard out of the product, and names the tests that have to fail without it.

`test_breaks.py` makes each break in a copy of the project and runs those tests there. A break whose text is gone fails:
then the guard was written anew, and the break has to be as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """A guard that is taken out.

    Attributes:
        guard: What is lost.
        file: Where it stands.
        before: Text that stands there once.
        after: Text in its place.
        tests: Tests of which at least one has to fail.
    """

    guard: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


CRASH = "crash/test_crash.py::test_killed_syncs_leave_what_an_undisturbed_one_leaves"
ENGINE = "sync/test_engine.py"
FAILURES = "sync/test_failures.py"

BREAKS = (
    Break(
        "the position is saved with the rows, not before them",
        "ticket_pipelines/sync/load.py",
        "                self._load(tables, specs, snapshot)\n",
        "                self._load({}, {}, snapshot)\n                self._load(tables, specs, snapshot)\n",
        (f"{CRASH}[zendesk-duckdb]", FAILURES, "sync/test_recovery.py"),
    ),
    Break(
        "the position is saved after the rows, as far as they were read",
        "ticket_pipelines/sync/load.py",
        "        if tables or snapshot != self._position.committed:\n",
        "        if tables:\n",
        (ENGINE, FAILURES),
    ),
    Break(
        "a row stands in a package once",
        "ticket_pipelines/sync/derive.py",
        '    if pc.count_distinct(table["id"]).as_py() == table.num_rows:\n',
        '    if table.num_rows or pc.count_distinct(table["id"]).as_py() == 0:\n',
        ("sync/test_derive.py", ENGINE),
    ),
    Break(
        "a lower version never overwrites a higher one",
        "ticket_pipelines/sync/settle.py",
        "    elif version < stored.version:\n",
        "    elif version < -1:\n",
        ("sync/test_settle.py", ENGINE),
    ),
    Break(
        "nothing is loaded without the lease",
        "ticket_pipelines/sync/load.py",
        "            self.target.lease.check()\n",
        "",
        (FAILURES,),
    ),
    Break(
        "a desk is synced by one at a time",
        "ticket_pipelines/sync/lease.py",
        "    ended = table.c.expires_at < given.acquired_at\n",
        "    ended = sa.true()\n",
        ("sync/test_lease.py",),
    ),
    Break(
        "a refusal is not tried again",
        "dlt_sources/http.py",
        "            if answer.status in request.passed or answer.status not in RETRIED:\n",
        "            if answer.status in request.passed:\n",
        ("dlt_sources/test_http.py",),
    ),
    Break(
        "no request comes before the time that a 429 names",
        "dlt_sources/http.py",
        "        wait = max(named, self.policy.backoff(limited)) if named",
        "        wait = self.policy.backoff(limited) if named",
        ("dlt_sources/test_http.py",),
    ),
    Break(
        "an error that says 200 is no empty list",
        "dlt_sources/zoho_crm/reader.py",
        "_decoder(holds).decode(body)",
        "msgspec.json.decode(body, type=Body)",
        ("dlt_sources/zoho_crm/test_walks.py",),
    ),
    Break(
        "a list that was not read to its end deletes nothing",
        "ticket_pipelines/sync/reading.py",
        "            whole = snapshot.last and not snapshot.nameless\n",
        "            whole = not snapshot.nameless\n",
        (ENGINE,),
    ),
    Break(
        "what cannot be stored is set aside before the position moves past it",
        "ticket_pipelines/sync/load.py",
        "        self._save([*package.rejected, *batch.rejected], now)\n        if tables",
        "        if tables",
        (FAILURES,),
    ),
    Break(
        "an archive that was not read to its end is read again",
        "dlt_sources/zoho_desk/tickets.py",
        "            yield from _archive(reader, feed, stream, state)\n            state = {",
        '            state = {**state, "archived": began}\n'
        "            yield from _archive(reader, feed, stream, state)\n            state = {",
        ("dlt_sources/zoho_desk/test_tickets.py",),
    ),
    Break(
        "a round that was cut off is gone on with",
        "dlt_sources/qcontact/marks.py",
        " and row.key not in self.round)",
        ")",
        ("dlt_sources/qcontact/test_cases.py",),
    ),
    Break(
        "one stream's failure leaves the others alone",
        "ticket_pipelines/sync/reading.py",
        "            if hopeless or isinstance(error, CredentialsError):\n",
        "            if hopeless or isinstance(error, SourceError):\n",
        (FAILURES,),
    ),
    Break(
        "what is held is loaded before a due sync goes first",
        "ticket_pipelines/sync/reading.py",
        "            self._settle()\n            self._commit()\n            self._is_awaited = False\n",
        "            self._is_awaited = False\n",
        ("end_to_end/test_meanwhile.py",),
    ),
    Break(
        "what was set aside is asked for where no clock says what came last",
        "ticket_pipelines/sync/replay.py",
        "(one.partial or undated or not ordered)",
        "(one.partial or undated)",
        ("end_to_end/test_meanwhile.py",),
    ),
)
