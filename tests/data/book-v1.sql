-- A book of PostgreSQL tables of version 1, with three entries, the second one replaced, after six writes.
CREATE TABLE addrbook_head (epoch TEXT NOT NULL, revision BIGINT NOT NULL);
CREATE TABLE addrbook_entries (created BIGINT PRIMARY KEY, id TEXT COLLATE "C" NOT NULL UNIQUE, revision BIGINT NOT NULL, document TEXT NOT NULL);
CREATE TABLE addrbook_schema (version INTEGER NOT NULL);
INSERT INTO addrbook_schema VALUES (1);
INSERT INTO addrbook_head VALUES ('0123456789abcdef', 6);
INSERT INTO addrbook_entries VALUES
  (1, '00000000000000000000000000000001', 1, '{"name":"Ada Lovelace"}'),
  (2, '00000000000000000000000000000002', 5, '{"name":"Grace Hopper","phone":"555-0100"}'),
  (4, '00000000000000000000000000000004', 4, '{"name":"Édouard"}');
