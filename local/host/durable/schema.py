"""The tables of the durable engine's file."""

from collections.abc import Sequence
from typing import Any

from local.host.durable.instances import Instance, Parent, Status

# Times are seconds since 1970; an empty execution in the inbox is whichever the instance is in.
SCHEMA = """
CREATE TABLE IF NOT EXISTS instance (
    id TEXT PRIMARY KEY,
    execution TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    input TEXT,
    status TEXT NOT NULL,
    custom_status TEXT,
    output TEXT,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    parent TEXT NOT NULL,
    parent_execution TEXT NOT NULL,
    parent_name TEXT NOT NULL,
    parent_task INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS history (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS history_of ON history (instance, row);
CREATE TABLE IF NOT EXISTS inbox (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    execution TEXT NOT NULL,
    event TEXT NOT NULL,
    due REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS inbox_due ON inbox (due);
CREATE INDEX IF NOT EXISTS inbox_of ON inbox (instance, due, row);
CREATE TABLE IF NOT EXISTS work (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    execution TEXT NOT NULL,
    task INTEGER NOT NULL,
    name TEXT NOT NULL,
    input TEXT NOT NULL
) STRICT;
"""


def instance_from(row: Sequence[Any]) -> Instance:
    """Make an instance of a whole *row* of the table."""
    *own, parent, parent_execution, parent_name, parent_task = row
    id_, execution, name, version, input_, status, custom_status, output, created, updated = own
    return Instance(
        id_,
        execution,
        name,
        version,
        input_,
        Status(status),
        custom_status,
        output,
        created,
        updated,
        Parent(parent, parent_execution, parent_name, parent_task) if parent else None,
    )
