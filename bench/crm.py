"""The emulated Zoho CRM account of a bench, and the floor of its contacts: a bulk read's file, inserted by hand.

Mint a token, create the job, wait for it, download the zip to a file, read its CSV a batch at a time with Python's own
parser, build Arrow columns, insert each batch as Parquet: the vendor's table and the unified one, as ours writes them.
The account hides the two fields of contacts for which the product would take the list instead (an encrypted one, and
choices with a semicolon). What a sync knows besides is left out, as in `floor.py`.

Run: `python -m bench.crm --desk '{"config": …, "credentials": …}' --warehouse chdb:///FOLDER`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from bench.floor import BATCH, create_in_clickhouse, insert_into_clickhouse, opened_clickhouse
from dlt_sources.base import Kind
from dlt_sources.zoho_crm.streams import BY_MODULE
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines.warehouse.table import COMMON, CONTENT_HASH, TableColumn, TableSpec

ROOT = Path(__file__).parents[1]
READY_SECONDS = 60
DESK = "bench"
HIDDEN = ("Passport", "Interests")
ROWS, JOBS = "contacts", "/crm/bulk/v8/read"
TEXT, STAMP = pa.string(), pa.timestamp("us", "UTC")
FIELDS: Mapping[str, Kind] = {
    "First_Name": Kind.TEXT,
    "Last_Name": Kind.TEXT,
    "Full_Name": Kind.TEXT,
    "Email": Kind.TEXT,
    "Phone": Kind.TEXT,
    "Mobile": Kind.TEXT,
    "Lead_Source": Kind.TEXT,
    "Description": Kind.TEXT,
    "Account_Name": Kind.JSON,
    "Date_of_Birth": Kind.DATE,
    "Email_Opt_Out": Kind.BOOLEAN,
    "Owner": Kind.JSON,
    "Created_Time": Kind.TIMESTAMP,
    "Modified_Time": Kind.TIMESTAMP,
    "Created_By": Kind.JSON,
    "Modified_By": Kind.JSON,
    "Tag": Kind.JSON,
}
"""The fields of a contact that the account shows."""
_DECLARED = {column.name: column.kind for column in BY_MODULE["Contacts"].columns}
_KINDS = _DECLARED | {name: kind for name, kind in FIELDS.items() if name not in _DECLARED}


def _column_name(field: str) -> str:
    return field.lstrip("$").lower()


SPECS = {
    "zoho_crm_contacts": TableSpec(
        "zoho_crm_contacts",
        BY_MODULE["Contacts"].doc,
        (*COMMON, CONTENT_HASH, *(TableColumn(_column_name(name), kind) for name, kind in _KINDS.items())),
    ),
    "contacts": TABLES["contacts"],
}
"""The tables, by name."""
SCHEMAS = {name: spec.arrow_schema() for name, spec in SPECS.items()}


@contextmanager
def account(work: Path, contacts: int) -> Iterator[dict[str, Any]]:
    """An account of that many contacts; gives the desk that leads to it."""
    ready = work / "sandbox.json"
    ready.unlink(missing_ok=True)
    settings = {"zoho_crm": {"rows": {"Contacts": contacts}, "hidden": {"Contacts": HIDDEN}}}
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "ticket_pipelines.sandbox",
        "--ready-file",
        ready,
        "--settings",
        json.dumps(settings),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    try:
        for _ in range(READY_SECONDS * 20):
            if ready.exists():
                break
            time.sleep(0.05)
        told = json.loads(ready.read_text())["zoho_crm"]
        config = {**told["config"], "modules": ["Contacts"]}
        yield {"vendor": "zoho_crm", "config": config, "credentials": told["logins"]["oauth"], "streams": [ROWS]}
    finally:
        server.terminate()
        server.wait(10)


def download(desk: Mapping[str, Any], file: IO[bytes]) -> None:
    """Lets the account write its contacts into a file, and fetches it."""
    url, credentials = desk["config"]["base_url"], desk["credentials"]
    form = urlencode({**credentials, "grant_type": "refresh_token"}).encode()
    with urlopen(Request(f"{url}/oauth/v2/token", form), timeout=60) as answer:
        headers = {"Authorization": f"Zoho-oauthtoken {json.load(answer)['access_token']}"}
    query = {"query": {"module": {"api_name": "Contacts"}, "fields": ["id", *FIELDS]}, "file_type": "csv"}
    asked = Request(f"{url}{JOBS}", json.dumps(query).encode(), {**headers, "Content-Type": "application/json"})
    with urlopen(asked, timeout=60) as answer:
        job = json.load(answer)["data"][0]["details"]["id"]
    state = ""
    while state != "COMPLETED":
        with urlopen(Request(f"{url}{JOBS}/{job}", headers=headers), timeout=60) as answer:
            state = json.load(answer)["data"][0]["state"]
    with urlopen(Request(f"{url}{JOBS}/{job}/result", headers=headers), timeout=300) as answer:
        while piece := answer.read(2**20):
            file.write(piece)


_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _table(name: str, columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    schema = SCHEMAS[name]
    arrays = [columns[f.name] if f.name in columns else pa.nulls(rows, f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _column(cells: Sequence[str], kind: Kind) -> pa.Array:
    if kind is Kind.JSON:
        return pa.array([f'{{"id":"{cell}"}}' if cell else None for cell in cells], TEXT)
    made = pa.array([cell or None for cell in cells], TEXT)
    match kind:
        case Kind.TIMESTAMP:
            return made.cast(STAMP)
        case Kind.DATE:
            return made.cast(pa.date32())
        case Kind.BOOLEAN:
            return made.cast(pa.bool_())
        case _:
            return made


def rows_of(header: Sequence[str], part: Sequence[Sequence[str]], now: datetime) -> dict[str, pa.Table]:
    """Rows of both tables from rows of the file."""
    count = len(part)
    cells = dict(zip(header, zip(*part, strict=True), strict=True))
    field = {_column_name(name): _column(cells[name], kind) for name, kind in FIELDS.items()}
    tags = [[{"name": one} for one in cell.split(";")] if cell else None for cell in cells["Tag"]]
    field["tag"] = pa.array([None if one is None else _json(one) for one in tags], TEXT)
    common = {
        "desk": pa.repeat(pa.scalar(DESK, TEXT), count),
        "id": pa.array(cells["id"], TEXT),
        "version": pc.divide(field["modified_time"].cast(pa.int64()), 1_000),
        "synced_at": pa.repeat(pa.scalar(now, STAMP), count),
    }
    hashes = pa.array([xxhash.xxh3_64_intdigest("\0".join(row).encode()) for row in part], pa.uint64()).view(pa.int64())
    vendor = field | common | {"content_hash": hashes}
    unified = {
        **common,
        "vendor": pa.repeat(pa.scalar("zoho_crm", TEXT), count),
        "first_name": field["first_name"],
        "last_name": field["last_name"],
        "name": field["full_name"],
        "email": field["email"],
        "phone": field["phone"],
        "mobile": field["mobile"],
        "role": pa.repeat(pa.scalar("contact", TEXT), count),
        "account_id": pa.array([cell or None for cell in cells["Account_Name"]], TEXT),
        "tags": pa.array([None if one is None else _json([tag["name"] for tag in one]) for one in tags], TEXT),
        "created_at": field["created_time"],
        "updated_at": field["modified_time"],
        "system_updated_at": field["modified_time"],
    }
    return {
        "zoho_crm_contacts": _table("zoho_crm_contacts", vendor, count),
        "contacts": _table("contacts", unified, count),
    }


def batches(desk: Mapping[str, Any]) -> Iterator[dict[str, pa.Table]]:
    """The rows of both tables, a batch at a time."""
    now = datetime.now(UTC)
    with TemporaryFile() as file:
        download(desk, file)
        with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
            rows = csv.reader(io.TextIOWrapper(member, "utf-8", newline=""))
            header = next(rows)
            while part := list(islice(rows, BATCH)):
                yield rows_of(header, part, now)


def into_clickhouse(desk: Mapping[str, Any], warehouse: str) -> int:
    """Loads all contacts into ClickHouse; returns their count."""
    count = 0
    with closing(opened_clickhouse(warehouse)) as client:
        create_in_clickhouse(client, SPECS)
        for tables in batches(desk):
            insert_into_clickhouse(client, tables)
            count += tables["contacts"].num_rows
    return count


def main() -> None:
    """Loads once and prints the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--desk", type=json.loads, required=True)
    parser.add_argument("--warehouse", required=True)
    options = parser.parse_args()
    print(into_clickhouse(options.desk, options.warehouse))


if __name__ == "__main__":
    main()
