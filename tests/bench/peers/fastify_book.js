// A book of contacts in memory, with Fastify.
//
// Usage: fastify_book.js [FILE of contacts to begin with, a line of JSON each]
'use strict';

const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const fastify = require('fastify')({ logger: false });

const book = new Map();

function add(address) {
  const id = randomUUID();
  book.set(id, address);
  return id;
}

function refuseUnknown(request, reply, done) {
  if (book.has(request.params.id)) return done();
  reply.code(404).send({ message: 'No such address' });
}

fastify.get('/addresses', (request, reply) => {
  reply.send(Object.fromEntries(book));
});
fastify.post('/addresses', (request, reply) => {
  reply.code(201).header('Location', `/addresses/${add(request.body)}`).send();
});
fastify.get('/addresses/:id', { preHandler: refuseUnknown }, (request, reply) => {
  reply.send(book.get(request.params.id));
});
fastify.put('/addresses/:id', { preHandler: refuseUnknown }, (request, reply) => {
  book.set(request.params.id, request.body);
  reply.code(204).send();
});
fastify.delete('/addresses/:id', { preHandler: refuseUnknown }, (request, reply) => {
  book.delete(request.params.id);
  reply.code(204).send();
});

if (process.argv.length > 2) {
  for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n')) {
    if (line !== '') add(JSON.parse(line));
  }
}
fastify.listen({ host: '127.0.0.1', port: 0 }).then(
  (address) => console.log(`Serving on ${address} ...`),
  (error) => {
    console.error(error);
    process.exit(1);
  });
