"""The Python router's database as its documented tables have it: makes one, writes to it, reads it. Prints JSON."""

import json
import sqlite3
import sys

TABLES = """
CREATE TABLE IF NOT EXISTS token_counts (endpoint TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER,
  total_tokens INTEGER, PRIMARY KEY (endpoint, model));
CREATE TABLE IF NOT EXISTS token_time_series (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT,
  input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, timestamp INTEGER,
  FOREIGN KEY (endpoint, model) REFERENCES token_counts (endpoint, model));
CREATE TABLE IF NOT EXISTS token_time_series_daily (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT,
  date TEXT, input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, UNIQUE (endpoint, model, date));
"""


def spend(db, endpoint, model, given, taken, timestamp):
    db.execute(
        "INSERT INTO token_counts VALUES (?1, ?2, ?3, ?4, ?3 + ?4) ON CONFLICT (endpoint, model) DO UPDATE SET"
        " input_tokens = input_tokens + ?3, output_tokens = output_tokens + ?4, total_tokens = total_tokens + ?3 + ?4",
        (endpoint, model, given, taken),
    )
    db.execute(
        "INSERT INTO token_time_series (endpoint, model, input_tokens, output_tokens, total_tokens, timestamp)"
        " VALUES (?1, ?2, ?3, ?4, ?3 + ?4, ?5)",
        (endpoint, model, given, taken, timestamp),
    )


def day(db, endpoint, model, date, given, taken):
    db.execute(
        "INSERT INTO token_time_series_daily (endpoint, model, date, input_tokens, output_tokens, total_tokens)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?4 + ?5)",
        (endpoint, model, date, given, taken),
    )


def main(path, steps):
    db = sqlite3.connect(path, timeout=10)
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(TABLES)
    for name, *values in steps:
        {"spend": spend, "day": day, "sql": lambda db, sql: db.execute(sql)}[name](db, *values)
    db.commit()
    tables = ("token_counts", "token_time_series", "token_time_series_daily")
    print(json.dumps({table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}))
    check = db.execute("PRAGMA integrity_check").fetchone()[0], db.execute("PRAGMA foreign_key_check").fetchall()
    assert check == ("ok", []), check


main(sys.argv[1], json.loads(sys.argv[2]))
