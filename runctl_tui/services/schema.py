"""The tables of the state file, as a list of migrations; the file's `user_version` counts those applied."""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE resources (
        key TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, provider TEXT NOT NULL, region TEXT NOT NULL,
        name TEXT NOT NULL, type TEXT NOT NULL, project TEXT NOT NULL, run TEXT NOT NULL, state TEXT NOT NULL,
        tags TEXT NOT NULL, compute_rate TEXT, disk_rate TEXT, has_disks INTEGER NOT NULL,
        launched_at INTEGER, created_at INTEGER,
        first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL
    );
    CREATE TABLE intervals (
        id INTEGER PRIMARY KEY, resource TEXT NOT NULL, kind TEXT NOT NULL,
        start INTEGER NOT NULL, end INTEGER NOT NULL, rate TEXT
    );
    CREATE INDEX intervals_by_resource ON intervals (resource, kind, end);
    CREATE INDEX intervals_by_end ON intervals (end);
    CREATE TABLE run_spans (
        run TEXT NOT NULL, resource TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER,
        PRIMARY KEY (run, resource, start)
    );
    CREATE TABLE usage (
        id INTEGER PRIMARY KEY, resource TEXT NOT NULL, at INTEGER NOT NULL, reading TEXT NOT NULL
    );
    CREATE INDEX usage_by_resource ON usage (resource, id);
    CREATE TABLE journal (
        op_id TEXT PRIMARY KEY, operation TEXT NOT NULL, kind TEXT NOT NULL, resource TEXT NOT NULL,
        name TEXT NOT NULL, provider TEXT NOT NULL, region TEXT NOT NULL, plan_hash TEXT NOT NULL,
        token TEXT NOT NULL, who TEXT NOT NULL, effect TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL
    );
    CREATE INDEX journal_by_resource ON journal (resource, state);
    CREATE TABLE journal_events (
        id INTEGER PRIMARY KEY, op_id TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX journal_events_by_op ON journal_events (op_id, id);
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, started_at INTEGER NOT NULL, ended INTEGER NOT NULL,
        view TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE states (resource TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL);
    CREATE INDEX states_by_resource ON states (resource, at);
    CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    INSERT INTO states SELECT key, CASE WHEN state = 'running' THEN coalesce(launched_at, last_seen) ELSE last_seen END,
        state FROM resources;
    """,
    """
    ALTER TABLE resources ADD stopped_at INTEGER;
    INSERT INTO intervals (resource, kind, start, end, rate)
        SELECT key, 'disk', coalesce(created_at, first_seen), last_seen, NULL FROM resources
        WHERE kind = 'volume' AND disk_rate IS NULL AND coalesce(created_at, first_seen) < last_seen;
    INSERT INTO kept SELECT DISTINCT 'ledger.volumes ' || provider || '/' || region, 'true' FROM resources;
    """,
    """
    ALTER TABLE resources ADD profile TEXT NOT NULL DEFAULT '';
    ALTER TABLE journal ADD profile TEXT NOT NULL DEFAULT '';
    """,
)
