// A book of contacts in memory, with json-server: its router alone, without the file that it keeps
// otherwise, and without its log, compression and CORS.
//
// Usage: json_server_book.js [FILE of contacts to begin with, a line of JSON each]
'use strict';

const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const jsonServer = require('json-server');

const addresses = [];
if (process.argv.length > 2) {
  for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n')) {
    if (line !== '') addresses.push({ id: randomUUID(), ...JSON.parse(line) });
  }
}
const server = jsonServer.create();
server.use(jsonServer.router({ addresses }));
const listener = server.listen(0, '127.0.0.1', () => {
  console.log(`Serving on http://127.0.0.1:${listener.address().port} ...`);
});
