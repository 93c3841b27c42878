-- Two books of PostgreSQL tables of version 3, and what is left of a removed one.
CREATE TABLE addrbook_schema (version INTEGER NOT NULL);
INSERT INTO addrbook_schema VALUES (3);
CREATE TABLE addrbook_books (number BIGINT PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE, epoch TEXT NOT NULL, revision BIGINT NOT NULL, count BIGINT NOT NULL);
CREATE TABLE addrbook_entries (key BIGINT PRIMARY KEY, id TEXT COLLATE "C" NOT NULL, revision BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, document TEXT NOT NULL);
CREATE TABLE addrbook_removed (number BIGINT PRIMARY KEY);
CREATE TABLE addrbook_store (origin TEXT NOT NULL, last_number BIGINT NOT NULL, books BIGINT NOT NULL);
INSERT INTO addrbook_store (origin, last_number, books) VALUES ('', 3, 2);
CREATE UNIQUE INDEX addrbook_ids ON addrbook_entries (id, (key >> 40));
INSERT INTO addrbook_books VALUES (1, 'default', '0123456789abcdef', 7, 4), (3, 'team', 'fedcba9876543210', 2, 2);
INSERT INTO addrbook_removed VALUES (2);
INSERT INTO addrbook_entries VALUES
 ((CAST(1 AS BIGINT) << 40) + 1, '018bcfe5687b7000800000000000ada0', 1, 1700000000123, 1700000000123, '{"name":"Ada Lovelace","given":"Ada","family":"Lovelace","emails":["ada@example.com"]}'),
 ((CAST(1 AS BIGINT) << 40) + 2, '018bcfe5687b7000800000000000b0b0', 5, 1700000000124, 1700000000200, '{"name":"Grace Hopper","phones":["+1 555 010 0100"],"labels":["navy"]}'),
 ((CAST(1 AS BIGINT) << 40) + 4, 'e', 4, 1700000000125, 1700000000125, '{"name":"Édouard"}'),
 ((CAST(1 AS BIGINT) << 40) + 7, 'me', 7, 1700000000126, 1700000000126, '{}'),
 ((CAST(2 AS BIGINT) << 40) + 1, 'gone', 1, 1700000000127, 1700000000127, '{"name":"Grace Gone"}'),
 ((CAST(3 AS BIGINT) << 40) + 1, 'a', 1, 1700000000128, 1700000000128, '{"name":"Ada King","emails":["ada@example.com"]}'),
 ((CAST(3 AS BIGINT) << 40) + 2, 'b', 2, 1700000000129, 1700000000129, '{"name":"Bob Team"}');
