/**
 * The SQS stand-in's own process: fauxqs on 127.0.0.1, started by `startSqsStandIn`. Argument: the data dir,
 * or nothing for a stand-in in memory. Says `{endpoint}` to its parent, closes on the message `close`, and
 * ends at once when the parent is gone.
 *
 * fauxqs's own starter is not used: it listens on 0.0.0.0, and charge messages carry card tokens. Its parts
 * are put together here instead, without its SNS and S3 persistence.
 */

/** The parts of fauxqs 2.4.1 that are used; the version is pinned, and these are not all in its exports. */
interface Fauxqs {
  buildApp(options: { logger: boolean; defaultRegion: string; stores: Record<string, unknown> }): {
    listen(options: { port: number; host: string }): Promise<string>;
    addHook(
      name: "onSend",
      hook: (request: object, reply: object, body: unknown, done: () => void) => void,
    ): void;
    close(): Promise<void>;
  };
}
interface Persistence {
  db: {
    prepare(sql: string): { run(...values: string[]): unknown };
    exec(sql: string): void;
    isTransaction: boolean;
  };
  loadSqsQueues(store: SqsStore): void;
  insertMessage(...values: never[]): void;
  deleteMessage(...values: never[]): void;
  updateMessageInflight(...values: never[]): void;
  updateMessageReady(messageId: string): void;
  close(): void;
}
interface SqsStore {
  host: string;
  persistence?: Persistence;
  allQueues(): Iterable<{ persistence?: Persistence }>;
}
interface FauxqsParts {
  PersistenceManager: new (dataDir: string) => Persistence;
  SqsStore: new () => SqsStore;
  SnsStore: new () => unknown;
  S3Store: new () => unknown;
}

const REGION = "us-east-1";
const ACCOUNT = "000000000000";
const parent = process.send?.bind(process);
if (!parent) throw new Error("sqs-server is started by the SQS stand-in, not by hand");
process.on("disconnect", () => process.exit(0));

const [dataDir] = process.argv.slice(2);
const entry = import.meta.resolve("fauxqs");
const part = async <K extends keyof FauxqsParts>(path: string, name: K): Promise<FauxqsParts[K]> =>
  ((await import(new URL(path, entry).href)) as FauxqsParts)[name];
const { buildApp } = (await import(entry)) as Fauxqs;
const [PersistenceManager, SqsStore, SnsStore, S3Store] = await Promise.all([
  part("./persistence.js", "PersistenceManager"),
  part("./sqs/sqsStore.js", "SqsStore"),
  part("./sns/snsStore.js", "SnsStore"),
  part("./s3/s3Store.js", "S3Store"),
]);

const sqsStore = new SqsStore();
// No name of its own: queue addresses then carry the host they were asked at (127.0.0.1), and not
// `sqs.us-east-1.localhost`, which many resolvers do not know.
sqsStore.host = "";
const app = buildApp({
  logger: false,
  defaultRegion: REGION,
  stores: { sqsStore, snsStore: new SnsStore(), s3Store: new S3Store() },
});
let persistence: Persistence | undefined;
const commit = () => {
  try {
    if (persistence?.db.isTransaction) persistence.db.exec("COMMIT");
  } catch (error) {
    // A full disk: memory is ahead of the file now. Ended unanswered, a next start goes on from the file.
    process.stderr.write(`cannot write ${dataDir}: ${String(error)}\n`);
    process.exit(1);
  }
};
// No answer goes out before what it promises is on disk.
app.addHook("onSend", (_request, _reply, _body, done) => {
  commit();
  done();
});
const endpoint = await app.listen({ port: 0, host: "127.0.0.1" });
if (dataDir !== undefined) persistence = openPersistence(dataDir, sqsStore);

process.on("message", async (message) => {
  if (message !== "close") return;
  await app.close();
  commit();
  persistence?.close();
  process.exit(0);
});
parent({ endpoint });

function openPersistence(dir: string, store: SqsStore): Persistence {
  const opened = new PersistenceManager(dir);
  // As shipped, a visibility of 0 sets the receive count to NULL, which its own schema refuses: the message
  // is then lost to every receiver until a restart. Only the hold on the message is to be cleared.
  const clearHold = opened.db.prepare(
    "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?",
  );
  opened.updateMessageReady = (messageId) => {
    clearHold.run(messageId);
  };
  // As shipped, each message is a transaction, and so an fsync, of its own: a batch of ten pays ten. Begun at
  // the first change and committed before the next answer, it pays one.
  for (const change of [
    "insertMessage",
    "deleteMessage",
    "updateMessageInflight",
    "updateMessageReady",
  ] as const) {
    const write = opened[change].bind(opened) as (...values: unknown[]) => void;
    opened[change] = (...values: unknown[]) => {
      if (!opened.db.isTransaction) opened.db.exec("BEGIN");
      write(...values);
    };
  }
  // The port is another one at each start; the queues' addresses follow it.
  opened.db.prepare("UPDATE sqs_queues SET url = ? || '/' || ? || '/' || name").run(endpoint, ACCOUNT);
  // Whoever had received a message is gone with the run before: it need not wait for a visibility time-out
  // that nobody is left to use. What was hidden on purpose comes early, and its worker hides it again.
  opened.db.prepare("UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL").run();
  // Load first, attach afterwards: attached while loading, each queue would be inserted again, and the
  // replaced row's messages go with it (ON DELETE CASCADE).
  opened.loadSqsQueues(store);
  store.persistence = opened;
  for (const queue of store.allQueues()) queue.persistence = opened;
  return opened;
}
