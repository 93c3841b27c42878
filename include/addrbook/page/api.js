// Talking to the server: one function for all requests, errors as one class, the token.

const html = document.documentElement;
// The page stands at {root}/_page, whatever a proxy puts in front of it.
const root = location.pathname.replace(/\/_page\/?$/, "");

export const mount = {
  root,
  tail: html.dataset.tail, // of many books: what follows a book's name
  formats: html.dataset.formats.split(" ").filter(Boolean),
  isReadOnly: false, // for the token that is used
  get hasBooks() {
    return this.tail !== "";
  },
};

export const bookPath = (name) => `${root}/${encodeURIComponent(name)}`;
export const base = (book) => (mount.hasBooks ? bookPath(book) + mount.tail : root);

export class ApiError extends Error {
  // @param status  0: no answer
  constructor(status, message, errors = [], retryAfter = 0) {
    super(message);
    Object.assign(this, { status, errors, retryAfter });
  }
}

// The token is this tab's, and only until it is closed.
const KEY = `addrbook-token ${root}`;
export const token = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (text) => sessionStorage.setItem(KEY, text),
};

let askForToken = null;
let asking = null;
// @param ask  called with whether a token was refused; resolves to a token, or ""
export function onUnauthorized(ask) {
  askForToken = ask;
}

const withToken = (headers) => (token.get() ? { ...headers, Authorization: `Bearer ${token.get()}` } : { ...headers });

async function errorOf(response) {
  const body = await response.json().catch(() => ({})); // it may be of something in between
  return new ApiError(response.status, body.message || response.statusText || `Status ${response.status}`, body.errors, Number(response.headers.get("Retry-After")));
}

// @param used  the token that was refused. @returns whether there may be another now
async function hasOther(used) {
  if (token.get() !== used) return true; // another request has asked meanwhile
  asking ??= askForToken(used !== "").finally(() => (asking = null));
  return Boolean(await asking);
}

// @returns the Response, which is good. @throws ApiError, or the AbortError of `signal`
export async function request(path, { headers, ...rest } = {}) {
  for (;;) {
    const used = token.get();
    let response;
    try {
      response = await fetch(path, { ...rest, headers: withToken(headers), credentials: "omit" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, "The server can't be reached.");
    }
    if (response.ok) return response;
    const error = await errorOf(response);
    if (response.status !== 401 || !(await hasOther(used))) throw error;
  }
}

// A write of JSON. @returns the Response, with what is stored now
export const sendJson = (method, path, body, headers) =>
  request(path, { method, body, headers: { "Content-Type": "application/json", Prefer: "return=representation", ...headers } });

// A batch of nothing needs the right to write, and does nothing. @returns whether that is refused
export const mayOnlyRead = (book) => sendJson("POST", `${base(book)}/_batch`, "[]").then(() => false, (error) => error.status === 403);

// Sends a file and says how far that is, which fetch() can't.
// @param onprogress  called with 0 to 1. @returns what the server reports; `status` is in it
export function upload(path, file, onprogress) {
  return new Promise((resolve, reject) => {
    const used = token.get();
    const xhr = new XMLHttpRequest();
    xhr.open("POST", path);
    xhr.responseType = "json";
    for (const [name, value] of Object.entries(withToken())) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => event.lengthComputable && onprogress(event.loaded / event.total);
    xhr.onerror = () => reject(new ApiError(0, "The connection was lost."));
    xhr.onload = async () => {
      const { status } = xhr;
      if (status === 200 || status === 207) resolve({ status, ...xhr.response });
      else if (status === 401 && (await hasOther(used))) resolve(upload(path, file, onprogress));
      else reject(new ApiError(status, xhr.response?.message || xhr.statusText));
    };
    xhr.send(file);
  });
}

// The query of the next page, from Link (RFC 8288); "" if this is the last one.
export function nextQuery(response) {
  const found = /<([^>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") || "");
  return found ? found[1].slice(found[1].indexOf("?") + 1) : "";
}

// What an error means to a reader.
export function explain({ status, message }) {
  const said = message.replace(/^Forbidden:\s/, "") + ".";
  return {
    0: ["offline", "No connection", "The server can't be reached. What you have typed is still here."],
    401: ["lock", "A token is needed", "This book is only for those who have a token."],
    403: ["lock", "Not allowed", said],
    404: ["book", "Not there", said],
    503: ["busy", "The server is busy", said],
  }[status] || ["alert", "That did not work", said];
}
