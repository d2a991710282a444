import { createHash } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import tls from "node:tls";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { httpWire, transportOfError } from "../../lib/adapters/http-wire.ts";
import type { WireRequest } from "../../lib/core/transport.ts";
import { selfSigned } from "../doubles/self-signed.ts";

const clock = { nowMs: () => 1_000 };
/** Of an answer that comes: far off, so that a busy machine is not taken for a silent peer. */
const timeoutMs = 1_000;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const wireWith = (options: Partial<Parameters<typeof httpWire>[0]> = {}) => {
  const wire = httpWire({ clock, ...options });
  open.push(() => wire.close());
  return wire;
};

type Peer = {
  readonly port: number;
  readonly requests: string[];
  connections(): number;
  stop(): Promise<void>;
};

/** Listens on the loopback. `onRequest` is called once a whole request was read; without it nothing answers. */
const listen = async (
  onRequest: (socket: Socket, request: string, count: number) => void,
  { server = createServer(), event = "connection" }: { server?: Server; event?: string } = {},
): Promise<Peer> => {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.on(event, (socket: Socket) => {
    socket.on("error", () => {});
    let read = "";
    socket.on("data", (chunk: Buffer) => {
      read += chunk.toString("latin1");
      const [head = "", body = ""] = read.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (!read.includes("\r\n\r\n") || body.length < length) return;
      requests.push(read);
      read = "";
      onRequest(socket, requests.at(-1) ?? "", requests.length);
    });
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  open.push(stop);
  return { port: (server.address() as AddressInfo).port, requests, connections: () => connections, stop };
};

const answer = (body: string, headers = ""): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

const post = (port: number, more: Partial<WireRequest> = {}): WireRequest => ({
  method: "POST",
  url: `http://127.0.0.1:${port}/payment?a=1`,
  headers: { "X-Request-ID": "r1", "content-type": "application/json" },
  body: '{"a":"ü"}',
  ...more,
});

describe("a whole answer", () => {
  test("is replied, and the request went out as it was given", async () => {
    const peer = await listen((socket) =>
      socket.write(answer('{"ok":"€"}', "X-Thing: A\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n")),
    );
    expect(await wireWith().send(post(peer.port), { timeoutMs })).toEqual({
      kind: "replied",
      status: 200,
      headers: { "content-length": "12", "x-thing": "A", "set-cookie": "a, b" },
      body: '{"ok":"€"}',
      bodySha256: createHash("sha256").update('{"ok":"€"}').digest("hex"),
    });
    const [head, body] = (peer.requests[0] ?? "").split("\r\n\r\n");
    expect(head?.split("\r\n")).toEqual([
      "POST /payment?a=1 HTTP/1.1",
      "X-Request-ID: r1",
      "content-type: application/json",
      "content-length: 10",
      `Host: 127.0.0.1:${peer.port}`,
      "Connection: keep-alive",
    ]);
    expect(body).toBe(Buffer.from('{"a":"ü"}').toString("latin1"));
  });

  test("GET without a body", async () => {
    const peer = await listen((socket) => socket.write(answer("ok")));
    const url = `http://127.0.0.1:${peer.port}/transactions?dateFrom=2026-11-22T00%3A00%3A00Z`;
    const transport = await wireWith().send({ method: "GET", url, headers: {} }, { timeoutMs });
    expect(transport).toMatchObject({ kind: "replied", status: 200, body: "ok" });
    expect(peer.requests[0]).toMatch(/^GET \/transactions\?dateFrom=2026-11-22T00%3A00%3A00Z HTTP/);
    expect(peer.requests[0]).not.toMatch(/content-length|transfer-encoding/i);
  });

  test.each<[string, string, { status: number; body: string }]>([
    ["an error status", "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", { status: 500, body: "no" }],
    ["no content", "HTTP/1.1 204 No Content\r\n\r\n", { status: 204, body: "" }],
    [
      "a redirect, which is not followed",
      "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
      { status: 302, body: "" },
    ],
    [
      "a chunked body",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      { status: 200, body: "ok" },
    ],
    [
      "an early hint before it",
      `HTTP/1.1 103 Early Hints\r\n\r\n${answer("ok")}`,
      { status: 200, body: "ok" },
    ],
    ["a byte order mark", answer("\ufeff{}"), { status: 200, body: "{}" }],
  ])("%s", async (_, bytes, expected) => {
    const peer = await listen((socket) => socket.write(bytes));
    expect(await wireWith().send(post(peer.port), { timeoutMs })).toMatchObject({
      kind: "replied",
      ...expected,
    });
    expect(peer.requests).toHaveLength(1);
  });

  test("its hash is over the bytes, not over the text", async () => {
    const bytes = Buffer.from([0x22, 0xff, 0x22]);
    const peer = await listen((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
      socket.write(bytes);
    });
    expect(await wireWith().send(post(peer.port), { timeoutMs })).toMatchObject({
      body: '"\ufffd"',
      bodySha256: createHash("sha256").update(bytes).digest("hex"),
    });
  });

  test("a body without Content-Length that is cut short looks whole", async () => {
    const peer = await listen((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"status":"succ'));
    expect(await wireWith().send(post(peer.port), { timeoutMs })).toMatchObject({
      kind: "replied",
      body: '{"status":"succ',
    });
  });

  test("a body of just the largest size is read", async () => {
    const peer = await listen((socket) => socket.write(answer("x".repeat(1_000))));
    const wire = wireWith({ maxBodyBytes: 1_000 });
    expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ kind: "replied" });
  });
});

describe("sent, and no whole answer", () => {
  const half = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status"';
  test.each<[string, string, (socket: Socket) => unknown]>([
    ["reset after the request was read", "reset", (socket) => socket.resetAndDestroy()],
    ["closed after the request was read", "closed", (socket) => socket.end()],
    ["closed in the headers", "closed", (socket) => socket.end("HTTP/1.1 200 OK\r\nConten")],
    ["stalls before the headers", "timeout", () => {}],
    ["stalls in the headers", "timeout", (socket) => socket.write("HTTP/1.1 200 OK\r\nConten")],
    ["stalls in the body", "timeout", (socket) => socket.write(half)],
    [
      "sends its body drop by drop",
      "timeout",
      (socket) => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
        const drip = setInterval(() => socket.write(" "), 10);
        socket.once("close", () => clearInterval(drip));
      },
    ],
    ["half a body of its Content-Length", "cut", (socket) => socket.end(half)],
    [
      "half a body, then a reset",
      "reset",
      (socket) => socket.write(half, () => setTimeout(() => socket.resetAndDestroy(), 10)),
    ],
    [
      "a chunk cut short",
      "cut",
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"st'),
    ],
    [
      "no last chunk",
      "cut",
      (socket) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    ],
    [
      "a chunk that is none",
      "not_http",
      (socket) => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ],
    ["not HTTP", "not_http", (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")],
    ["not HTTP, then closed", "not_http", (socket) => socket.end("220 smtp ready\r\n")],
    [
      "another protocol, asked for by nobody",
      "closed",
      (socket) =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    ],
    [
      "headers without end",
      "too_large",
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(40_000)}`),
    ],
    ["a body that says it is too large", "too_large", (socket) => socket.write(answer("x".repeat(1_001)))],
    [
      "a body that is too large",
      "too_large",
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(1_001)}`),
    ],
  ])("%s: %s", async (_, cause, behave) => {
    const peer = await listen(behave);
    const start = performance.now();
    const transport = await wireWith({ maxBodyBytes: 1_000 }).send(post(peer.port), { timeoutMs });
    expect(transport).toEqual({ kind: "sentUnanswered", cause });
    expect(performance.now() - start).toBeLessThan(timeoutMs + 1_000);
    expect(peer.requests).toHaveLength(1);
  });

  test("a body that drips is over at the time-out", async () => {
    const peer = await listen((socket) => {
      socket.write(half);
      const drip = setInterval(() => socket.write("x"), 50);
      socket.on("close", () => clearInterval(drip));
    });
    const transport = await wireWith().send(post(peer.port), { timeoutMs });
    expect(transport).toEqual({ kind: "sentUnanswered", cause: "timeout" });
  });

  test("reset on accept, before anything was read", async () => {
    const server = createServer((socket) => socket.resetAndDestroy());
    const peer = await listen(() => {}, { server });
    const transport = await wireWith().send(post(peer.port), { timeoutMs });
    expect(transport).toMatchObject({
      kind: "sentUnanswered",
      cause: expect.stringMatching(/^(reset|closed)$/),
    });
  });

  test("the wire is closed in the meantime", async () => {
    const wire = wireWith();
    const peer = await listen(() => wire.close());
    const transport = await wire.send(post(peer.port), { timeoutMs });
    expect(transport).toEqual({ kind: "sentUnanswered", cause: "closed" });
  });
});

describe("never sent", () => {
  test("refused", async () => {
    const peer = await listen(() => {});
    await peer.stop();
    const wire = wireWith();
    const refused = { kind: "neverSent", cause: "refused" };
    expect(await wire.send(post(peer.port), { timeoutMs })).toEqual(refused);
    // a name of two addresses, and TLS
    expect(await wire.send(post(0, { url: `http://localhost:${peer.port}/` }), { timeoutMs })).toEqual(
      refused,
    );
    expect(await wire.send(post(0, { url: `https://127.0.0.1:${peer.port}/` }), { timeoutMs })).toEqual(
      refused,
    );
  });

  test("the name is not resolved", async () => {
    const request = post(0, { url: "http://nowhere.invalid/" });
    const transport = await wireWith().send(request, { timeoutMs: 2_000 });
    // Without any network the resolver may take longer than the deadline to say so.
    expect(transport).toMatchObject({
      kind: "neverSent",
      cause: expect.stringMatching(/^(unresolved|connect_timeout)$/),
    });
  });

  describe("a listener whose backlog is full", () => {
    /** A thread that listens and then never runs its event loop again: nothing accepts, the kernel drops SYNs. */
    const deaf = async (): Promise<number> => {
      const worker = new Worker(
        `const { parentPort } = require('node:worker_threads');
         const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
           parentPort.postMessage(server.address().port);
           setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
         });`,
        { eval: true },
      );
      open.push(() => worker.terminate());
      const [port] = (await once(worker, "message")) as [number];
      return port;
    };

    test.each([
      ["connectTimeoutMs", { connectTimeoutMs: 60 }, 5_000],
      ["timeoutMs, if that is shorter", { connectTimeoutMs: 5_000 }, 60],
      ["timeoutMs, without another", {}, 60],
    ])("ends at %s", async (_, options, timeout) => {
      const port = await deaf();
      const wire = wireWith(options);
      const limits = { timeoutMs: timeout };
      // The first ones fill the backlog: they are connected by the kernel and read by nobody.
      const filling = Array.from({ length: 4 }, () => wireWith().send(post(port), { timeoutMs: 150 }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      const start = performance.now();
      expect(await wire.send(post(port), limits)).toEqual({ kind: "neverSent", cause: "connect_timeout" });
      expect(performance.now() - start).toBeLessThan(2_000);
      expect(await filling[0]).toEqual({ kind: "sentUnanswered", cause: "timeout" });
    });
  });

  test("the connect deadline is over once the connection stands", async () => {
    const peer = await listen((socket) => setTimeout(() => socket.write(answer("ok")), 60));
    const transport = await wireWith({ connectTimeoutMs: 30 }).send(post(peer.port), { timeoutMs: 190 });
    expect(transport).toMatchObject({ kind: "replied" });
  });

  test.each<[string, number, string]>([
    ["is over", 999, "neverSent"],
    ["is now", 1_000, "replied"],
    ["is to come", 1_001, "replied"],
    ["is no number", Number.NaN, "neverSent"],
  ])("the moment until which it may be sent %s", async (_, notAfterMs, kind) => {
    const peer = await listen((socket) => socket.write(answer("ok")));
    const transport = await wireWith().send(post(peer.port), { timeoutMs, notAfterMs });
    expect(transport.kind).toBe(kind);
    if (kind === "neverSent") {
      expect(transport).toEqual({ kind, cause: "too_late" });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(peer.requests).toHaveLength(0);
    }
  });

  test("the moment is compared when the connection stands, not before", async () => {
    let nowMs = 1_000;
    const peer = await listen((socket) => socket.write(answer("ok")));
    const wire = wireWith({ clock: { nowMs: () => nowMs } });
    const sending = wire.send(post(peer.port), { timeoutMs, notAfterMs: 1_000 });
    nowMs = 1_001;
    expect(await sending).toEqual({ kind: "neverSent", cause: "too_late" });
    expect(peer.connections()).toBe(1);
    expect(peer.requests).toHaveLength(0);
  });
});

describe("kept-alive connections", () => {
  test("are used again by one wire, and not by another", async () => {
    const peer = await listen((socket) => socket.write(answer("ok")));
    const wire = wireWith();
    for (let n = 0; n < 3; n += 1) {
      expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ kind: "replied" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(peer.connections()).toBe(1);
    await wireWith().send(post(peer.port), { timeoutMs });
    expect(peer.connections()).toBe(2);
  });

  test("carry no more listeners after many requests than after one", async () => {
    const made: Socket[] = [];
    const note = (message: unknown): void => void made.push((message as { readonly socket: Socket }).socket);
    subscribe("net.client.socket", note);
    open.push(() => unsubscribe("net.client.socket", note));
    const peer = await listen((socket) => void socket.write(answer("ok")));
    const wire = wireWith();
    const counts: number[] = [];
    for (let nth = 0; nth < 20; nth += 1) {
      expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ kind: "replied" });
      await new Promise((resolve) => setImmediate(resolve));
      const [socket] = made;
      const names = socket?.eventNames() ?? [];
      counts.push(names.reduce((sum, name) => sum + (socket?.listenerCount(name) ?? 0), 0));
    }
    expect(peer.connections()).toBe(1);
    expect(new Set(counts)).toEqual(new Set([counts[0]]));
    expect(counts[0]).toBeGreaterThan(0);
  });

  test("are given up when idle", async () => {
    const peer = await listen((socket) => socket.write(answer("ok")));
    const wire = wireWith({ idleTimeoutMs: 20 });
    await wire.send(post(peer.port), { timeoutMs });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ kind: "replied" });
    expect(peer.connections()).toBe(2);
  });

  /** Stops this process for so long: no timer runs, as none does in a container that is frozen. */
  const freeze = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

  test.each<[string, number, (clock: { ms: number }) => void, connections: number]>([
    ["a moment", 60_000, () => {}, 1],
    ["longer than a connection is kept, by the machine's clock", 20, () => freeze(40), 2],
    [
      "longer than that by the worker's clock alone: the machine stood still",
      60_000,
      (at) => (at.ms += 60_001),
      2,
    ],
    ["a moment, but the worker's clock was set back", 60_000, (at) => (at.ms -= 1), 2],
  ])("after %s of standing still", async (_, idleTimeoutMs, stand, connections) => {
    const at = { ms: 1_000 };
    const peer = await listen((socket) => socket.write(answer("ok")));
    const wire = wireWith({ clock: { nowMs: () => at.ms }, idleTimeoutMs });
    await Promise.all([1, 2].map(() => wire.send(post(peer.port), { timeoutMs })));
    await new Promise((resolve) => setImmediate(resolve));
    const before = peer.connections();
    // In one turn, so that nothing else can have ended it.
    stand(at);
    expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ kind: "replied" });
    expect(peer.connections() - before).toBe(connections - 1);
  });

  test("are given up at the end of their life, however busy they are", async () => {
    const at = { ms: 1_000 };
    const peer = await listen((socket) => socket.write(answer("ok")));
    const wire = wireWith({ clock: { nowMs: () => at.ms }, lifeMs: 1_000 });
    for (let n = 0; n < 5; n += 1) {
      expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ kind: "replied" });
      await new Promise((resolve) => setImmediate(resolve));
      at.ms += 501;
    }
    expect(peer.connections()).toBe(2);
  });

  test("an idle time-out does not end a request", async () => {
    const peer = await listen((socket) => setTimeout(() => socket.write(answer("ok")), 60));
    const wire = wireWith({ idleTimeoutMs: 10 });
    expect(await wire.send(post(peer.port), { timeoutMs: 190 })).toMatchObject({ kind: "replied" });
  });

  test("are not used again after a time-out: a late answer is never the next one’s", async () => {
    const peer = await listen((socket, _request, count) =>
      setTimeout(() => socket.write(answer(`answer ${count}`)), count === 1 ? 120 : 0),
    );
    const wire = wireWith();
    expect(await wire.send(post(peer.port), { timeoutMs: 60 })).toMatchObject({ cause: "timeout" });
    expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ body: "answer 2" });
  });

  test.each<[string, string]>([
    ["at once", answer("1") + answer("stale")],
    ["in the next moment", answer("1")],
  ])("an answer that nobody asked for, %s, is never the next one’s", async (when, bytes) => {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const peer = await listen((socket, _request, count) => {
      if (count > 1) return void socket.write(answer("2"));
      // The worker ends the connection as soon as it reads what it has not asked for.
      socket.once("close", end);
      socket.write(bytes);
      if (when !== "at once") setTimeout(() => socket.write(answer("stale")), 10);
    });
    const wire = wireWith({ idleTimeoutMs: 60_000 });
    await wire.send(post(peer.port), { timeoutMs });
    await ended;
    expect(await wire.send(post(peer.port), { timeoutMs })).toMatchObject({ body: "2" });
  });

  test.each<[string, (socket: Socket) => void]>([
    ["resets", (socket) => void socket.resetAndDestroy()],
    ["closes", (socket) => void socket.destroy()],
  ])("a peer that %s when the second request comes: sent, unanswered", async (_, end) => {
    const peer = await listen((socket, _request, count) =>
      count === 1 ? void socket.write(answer("ok")) : end(socket),
    );
    const wire = wireWith();
    await wire.send(post(peer.port), { timeoutMs });
    await new Promise((resolve) => setImmediate(resolve));
    const transport = await wire.send(post(peer.port), { timeoutMs });
    expect(transport.kind).toBe("sentUnanswered");
    expect(peer.connections()).toBe(1);
    expect(peer.requests).toHaveLength(2);
  });

  test("a server that dies between two requests: never “never sent” on the old connection", async () => {
    let close = (): void => {};
    const peer = await listen((socket) => {
      socket.write(answer("ok"));
      close = () => void socket.resetAndDestroy();
    });
    const wire = wireWith();
    await wire.send(post(peer.port), { timeoutMs });
    await new Promise((resolve) => setImmediate(resolve));
    // In the same turn, so that this side cannot have noticed: the request goes out on a dead connection.
    close();
    const transport = await wire.send(post(peer.port), { timeoutMs });
    expect(transport).toMatchObject({
      kind: "sentUnanswered",
      cause: expect.stringMatching(/^(reset|closed)$/),
    });
    expect(peer.connections()).toBe(1);
  });
});

describe("TLS", () => {
  const { key, cert } = selfSigned();
  const trusted = tls.getCACertificates("default");
  const trust = (): void => {
    tls.setDefaultCACertificates([...trusted, cert]);
    open.push(() => tls.setDefaultCACertificates(trusted));
  };
  const listenTls = (onRequest: Parameters<typeof listen>[0]) =>
    listen(onRequest, { server: tls.createServer({ key, cert }), event: "secureConnection" });
  const https = (peer: Peer) => post(0, { url: `https://localhost:${peer.port}/payment` });

  test("a whole answer, on a connection that is used again", async () => {
    trust();
    const peer = await listenTls((socket) => socket.write(answer("ok")));
    const wire = wireWith();
    expect(await wire.send(https(peer), { timeoutMs: 190 })).toMatchObject({ kind: "replied", body: "ok" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(await wire.send(https(peer), { timeoutMs: 190 })).toMatchObject({ kind: "replied", body: "ok" });
    expect(peer.connections()).toBe(1);
  });

  test("a certificate that nobody vouches for", async () => {
    const peer = await listenTls((socket) => socket.write(answer("ok")));
    const transport = await wireWith().send(https(peer), { timeoutMs: 190 });
    expect(transport).toEqual({ kind: "sentUnanswered", cause: "tls" });
    expect(peer.requests).toHaveLength(0);
  });

  test.each<[string, string, (socket: Socket) => unknown]>([
    ["an answer that is not TLS", "tls", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["a close in the handshake", "tls", (socket) => socket.end()],
    ["a reset in the handshake", "tls", (socket) => socket.resetAndDestroy()],
    ["a stall in the handshake", "timeout", () => {}],
  ])("%s: %s", async (_, cause, behave) => {
    const server = createServer((socket) => socket.once("data", () => behave(socket)));
    const peer = await listen(() => {}, { server });
    const transport = await wireWith().send(https(peer), { timeoutMs });
    expect(transport).toEqual({ kind: "sentUnanswered", cause });
  });

  test("the moment is compared after the handshake", async () => {
    trust();
    let nowMs = 1_000;
    const peer = await listenTls((socket) => socket.write(answer("ok")));
    const server = wireWith({ clock: { nowMs: () => nowMs } });
    const sending = server.send(https(peer), { timeoutMs: 190, notAfterMs: 1_000 });
    while (peer.connections() === 0) await new Promise((resolve) => setImmediate(resolve));
    nowMs = 1_001;
    expect(await sending).toEqual({ kind: "neverSent", cause: "too_late" });
    expect(peer.requests).toHaveLength(0);
  });
});

describe("mistakes of the program", () => {
  test.each<[string, Partial<WireRequest>]>([
    ["no URL", { url: "nowhere/secret" }],
    ["another protocol", { url: "ftp://127.0.0.1/secret" }],
    ["a password in the URL", { url: "http://me:secret@127.0.0.1/" }],
    ["a line end in a header", { headers: { authorization: "secret\r\nX-Other: 1" } }],
    ["a character in a header that is no byte", { headers: { authorization: "secret€" } }],
    ["a header name with a space", { headers: { "x y": "secret" } }],
    ["a header that frames the message", { headers: { "Content-Length": "7" } }],
    ["a header that frames the message", { headers: { "transfer-encoding": "chunked" } }],
  ])("%s rejects with a TypeError that shows no secret, and nothing is sent", async (_, more) => {
    const peer = await listen((socket) => socket.write(answer("ok")));
    const error: unknown = await wireWith()
      .send(post(peer.port, more), { timeoutMs })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TypeError);
    expect(JSON.stringify([String(error), error])).not.toContain("secret");
    expect(peer.connections()).toBe(0);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])("a time-out of %s ms", async (wrong) => {
    await expect(wireWith().send(post(1), { timeoutMs: wrong })).rejects.toThrow(TypeError);
    expect(() => wireWith({ connectTimeoutMs: wrong })).toThrow(TypeError);
  });

  test("a wire that was closed", async () => {
    const wire = wireWith();
    wire.close();
    await expect(wire.send(post(1), { timeoutMs })).rejects.toThrow(TypeError);
  });
});

describe("transportOfError", () => {
  const error = (code: string, syscall?: string): Error =>
    Object.assign(new Error("x"), { code }, syscall === undefined ? {} : { syscall });

  test.each<[string, Error, string]>([
    ["refused", error("ECONNREFUSED", "connect"), "refused"],
    ["no such name", error("ENOTFOUND", "getaddrinfo"), "unresolved"],
    ["the resolver did not answer", error("EAI_AGAIN", "getaddrinfo"), "unresolved"],
    ["the system’s connect deadline", error("ETIMEDOUT", "connect"), "connect_timeout"],
    ["two addresses refused", new AggregateError([error("ECONNREFUSED"), error("ECONNREFUSED")]), "refused"],
    [
      "two addresses, one silent",
      new AggregateError([error("ETIMEDOUT", "connect"), error("ECONNREFUSED")]),
      "connect_timeout",
    ],
  ])("before the connection, %s is neverSent", (_, failure, cause) => {
    expect(transportOfError(failure, "connecting", false)).toEqual({ kind: "neverSent", cause });
    expect(transportOfError(failure, "connecting", true)).toEqual({ kind: "neverSent", cause });
  });

  test.each<[string, unknown]>([
    ["a reset", error("ECONNRESET", "read")],
    ["no route", error("EHOSTUNREACH", "connect")],
    ["no network", error("ENETUNREACH", "connect")],
    ["a time-out of something else", error("ETIMEDOUT", "read")],
    ["two addresses, one without a route", new AggregateError([error("ENETUNREACH"), error("ECONNREFUSED")])],
    ["nothing at all", new AggregateError([])],
    ["an error without a code", new Error("x")],
    ["no error", undefined],
  ])("before the connection, %s is not on the list", (_, failure) => {
    expect(transportOfError(failure, "connecting", false).kind).toBe("sentUnanswered");
  });

  test.each<[string, Error, string]>([
    ["a reset", error("ECONNRESET", "read"), "reset"],
    ["a write to a closed connection", error("EPIPE", "write"), "reset"],
    ["an abort", error("ECONNABORTED", "read"), "reset"],
    ["a clean close", error("ECONNRESET"), "closed"],
    ["an end within the parser", error("HPE_INVALID_EOF_STATE"), "closed"],
    ["another parser error", error("HPE_INVALID_CONSTANT"), "not_http"],
    ["headers that are too large", error("HPE_HEADER_OVERFLOW"), "too_large"],
    ["a TLS record that is broken", error("ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), "tls"],
    ["a peer that no longer acknowledges", error("ETIMEDOUT", "read"), "timeout"],
    ["anything else", error("EWHATEVER"), "other"],
  ])("once written, %s", (_, failure, cause) => {
    expect(transportOfError(failure, "written", true)).toEqual({ kind: "sentUnanswered", cause });
  });

  test("once connected, no error is ever neverSent", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom("ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNRESET"),
          fc.string(),
        ),
        fc.option(fc.constantFrom("connect", "getaddrinfo", "read", "write"), { nil: undefined }),
        fc.constantFrom("connected" as const, "written" as const, "answering" as const),
        fc.boolean(),
        fc.boolean(),
        (code, syscall, stage, isTls, several) => {
          const one = error(code, syscall);
          const failure = several ? Object.assign(new AggregateError([one, one]), { code }) : one;
          expect(transportOfError(failure, stage, isTls).kind).toBe("sentUnanswered");
        },
      ),
    );
  });

  test("before the connection, no code off the list is ever neverSent", () => {
    const listed = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"];
    fc.assert(
      fc.property(fc.string(), fc.string(), (code, syscall) => {
        fc.pre(!listed.includes(code));
        expect(transportOfError(error(code, syscall), "connecting", true).kind).toBe("sentUnanswered");
      }),
    );
  });
});
