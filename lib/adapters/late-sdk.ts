/** A command as long as no SDK is there: its name in the SDK, and its input. */
type LateCommand = { readonly lateName: string; readonly input: object };
type RealClient = {
  readonly send: (command: unknown, options?: unknown) => Promise<unknown>;
  readonly middlewareStack: MiddlewareStack;
};
type MiddlewareStack = {
  add(...middleware: readonly unknown[]): unknown;
  remove(name: string): unknown;
};
/** The part of an SDK that is used, by its own names. */
export type Sdk = Readonly<Record<string, unknown>>;

type Loaded = { readonly sdk: Sdk; readonly client: RealClient };

/** A class that stands for the SDK's command of this name, and costs nothing. */
export const lateCommand = (lateName: string) =>
  class {
    readonly lateName = lateName;
    readonly input: object;
    constructor(input: object) {
      this.input = input;
    }
  };

/**
 * A class that stands for the SDK's client of this name. The SDK is loaded by the first command that comes to it, and
 * gets what was asked of the client until then.
 * @param load once for each client, unless it fails
 */
export const lateClient = (lateName: string, load: () => Promise<Sdk>) =>
  class {
    readonly #config: object;
    readonly #changes: ((stack: MiddlewareStack) => unknown)[] = [];
    #loading: Promise<Loaded> | undefined;

    constructor(config: object) {
      this.#config = config;
    }

    /** The real one's, before there is one. */
    readonly middlewareStack: MiddlewareStack = {
      add: (...middleware) => this.#changes.push((stack) => stack.add(...middleware)),
      remove: (name) => this.#changes.push((stack) => stack.remove(name)),
    };

    async #load(): Promise<Loaded> {
      try {
        const sdk = await load();
        const Client = sdk[lateName] as new (config: object) => RealClient;
        const client = new Client(this.#config);
        for (const change of this.#changes) change(client.middlewareStack);
        return { sdk, client };
      } catch (error) {
        // What is not kept is tried again.
        this.#loading = undefined;
        throw error;
      }
    }

    async send(command: LateCommand, options?: unknown): Promise<unknown> {
      this.#loading ??= this.#load();
      const { sdk, client } = await this.#loading;
      const Command = sdk[command.lateName] as new (input: object) => unknown;
      return client.send(new Command(command.input), options);
    }
  };
