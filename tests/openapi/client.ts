// node client.js URL: the life of a contact, by a client that openapi-typescript and openapi-fetch
// have made of the API document. tsc checks that each call, and what is done with each answer, is as
// the document says.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type {components, paths} from './api.js';

type Entry = components['schemas']['Entry'];

const [, , baseUrl] = process.argv;
assert(baseUrl);
const client = createClient<paths, 'application/json'>({baseUrl});

const isEntry = (each: object): each is Entry =>
  'id' in each && 'address' in each && 'revision' in each;

// Create.
const created = await client.POST('/addresses', {
  body: {name: 'Ann Example', emails: ['ann@example.com'], phones: ['+1 555 555 0123']},
  params: {header: {'Idempotency-Key': 'client-1'}},
});
assert.equal(created.response.status, 201);
const id = created.response.headers.get('Location')?.split('/').pop();
const tag = created.response.headers.get('ETag');
assert(id && tag);
const path = {id};

// Get.
const got = await client.GET('/addresses/{id}', {params: {path}});
assert.equal(got.response.status, 200);
assert.equal(got.data?.['name'], 'Ann Example');
assert.equal(got.response.headers.get('ETag'), tag);
const unchanged = await client.GET('/addresses/{id}', {
  params: {path, header: {'If-None-Match': tag}},
});
assert.equal(unchanged.response.status, 304);

// List with q.
const found = await client.GET('/addresses', {
  params: {query: {q: 'ann exam', sort: '-updated', limit: 10, count: true}},
});
assert.equal(found.response.status, 200);
assert.equal(found.response.headers.get('X-Total-Count'), '1');
assert(Array.isArray(found.data));
const [entry] = found.data;
assert(entry && isEntry(entry));
assert.equal(entry.id, id);
assert.equal(entry.revision, 1);
assert.equal(entry.address['name'], 'Ann Example');

// Patch with If-Match.
const patched = await client.PATCH('/addresses/{id}', {
  params: {path, header: {'If-Match': tag, Prefer: 'return=representation'}},
  headers: {'Content-Type': 'application/merge-patch+json'},
  body: {labels: ['friends'], phones: null},
});
assert.equal(patched.response.status, 200);
assert.deepEqual(patched.data, {
  name: 'Ann Example',
  emails: ['ann@example.com'],
  labels: ['friends'],
});

// 412: the tag is of the state before.
const late = await client.PATCH('/addresses/{id}', {
  params: {path, header: {'If-Match': tag}},
  headers: {'Content-Type': 'application/merge-patch+json'},
  body: {name: 'Ann Late'},
});
assert.equal(late.response.status, 412);
assert.equal(late.error?.code, 412);
assert.match(late.error?.message ?? '', /revision/);

// What has changed since.
const changes = await client.GET('/addresses/_changes', {params: {query: {limit: 5}}});
const [change] = changes.data?.changes ?? [];
assert(change?.op === 'put');
assert.deepEqual(change.address, patched.data);

// Delete.
const removed = await client.DELETE('/addresses/{id}', {params: {path}});
assert.equal(removed.response.status, 204);

// 404.
const gone = await client.GET('/addresses/{id}', {params: {path}});
assert.equal(gone.response.status, 404);
assert.equal(gone.error?.code, 404);
assert.equal(gone.error?.method, 'GET');

// @ts-expect-error: no such parameter
await client.GET('/addresses', {params: {query: {colour: 'blue'}}});
// @ts-expect-error: no such path
await client.GET('/adresses', {});
// @ts-expect-error: the order is none of those that there are
await client.GET('/addresses', {params: {query: {sort: 'colour'}}});
