import {
  type Connection,
  type ConnectionOptions,
  type InboundMessage,
  openConnection,
  type Protocol,
} from "./connection.ts";

export interface SessionOptions extends Omit<ConnectionOptions, "protocol"> {
  readonly protocol: "auto" | Protocol;
  /** What to subscribe to, which may depend on the version spoken. */
  readonly filters: (protocol: Protocol) => readonly string[];
}

export interface SessionListener {
  /** Connected and subscribed. */
  up(connection: Connection): void;
  /** Not connected, and why; a new attempt follows by itself. */
  down(why: string): void;
  message(message: InboundMessage): void;
}

export interface Session {
  /** The connection, when it is up and subscribed. */
  readonly connection: Connection | undefined;
  /** Ends the session with a DISCONNECT. */
  close(): Promise<void>;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Keeps one connection for ever, whatever the broker answers, and falls back from MQTT 5 to 3.1.1 where it must. */
export function startSession(options: SessionOptions, listener: SessionListener): Session {
  let protocol: Protocol = options.protocol === "auto" ? "5" : options.protocol;
  let current: Connection | undefined;
  let connection: Connection | undefined;
  let failures = 0;
  let closedSilently = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let stopped: () => void = () => undefined;

  async function subscribe(opened: Connection): Promise<void> {
    const codes = await opened.subscribe(options.filters(opened.protocol));
    const refused = codes.filter((code) => code >= 128);
    if (refused.length > 0) throw new Error(`the broker refused a subscription with reason ${refused.join(", ")}`);
    if (stopping) return;
    failures = 0;
    closedSilently = 0;
    connection = opened;
    listener.up(opened);
  }

  function open(): void {
    let why: string | undefined;
    current = openConnection(
      { ...options, protocol },
      {
        up(opened) {
          subscribe(opened).catch((e: unknown) => {
            why ??= e instanceof Error ? e.message : String(e);
            opened.destroy();
          });
        },
        message: (message) => listener.message(message),
        closed({ reached, connackCode, error }) {
          const wasUp = connection !== undefined;
          connection = undefined;
          current = undefined;
          if (stopping) {
            stopped();
            return;
          }
          if (!wasUp && reached && connackCode === undefined && why === undefined) closedSilently++;
          const otherVersion = connackCode === 1 || connackCode === 0x84 || closedSilently >= 2;
          if (options.protocol === "auto" && otherVersion) {
            protocol = protocol === "5" ? "3.1.1" : "5";
            closedSilently = 0;
          }
          const reason = connackCode === undefined ? undefined : `the broker refused with reason ${connackCode}`;
          listener.down(why ?? reason ?? error?.message ?? "the connection was closed");
          const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++) * (0.5 + Math.random() / 2);
          timer = setTimeout(open, waitMs);
        },
      },
    );
  }

  open();
  return {
    get connection() {
      return connection;
    },
    close() {
      stopping = true;
      clearTimeout(timer);
      const open = current;
      if (open === undefined) return Promise.resolve();
      return new Promise((done) => {
        stopped = done;
        open.end();
      });
    },
  };
}
