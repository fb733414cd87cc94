"""What a query of people's may touch in ClickHouse, asked of the engine that reads and writes files best: chDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse

ADMITTED = [
    "SELECT a, b FROM t",
    "FROM t SELECT *",
    "/* ; */ SELECT ';' AS x -- ;",
    "WITH x AS (SELECT a FROM helpdesk.t) SELECT * FROM x WHERE a IN (SELECT a FROM x)",
    "SELECT a IN (1, 2), a IN (toInt64(1)), (1, 'x') IN t FROM t",
    "SELECT 1 AS `TableExpression`, 2 AS `Function file`",
    "(SELECT a FROM t) UNION ALL (SELECT 2) EXCEPT SELECT 3",
    "SELECT * FROM numbers(2) UNION ALL SELECT * FROM generate_series(1, 2)",
    "SELECT * FROM (VALUES (1))",
    "SELECT format('{}', b), x.a FROM t AS x JOIN helpdesk_storage.t AS y ON x.a = y.a",
    "SELECT count() FROM system.tables",
    "SELECT table_name FROM information_schema.tables LIMIT 1",
]
REFUSED = [
    ("SELECT 1; SELECT 'x' INTO OUTFILE '{never}'", "Multi-statements"),
    ("INSERT INTO t VALUES (1, 'x'); SELECT 'x' INTO OUTFILE '{never}'", "single SELECT"),
    ("SELECT 1 INTO OUTFILE '{never}'", "INTO OUTFILE"),
    ("SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '{never}' FORMAT CSV", "INTO OUTFILE"),
    ("SELECT (SELECT 1 INTO OUTFILE '{never}')", "Syntax error"),
    ("INSERT INTO FUNCTION file('{never}', CSV) SELECT 1", "single SELECT"),
    ("SELECT * FROM file('{secret}')", "function file"),
    ("SELECT * FROM t JOIN FILE('{secret}', CSV, 'a Int64') AS f ON f.a = t.a", "function FILE"),
    ("WITH x AS (SELECT * FROM file('{secret}')) SELECT * FROM x", "function file"),
    ("SELECT file('{secret}')", "function file"),
    ("SELECT arrayMap(x -> file(x), ['{secret}'])", "function file"),
    ("SELECT a FROM t ORDER BY (SELECT count() FROM file('{secret}'))", "function file"),
    ("SELECT COLUMNS('a') APPLY(x -> file('{secret}')) FROM t", "APPLY"),
    ("SELECT * APPLY(file) FROM t", "APPLY"),
    ("SELECT * FROM default.`{secret}`", "no table of ours"),
    ("SELECT * FROM `{secret}`", "no table of ours"),
    ("SELECT 1 IN default.`{secret}`", "database default"),
    ("SELECT * FROM view(SELECT * FROM file('{secret}'))", "function view"),
    ("SELECT * FROM (EXPLAIN AST SELECT * FROM file('{secret}'))", "function viewExplain"),
    ("DESCRIBE TABLE file('{secret}')", "single SELECT"),
    ("EXPLAIN SELECT 1", "single SELECT"),
    ("SELECT * FROM other.t", "database other"),
    ("SELECT 1 IN other.t", "database other"),
    ("SELECT in(1, other.t)", "database other"),
    ("SELECT * FROM `our own`.t", "database our own"),
    ("SELECT * FROM `helpdesk.x`.t", "no table of ours"),
    ("SELECT * FROM merge('other', '.*')", "function merge"),
    ("SELECT 1 IN merge('other', '.*')", "function merge"),
    ("SELECT * FROM loop(other.t)", "function loop"),
    ("SELECT joinGet('other.t', 'a', 1)", "function joinGet"),
    ("SELECT dictGet('other.d', 'a', 1)", "function dictGet"),
    ("SELECT aiGenerate('x')", "function aiGenerate"),
    ("SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", "function url"),
    ("SELECT * FROM s3('http://127.0.0.1:1/x')", "function s3"),
    ("SELECT * FROM remote('127.0.0.1:1', system.one)", "function remote"),
    ("SELECT * FROM executable('x.sh', CSV, 'a String')", "function executable"),
    ("SELECT * FROM (SELECT 1 SETTINGS readonly = 0)", "SETTINGS"),
    ("SELECT 1 SETTINGS readonly = 0", "readonly|SETTINGS"),
    ("SELECT 1 FORMAT CSV", "Syntax error"),
    ("SYSTEM STOP MERGES", "Syntax error|single SELECT"),
    ("KILL QUERY WHERE 1", "single SELECT"),
    ("SET readonly = 0", "single SELECT"),
    ("CREATE VIEW v AS SELECT 1", "single SELECT"),
    ("DROP TABLE t", "single SELECT"),
    ("SELECT 1 PARALLEL WITH SELECT 2", "single SELECT"),
    ("SELECT 1 /* open", "Multiline comment"),
    ("SELEC 1", "Syntax error"),
    ("", "Empty query|Syntax error|single SELECT"),
]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseWarehouse]:
    """A warehouse beside a database that is not ours, and a file that nobody may read."""
    folder = tmp_path_factory.mktemp("reading")
    (folder / "secret").write_text("a\n1\n")
    warehouse = open_warehouse(f"chdb:///{folder / 'warehouse'}", folder)
    assert isinstance(warehouse, ClickHouseWarehouse)
    with warehouse.connections.taken(wait=30) as client:
        for database in ("helpdesk", "helpdesk_storage", "other", "our own", "helpdesk.x"):
            client.command(f"CREATE DATABASE `{database}`")
            client.command(f"CREATE TABLE `{database}`.t (a Int64, b String) ENGINE = MergeTree ORDER BY a")
    yield warehouse
    warehouse.close()


@pytest.mark.parametrize("sql", ADMITTED)
def test_a_query_reads_what_is_ours(reading: ClickHouseWarehouse, sql: str) -> None:
    reading.query(sql)


@pytest.mark.parametrize(("sql", "reason"), REFUSED, ids=[sql for sql, _ in REFUSED])
def test_a_query_reaches_nothing_else_and_gives_no_order(reading: ClickHouseWarehouse, sql: str, reason: str) -> None:
    folder = Path(reading.label.removeprefix("chdb:///")).parent
    with pytest.raises(UsageError, match=reason):
        reading.query(sql.replace("{never}", f"{folder}/never").replace("{secret}", f"{folder}/secret"))
    assert not (folder / "never").exists()
