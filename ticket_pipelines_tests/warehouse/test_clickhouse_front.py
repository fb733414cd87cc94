"""The test server itself: ClickHouse's HTTP interface over chDB, as clickhouse-connect sees it."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError

from ticket_pipelines_tests.fixtures.clickhouse import END_SECONDS, PASSWORD, USER, ClickHouseServer

COLUMNS = ["id", "word"]
ROWS = [[number, f"wörd {number}"] for number in range(1000)]
TABLE = pa.table({"id": pa.array(range(1000), pa.uint64()), "word": [word for _, word in ROWS]})
EXPECTED = [(1000, sum(range(1000)), 1000)]
MAKE = "CREATE TABLE shop.words (id UInt64, word String) ENGINE = MergeTree ORDER BY id"
WINDOW = " SETTINGS non_replicated_deduplication_window = 100"


@pytest.fixture
def table(clickhouse_server: ClickHouseServer) -> None:
    clickhouse_server.execute("CREATE DATABASE shop")
    clickhouse_server.execute(MAKE)


@pytest.fixture
def client(clickhouse_server: ClickHouseServer, table: None) -> Iterator[Client]:  # noqa: ARG001
    client = clickhouse_server.client(database="shop")
    clickhouse_server.forget()
    yield client
    client.close()


def stored(server: ClickHouseServer) -> list[tuple[int, ...]]:
    """Rows, the sum of their ids, distinct words."""
    return [
        tuple(int(value) for value in row)
        for row in server.execute("SELECT count(), sum(id), uniqExact(word) FROM shop.words")
    ]


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    return sink.getvalue()


@pytest.mark.parametrize("form", [False, True])
def test_queries(clickhouse_server: ClickHouseServer, form: bool) -> None:
    with clickhouse_server.client(form_encode_query_params=form) as client:
        assert client.ping()
        asked = {"ids": [3, 1], "text": "it's\t\\ ä"}
        sql = "SELECT arraySort({ids:Array(UInt64)}), {text:String}, currentDatabase()"
        assert client.query(sql, parameters=asked).result_rows == [([1, 3], "it's\t\\ ä", "default")]
        assert client.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")
        assert client.query_arrow("SELECT number FROM numbers(3)")["number"].to_pylist() == [0, 1, 2]
        assert client.raw_query("SELECT 1 AS a", fmt="JSONEachRow") == b'{"a":1}\n'
        assert client.raw_query("SELECT 1", fmt="Null") == b""
        assert client.command("SELECT 1, ';', `2` /* ; */ FROM (SELECT 2 AS `2`) -- ; \n;") == ["1", ";", "2"]
        summary = client.query("SELECT number FROM numbers(10)").summary
        assert summary["read_rows"] == "10"


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
@pytest.mark.usefixtures("table")
def test_inserts_of_rows(clickhouse_server: ClickHouseServer, compression: bool | str) -> None:
    with clickhouse_server.client(compress=compression) as client:
        summary = client.insert("shop.words", ROWS, column_names=COLUMNS)
        assert client.query("SELECT * FROM shop.words ORDER BY id").result_rows == [tuple(row) for row in ROWS]
    assert summary.written_rows == 1000
    assert stored(clickhouse_server) == EXPECTED


def test_inserts_of_files(clickhouse_server: ClickHouseServer, client: Client) -> None:
    lines = "".join(json.dumps({"id": number, "word": word}) + "\n" for number, word in ROWS)
    client.raw_insert("words", insert_block=io.BytesIO(parquet()), fmt="Parquet")
    client.raw_insert("words", insert_block=parquet(), fmt="Parquet", settings={"max_insert_threads": 1})
    client.raw_insert("words", COLUMNS, lines, fmt="JSONEachRow")
    client.raw_insert("words", insert_block=gzip.compress(lines.encode()), fmt="JSONEachRow", compression="gzip")
    client.raw_insert("words", insert_block=(part for part in [parquet()]), fmt="Parquet")
    client.insert_arrow("words", TABLE)
    client.command("INSERT INTO words SETTINGS async_insert = 0 VALUES (1, 'FORMAT;'), (2, ')')")
    client.command("INSERT INTO words SELECT 3, 'x' FORMAT TabSeparated")
    client.command("INSERT INTO words SETTINGS async_insert=0 FORMAT JSONEachRow", data='{"id": 4, "word": "y"}')
    assert stored(clickhouse_server)[0][0] == 6 * 1000 + 4
    inserts = clickhouse_server.log("INSERT")
    assert [entry["written_rows"] for entry in inserts] == [1000] * 6 + [2, 1, 1]
    assert inserts[1]["settings"]["max_insert_threads"] == "1"


@pytest.mark.parametrize(
    ("sql", "settings", "code"),
    [
        ("SELECT 1", {"no_such_setting": 1}, 115),
        ("SELECT * FROM nowhere", {}, 60),
        ("SELECT 1; SELECT 2", {}, 62),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", {}, 358),
        ("CREATE TEMPORARY TABLE t (a Int8)", {}, 48),
        ("SET max_threads = 1", {}, 48),
        ("INSERT INTO words VALUES (1, 'x')", {"readonly": 1}, 164),
        ("INSERT INTO words VALUES (1, 'x')", {"readonly": 2}, 164),
        ("SELECT * FROM file('/etc/hostname', 'LineAsString')", {"readonly": 1}, 164),
        ("INSERT INTO words VALUES ('x')", {}, 62),
    ],
)
def test_refusals(client: Client, sql: str, settings: dict[str, int], code: int) -> None:
    # straight into the URL: the client itself would refuse an unknown setting
    client.params.update({name: str(value) for name, value in settings.items()})  # type: ignore[attr-defined]
    with pytest.raises(DatabaseError) as caught:
        client.command(sql)
    assert caught.value.code == code
    client.params.clear()  # type: ignore[attr-defined]
    assert client.command("SELECT 1") == 1


def test_only_the_user_is_let_in(clickhouse_server: ClickHouseServer) -> None:
    with pytest.raises(DatabaseError) as caught:
        clickhouse_server.client(password="wrong")
    assert caught.value.code == 516
    url = f"http://127.0.0.1:{clickhouse_server.port}/"
    basic: dict[str, str | bytes] = {"Authorization": "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    named: dict[str, str | bytes] = {"X-ClickHouse-User": USER, "X-ClickHouse-Key": PASSWORD.encode()}
    answers = [requests.get(url, {"query": "SELECT 1"}, headers=headers, timeout=9) for headers in ({}, basic, named)]
    assert [answer.status_code for answer in answers] == [403, 200, 200]
    assert answers[0].headers["X-ClickHouse-Exception-Code"] == "516"


@pytest.mark.usefixtures("table")
def test_many_clients_at_once(clickhouse_server: ClickHouseServer) -> None:
    def work(worker: int) -> int:
        with clickhouse_server.client(database="shop") as own:
            for turn in range(5):
                own.insert("words", [[worker * 5 + turn, "x"]], column_names=COLUMNS)
                own.query("SELECT count() FROM words")
        return worker

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    assert stored(clickhouse_server) == [(40, sum(range(40)), 1)]


def test_a_reset_before_an_insert_is_repeated_by_the_client(
    clickhouse_server: ClickHouseServer, client: Client
) -> None:
    clickhouse_server.fault("^INSERT", "reset_before")
    client.insert("words", ROWS, column_names=COLUMNS)
    assert stored(clickhouse_server) == EXPECTED
    assert [entry["executed"] for entry in clickhouse_server.log("INSERT")] == [False, True]


@pytest.mark.parametrize(("make", "times"), [(MAKE, 2), (MAKE + WINDOW, 1)])
def test_a_reset_after_an_insert_doubles_rows_without_a_token(
    clickhouse_server: ClickHouseServer, make: str, times: int
) -> None:
    clickhouse_server.execute("CREATE DATABASE shop")
    clickhouse_server.execute(make)
    clickhouse_server.fault("^INSERT", "reset_after")
    with clickhouse_server.client() as client:
        settings = {"insert_deduplication_token": "first"}
        client.insert("shop.words", ROWS, column_names=COLUMNS, settings=settings)
    assert stored(clickhouse_server) == [(times * 1000, times * sum(range(1000)), 1000)]
    assert [entry["executed"] for entry in clickhouse_server.log("INSERT")] == [True, True]


def test_a_reset_within_a_body_executes_nothing(clickhouse_server: ClickHouseServer, client: Client) -> None:
    clickhouse_server.fault("^INSERT", "reset_in_body", arg=1000)
    body = io.BytesIO(b'{"id": 1, "word": "' + b"x" * (8 << 20) + b'"}\n')
    with pytest.raises(OperationalError):
        client.raw_insert("words", insert_block=body, fmt="JSONEachRow")
    assert stored(clickhouse_server)[0][0] == 0


@pytest.mark.usefixtures("table")
def test_a_client_that_goes_within_its_body_executes_nothing(clickhouse_server: ClickHouseServer) -> None:
    user = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {user}\r\nContent-Length: 999\r\n\r\n"
    statement = 'INSERT INTO shop.words FORMAT JSONEachRow\n{"id": 1, "word": "x"}\n'
    with socket.create_connection(("127.0.0.1", clickhouse_server.port)) as connection:
        connection.sendall((head + statement).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert stored(clickhouse_server)[0][0] == 0
    assert clickhouse_server.log("INSERT") == []


def test_statuses_and_errors_to_order(clickhouse_server: ClickHouseServer, client: Client) -> None:
    clickhouse_server.fault("^SELECT", "status", arg=503)
    assert client.query("SELECT 1").result_rows == [(1,)], "the client repeats a read"
    clickhouse_server.fault("^INSERT", "status", arg=503)
    with pytest.raises(OperationalError):
        client.insert("words", ROWS, column_names=COLUMNS)
    clickhouse_server.fault("^INSERT.*words", "error", arg=252)
    with pytest.raises(DatabaseError) as caught:
        client.insert("words", ROWS, column_names=COLUMNS)
    assert (caught.value.code, caught.value.name) == (252, "TOO_MANY_PARTS")
    assert stored(clickhouse_server)[0][0] == 0
    assert [entry["code"] for entry in clickhouse_server.log("INSERT")] == [0, 252]


def test_a_truncated_answer(clickhouse_server: ClickHouseServer, client: Client) -> None:
    clickhouse_server.fault("numbers", "truncate")
    with pytest.raises((StreamFailureError, OperationalError)):
        client.query("SELECT number FROM numbers(100000)")


@pytest.mark.usefixtures("table")
def test_a_delayed_insert_is_executed_after_the_client_gave_up(clickhouse_server: ClickHouseServer) -> None:
    clickhouse_server.fault("^INSERT", "delay", arg=END_SECONDS)
    with clickhouse_server.client(database="shop", send_receive_timeout=1) as hasty, pytest.raises(OperationalError):
        hasty.insert("words", ROWS, column_names=COLUMNS)
    assert stored(clickhouse_server)[0][0] == 0
    clickhouse_server.forget()
    while not clickhouse_server.log("INSERT"):
        pass
    assert stored(clickhouse_server) == EXPECTED


def test_a_wrong_fault_is_refused(clickhouse_server: ClickHouseServer) -> None:
    with pytest.raises(ValueError, match="no such action: 'explode'"):
        clickhouse_server.fault("x", "explode")  # type: ignore[arg-type]


def test_a_killed_server_keeps_what_it_acknowledged(own_clickhouse_server: ClickHouseServer) -> None:
    server = own_clickhouse_server
    server.execute("CREATE DATABASE shop")
    server.execute(MAKE)
    with server.client(database="shop") as client:
        client.insert("words", ROWS, column_names=COLUMNS)
        server.kill()
        with pytest.raises(OperationalError):
            client.query("SELECT 1")
        server.start()
        assert stored(server) == EXPECTED
        client.insert("words", [[1, "x"]], column_names=COLUMNS)
        server.stop()
        server.start()
        assert client.query("SELECT count() FROM words").result_rows == [(1001,)]


@pytest.mark.parametrize("end", ["sigterm", "stdin"])
def test_the_server_ends_in_order(tmp_path: Path, end: str) -> None:
    command = [sys.executable, "-m", "ticket_pipelines_tests.clickhouse_front", "--path", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        assert requests.get(f"http://127.0.0.1:{port}/ping", timeout=9).text == "Ok.\n"
        if end == "sigterm":
            os.kill(process.pid, signal.SIGTERM)
        else:
            process.stdin.close()
        assert process.wait(END_SECONDS) == 0
