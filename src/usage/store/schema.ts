/**
 * The tables of nomyo-router's SQLite file, as the Python router makes and reads them, and beside them what is this router's
 * own, under the prefix `router_`. Rows of the Python router may hold NULL anywhere.
 */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS token_counts (
  endpoint TEXT NOT NULL, model TEXT NOT NULL,
  input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, total_tokens INTEGER DEFAULT 0,
  PRIMARY KEY (endpoint, model)
);
CREATE TABLE IF NOT EXISTS token_time_series (
  id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT,
  input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, total_tokens INTEGER DEFAULT 0, timestamp INTEGER
);
CREATE TABLE IF NOT EXISTS token_time_series_daily (
  id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT, date TEXT,
  input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, total_tokens INTEGER DEFAULT 0,
  UNIQUE (endpoint, model, date)
);

-- How many of token_counts' input tokens are estimated.
CREATE TABLE IF NOT EXISTS router_estimates (
  endpoint TEXT NOT NULL, model TEXT NOT NULL, input_tokens INTEGER NOT NULL,
  PRIMARY KEY (endpoint, model)
) WITHOUT ROWID;

-- Sums by the hour of every row that token_time_series ever had, and between which ids that hour's rows are: ids follow the
-- clock, so they serve as the index by time that would take minutes to build over a large history.
CREATE TABLE IF NOT EXISTS router_token_hours (
  model TEXT NOT NULL, endpoint TEXT NOT NULL, hour INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, first_id INTEGER, last_id INTEGER,
  PRIMARY KEY (model, endpoint, hour)
) WITHOUT ROWID;

-- The rows of token_time_series_daily as last seen, and in which state they are (days.ts).
CREATE TABLE IF NOT EXISTS router_daily (
  endpoint TEXT NOT NULL, model TEXT NOT NULL, date TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, state INTEGER NOT NULL,
  PRIMARY KEY (endpoint, model, date)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS router_meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS router_requests (
  number INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, id TEXT NOT NULL,
  asked TEXT, model TEXT, endpoint TEXT, outcome TEXT, client TEXT, record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS router_requests_time ON router_requests (received_at);
CREATE INDEX IF NOT EXISTS router_requests_id ON router_requests (id);
CREATE INDEX IF NOT EXISTS router_requests_asked ON router_requests (asked, received_at);
CREATE INDEX IF NOT EXISTS router_requests_model ON router_requests (model, received_at);
CREATE INDEX IF NOT EXISTS router_requests_endpoint ON router_requests (endpoint, received_at);
CREATE INDEX IF NOT EXISTS router_requests_outcome ON router_requests (outcome, received_at);
CREATE INDEX IF NOT EXISTS router_requests_client ON router_requests (client, received_at);
`;
