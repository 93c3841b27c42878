// node client.js CASE URL: what Node's http.Agent, which keeps connections, sees of the server.
// Exits with 1 and says why if an answer is not the right one, or none comes.
'use strict';

const [, , name, url] = process.argv;
const http = require(url.startsWith('https:') ? 'https' : 'http');
const book = '/addresses';
const agent = new http.Agent({keepAlive: true, maxSockets: 4});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Resolves to {status, headers, body}. `send` writes the body and ends the request.
function ask(method, path, headers, send, agent) {
  return new Promise((resolve, reject) => {
    const request = http.request(url + path, {method, headers, agent}, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => resolve({
        status: response.statusCode,
        headers: response.headers,
        body: Buffer.concat(pieces).toString(),
      }));
    });
    request.on('error', reject);
    request.setTimeout(20000, () => request.destroy(new Error('no answer within 20 s')));
    Promise.resolve(send ? send(request) : request.end()).catch(reject);
  });
}

async function expect(status, method, path, headers, send, by = agent) {
  let answer;
  try {
    answer = await ask(method, path, headers, send, by);
  } catch (error) {
    throw new Error(`${method} ${path}: ${error.code || ''} ${error.message}, expected ${status}`);
  }
  if (answer.status !== status) {
    throw new Error(`${method} ${path}: ${answer.status}, expected ${status}: ${answer.body}`);
  }
  return answer;
}

const whole = (body) => (request) => request.end(body);
const json = {'Content-Type': 'application/json'};
const address = JSON.stringify({name: 'Ada Lovelace', phone: '555-0100'});

// Does `work` `times` times, four at once; all failures are counted, the first ones shown.
async function repeat(times, work) {
  const failures = [];
  let next = 0;
  const worker = async () => {
    while (next < times) {
      const number = next++;
      try {
        await work(number);
      } catch (error) {
        failures.push(error.message);
      }
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${times} failed:\n${failures.slice(0, 3).join('\n')}`);
  }
}

async function mix() {
  await repeat(60, async () => {
    const one = (await expect(201, 'POST', book, json, whole(address))).headers.location;
    await expect(200, 'GET', one);
    await expect(204, 'PUT', one, json, whole(address));
    await expect(200, 'HEAD', one);
    await expect(400, 'POST', book, json, whole('{'));
    await expect(204, 'DELETE', one);
    await expect(404, 'GET', one);
  });
}

// Bodies that the answer doesn't need, and that arrive after their head.
async function late() {
  const asked = [
    [200, 'GET', book], [200, 'GET', book + '/_health'], [200, 'HEAD', book],
    [204, 'OPTIONS', book], [404, 'DELETE', book + '/nobody'], [405, 'PATCH', book],
    [404, 'GET', '/nowhere'], [404, 'DELETE', '/nowhere'], [404, 'POST', '/nowhere'],
  ];
  await repeat(20 * asked.length, async (number) => {
    const [status, method, path] = asked[number % asked.length];
    const framing =
        number % 2 === 0 ? {'Content-Length': '5'} : {'Transfer-Encoding': 'chunked'};
    await expect(status, method, path, framing, async (request) => {
      request.flushHeaders();
      await pause(3);
      request.end('later');
    });
  });
}

async function posts() {
  await repeat(400, () => expect(201, 'POST', book, json, whole(address)));
}

// A body of 50 MiB, which the server refuses. Each on a connection of its own: a proxy may end one
// without a word when an answer comes before the end of the body.
async function large() {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  for (const framing of [{'Content-Length': 50 * piece.length}, {'Transfer-Encoding': 'chunked'}]) {
    await expect(413, 'POST', book, {...json, ...framing}, async (request) => {
      let go = () => {};
      request.on('drain', () => go());
      request.on('close', () => go());
      for (let i = 0; i < 50 && !request.destroyed; ++i) {
        if (!request.write(piece)) await new Promise((resolve) => { go = resolve; });
      }
      request.end();
    }, false);
  }
  await expect(200, 'GET', book + '/_health');
}

({mix, late, posts, large})[name]().then(
    () => agent.destroy(),
    (error) => {
      console.error(error.message);
      process.exit(1);
    });
