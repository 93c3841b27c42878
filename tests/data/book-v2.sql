-- A book of PostgreSQL tables of version 2, with five entries after seven writes. The ids of the first and the
-- second one are UUIDs of version 7 of 2023-11-14 22:13:20.123 UTC and of the year 10889; the others are none.
CREATE TABLE addrbook_head (epoch TEXT NOT NULL, revision BIGINT NOT NULL, count BIGINT NOT NULL DEFAULT 0, origin TEXT NOT NULL DEFAULT '');
CREATE TABLE addrbook_entries (created BIGINT PRIMARY KEY, id TEXT COLLATE "C" NOT NULL UNIQUE, revision BIGINT NOT NULL, document TEXT NOT NULL);
CREATE TABLE addrbook_schema (version INTEGER NOT NULL);
INSERT INTO addrbook_schema VALUES (2);
INSERT INTO addrbook_head VALUES ('0123456789abcdef', 7, 5, '');
INSERT INTO addrbook_entries VALUES
  (1, '018bcfe5687b7000800000000000ada0', 1, '{"name":"Ada Lovelace"}'),
  (2, 'ffffffffffff7000800000000000b0b0', 5, '{"name":"Grace Hopper","phone":"555-0100"}'),
  (4, '018bcfe5687b4000800000000000ada0', 4, '{"name":"Édouard"}'),
  (6, '018BCFE5687B7000800000000000ADA0', 6, '{}'),
  (7, 'me', 7, '{}');
