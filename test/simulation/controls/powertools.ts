import type { JSONValue } from "@aws-lambda-powertools/commons/types";
import {
  IdempotencyConfig,
  IdempotencyItemAlreadyExistsError,
  IdempotencyItemNotFoundError,
  makeIdempotent,
} from "@aws-lambda-powertools/idempotency";
import { BasePersistenceLayer, IdempotencyRecord } from "@aws-lambda-powertools/idempotency/persistence";
import type { Context } from "aws-lambda";
import { parseJson } from "../../../lib/core/json.ts";
import type { SimWorker } from "../world.ts";
import { type Control, type ControlOutcome, callGateway, eachMessage, noUnknowns } from "./control.ts";

type Stored = ConstructorParameters<typeof IdempotencyRecord>[0];

/** Powertools' records in the world's store, under the conditions of its DynamoDB layer. */
class WorldPersistence extends BasePersistenceLayer {
  readonly #records: Map<string, Stored>;
  readonly #worker: SimWorker;

  constructor(records: Map<string, Stored>, worker: SimWorker) {
    super();
    this.#records = records;
    this.#worker = worker;
  }

  protected async _deleteRecord({ idempotencyKey }: IdempotencyRecord): Promise<void> {
    await this.#worker.effect("delete record", () => this.#records.delete(idempotencyKey));
  }

  protected async _getRecord(idempotencyKey: string): Promise<IdempotencyRecord> {
    const stored = await this.#worker.effect("get record", () => this.#records.get(idempotencyKey));
    if (stored === undefined) throw new IdempotencyItemNotFoundError();
    return new IdempotencyRecord(stored);
  }

  protected async _putRecord(record: IdempotencyRecord): Promise<void> {
    const nowMs = this.#worker.clock.nowMs();
    const standing = await this.#worker.effect("put record", () => {
      const before = this.#records.get(record.idempotencyKey);
      const free =
        before === undefined ||
        (before.expiryTimestamp ?? 0) < Math.floor(nowMs / 1_000) ||
        (before.status === "INPROGRESS" &&
          before.inProgressExpiryTimestamp !== undefined &&
          before.inProgressExpiryTimestamp < nowMs);
      if (free) this.#records.set(record.idempotencyKey, storedOf(record));
      return free ? undefined : before;
    });
    if (standing !== undefined)
      throw new IdempotencyItemAlreadyExistsError(
        `record ${record.idempotencyKey}`,
        new IdempotencyRecord(standing),
      );
  }

  protected async _updateRecord(record: IdempotencyRecord): Promise<void> {
    await this.#worker.effect("update record", () =>
      this.#records.set(record.idempotencyKey, storedOf(record)),
    );
  }
}

const storedOf = (record: IdempotencyRecord): Stored => ({
  idempotencyKey: record.idempotencyKey,
  status: record.getStatus(),
  ...(record.expiryTimestamp === undefined ? {} : { expiryTimestamp: record.expiryTimestamp }),
  ...(record.inProgressExpiryTimestamp === undefined
    ? {}
    : { inProgressExpiryTimestamp: record.inProgressExpiryTimestamp }),
  ...(record.responseData === undefined ? {} : { responseData: record.responseData }),
});

/**
 * The function that charges, made idempotent by the charge id as its documentation shows: while it runs its
 * record is in progress until the invocation's end, and a throw deletes it.
 */
export const powertoolsIdempotency: Control = {
  name: "Powertools idempotency around the call",
  what: "makeIdempotent by charge id, as its documentation shows; a throw deletes the record",
  maxReceives: 5,
  flows: () => {
    const records = new Map<string, Stored>();
    return {
      submit: eachMessage(async ({ body }, worker) => {
        const config = new IdempotencyConfig({ eventKeyJmesPath: "chargeId" });
        config.registerLambdaContext({
          getRemainingTimeInMillis: () => worker.remainingMs(),
        } as unknown as Context);
        const charge = makeIdempotent(
          async (_message: JSONValue): Promise<ControlOutcome> =>
            callGateway(body, worker.ids.requestId(), worker),
          { persistenceStore: new WorldPersistence(records, worker), config },
        );
        return withWorldTime(worker, () => charge(parseJson(body) as JSONValue));
      }),
      resolve: noUnknowns,
    };
  },
};

/** Powertools asks the machine for the time; while it does, that is the world's. One world runs at a time. */
const withWorldTime = <T>(worker: SimWorker, run: () => Promise<T>): Promise<T> => {
  Date.now = () => worker.clock.nowMs();
  return run();
};

const machineNow = Date.now.bind(Date);

/** Gives the machine its own time back, when a world is over. */
export const restoreTime = (): void => {
  Date.now = machineNow;
};
