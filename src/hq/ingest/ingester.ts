import type { KeyObject } from "node:crypto";
import { HQ_UNIT, type HqStateMessage } from "../../model/downlink.ts";
import { parseTopic, topicOf } from "../../model/topics.ts";
import { claimCommands } from "./commands.ts";
import type { ConnectionOptions, InboundMessage, Protocol } from "./connection.ts";
import type { Database } from "./database.ts";
import { createFairQueue } from "./fair-queue.ts";
import { importedSince, newestImport } from "./imports.ts";
import { migrate } from "./migrations.ts";
import type { Arrived } from "./prepare.ts";
import { leaveQuarantine, readableAgain } from "./quarantine.ts";
import { createReading } from "./reading.ts";
import { startSession } from "./session.ts";
import { createSettler } from "./settle.ts";
import { createWatermarks } from "./watermark.ts";

/** Where the ingester says what changed; the shape of pino. */
export interface IngestLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface IngesterOptions {
  readonly broker: Pick<ConnectionOptions, "url" | "username" | "password" | "tls"> & {
    readonly protocol?: "auto" | Protocol;
  };
  readonly database: Database;
  readonly org: string;
  /** Names its session at the broker: two ingesters have two names. */
  readonly name: string;
  /** ed25519, private: signs watermarks. Without it, or with a database that is not durable, none is published. */
  readonly key?: KeyObject;
  readonly log: IngestLog;
}

export interface IngestStats {
  readonly connected: boolean;
  readonly protocol: Protocol | undefined;
  readonly messages: number;
  readonly records: number;
  readonly duplicates: number;
  readonly aside: number;
  /** Messages of a flooding unit that were turned away; its unit sends them again. */
  readonly shed: number;
  readonly transactions: number;
  readonly waiting: number;
  /** Longest time from arrival to commit in the last batch, in ms. */
  readonly lagMs: number;
  readonly watermarks: number;
}

export interface Ingester {
  stats(): IngestStats;
  /** Commits what it has begun, says `offline`, and ends. The database stays open. */
  close(): Promise<void>;
}

/** Messages of one transaction at most, and their bytes. */
const BATCH_MESSAGES = 500;
const BATCH_BYTES = 2 << 20;
/** While messages keep coming, a smaller batch waits so long for company: a commit costs the same for one as for many. */
const LINGER_MS = 100;
const WAITING_MS = 500;
/** Nothing came for so long: the broker has no more, or waits for acknowledgements (stock Mosquitto after 20 messages). */
const PAUSE_MS = 5;
/** Messages and bytes that may wait for their commit. */
const WINDOW = { maxItems: 20_000, maxBytes: 64 << 20 };
/**
 * How long the broker keeps what comes while this ingester restarts. Brokers go on giving a dead session its share of a shared
 * subscription: for so long its records come late, asked for again by the watermark.
 */
const SESSION_EXPIRY_S = 60;
const SWEEP_MS = 200;
const COMMANDS_MS = 1_000;
const IMPORTS_MS = 2_000;

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const why = (e: unknown) => (e instanceof Error ? e.message : String(e));

/**
 * Takes records from a broker into the database. A message is acknowledged to the broker, and its watermark published, after
 * the commit of the transaction that holds it. Migrates the database first; rejects when that cannot be done.
 */
export async function startIngester(options: IngesterOptions): Promise<Ingester> {
  const { database, org, log } = options;
  await migrate(database);
  const reading = createReading();
  const queue = createFairQueue<Arrived>(WINDOW);
  const shed = new Map<string, number>();
  const counts = { messages: 0, records: 0, duplicates: 0, aside: 0, shed: 0, transactions: 0, lagMs: 0 };
  const stateTopic = `swath/1/${org}/${HQ_UNIT}/state`;
  const stateText = (state: HqStateMessage["state"]) => JSON.stringify({ v: 1, state } satisfies HqStateMessage);
  let stopping = false;
  let paused = false;
  let wake: () => void = () => undefined;

  const watermarks =
    options.key === undefined || !database.durable
      ? undefined
      : createWatermarks({
          query: database.query,
          key: options.key,
          nowMs: Date.now,
          // A watermark that does not get through is said again when the broker is back.
          publish: (topic, text) => void session.connection?.publish(topic, text, true).catch(() => undefined),
        });

  function take(message: InboundMessage): void {
    const parsed = parseTopic(message.topic);
    if (parsed === undefined || parsed.org !== org) {
      message.ack();
      return;
    }
    if (parsed.unit === HQ_UNIT) {
      message.ack();
      // Another ingester left; this one is still here.
      const says = message.payload.includes('"online"');
      if (parsed.cls === "state" && !says && !stopping) sayOnline();
      return;
    }
    counts.messages++;
    const { topic, payload } = message;
    const unit = `${parsed.org}/${parsed.unit}`;
    const taken = queue.push({ unit, topic, payload, bytes: payload.length + 200, atMs: Date.now(), ack: message.ack });
    if (!taken) {
      // Not stored, so it stays below the watermark: its unit keeps it and sends it again.
      message.ack();
      counts.shed++;
      shed.set(unit, (shed.get(unit) ?? 0) + 1);
    }
    if (queue.items >= WINDOW.maxItems || queue.bytes >= WINDOW.maxBytes) {
      paused = true;
      session.connection?.pause();
    }
    wake();
  }

  const sayOnline = () =>
    void session.connection?.publish(stateTopic, stateText("online"), true).catch(() => undefined);

  const session = startSession(
    {
      ...options.broker,
      protocol: options.broker.protocol ?? "auto",
      clientId: `hq-${options.name}`,
      sessionExpiryS: SESSION_EXPIRY_S,
      receiveMaximum: WINDOW.maxItems,
      will: { topic: stateTopic, payload: stateText("lost") },
      filters: (protocol) => [
        ...["event", "log", "bulk"].map((cls) => `${protocol === "5" ? "$share/swath/" : ""}swath/1/${org}/+/${cls}`),
        ...["state", "desc", "health", "alerts", "rsp"].map((cls) => `swath/1/${org}/+/${cls}`),
      ],
    },
    {
      up(connection) {
        log.info({ protocol: connection.protocol }, "connected to the broker");
        paused = false;
        sayOnline();
        watermarks?.all().catch((e: unknown) => log.warn({ reason: why(e) }, "the watermarks could not be read"));
      },
      down: (reason) => log.warn({ reason }, "no connection to the broker; it is tried again"),
      message: take,
    },
  );

  const { ids, settle } = createSettler({
    database,
    goesOn: () => !stopping,
    done(messages, written) {
      const nowMs = Date.now();
      counts.transactions++;
      counts.records += written.records;
      counts.duplicates += written.duplicates;
      counts.aside += written.aside;
      counts.lagMs = Math.max(...messages.map(({ arrived }) => nowMs - arrived.atMs));
      // In the order of their commits, not of their arrival: brokers look acknowledgements up by their id.
      for (const { arrived } of messages) arrived.ack();
      watermarks?.committed(written.spools);
    },
    failed: (reason, messages) =>
      log.warn({ reason, messages }, "the database did not take a batch; it is tried again"),
  });

  async function work(): Promise<void> {
    while (!stopping) {
      if (queue.items === 0)
        await new Promise<void>((done) => {
          wake = done;
          // What waits for a descriptor is looked at again.
          if (reading.waiting > 0) setTimeout(done, WAITING_MS);
        });
      if (stopping) return;
      const dueMs = performance.now() + LINGER_MS;
      for (let seen = 0; seen !== counts.messages && queue.items < BATCH_MESSAGES && performance.now() < dueMs; ) {
        seen = counts.messages;
        await sleep(PAUSE_MS);
      }
      const prepared = await reading.read(database.query, queue.take(BATCH_MESSAGES, BATCH_BYTES), Date.now());
      if (prepared.length > 0) await settle(prepared);
      if (paused && queue.items < WINDOW.maxItems / 2 && queue.bytes < WINDOW.maxBytes / 2) {
        paused = false;
        session.connection?.resume();
      }
    }
  }

  /** Repeats `turn` until the end; what fails in it is said and tried again at the next turn. */
  async function beat(everyMs: number, what: string, turn: () => Promise<void>): Promise<void> {
    while (!stopping) {
      await sleep(everyMs);
      await turn().catch((e: unknown) => log.warn({ reason: why(e) }, `${what} could not be done; it is tried again`));
    }
  }

  async function sendCommands(): Promise<void> {
    const { connection } = session;
    if (connection === undefined) return;
    for (const { unit, id, op, signed } of await claimCommands(database.query, org)) {
      log.info({ unit, id, op }, "command sent");
      await connection.publish(topicOf({ org, unit }, "cmd"), signed);
    }
  }

  async function countShed(): Promise<void> {
    for (const [unit, messages] of shed) {
      const id = ids.units.get(unit);
      if (id === undefined) continue;
      await database.query(
        `INSERT INTO swath.put_aside VALUES ($1, 'flood', $2, 0, 0, now())
         ON CONFLICT (unit, reason) DO UPDATE SET messages = swath.put_aside.messages + $2, last_at = now()`,
        [id, messages],
      );
      shed.delete(unit);
    }
  }

  /** Messages whose descriptor came after they had been put aside. */
  async function takeBack(): Promise<void> {
    const done: string[] = [];
    const found = await readableAgain(database.query, org, Date.now(), (id) => done.push(id));
    if (found.length === 0) return;
    await settle(await createReading().read(database.query, found, Date.now()));
    await leaveQuarantine(database.query, done);
    log.info({ messages: done.length }, "taken back from the quarantine: their descriptor has come");
  }

  /** Records that came by file move watermarks too. */
  let importsSeen = await newestImport(database.query);
  async function seeImports(): Promise<void> {
    const { upTo, spools } = await importedSince(database.query, importsSeen);
    importsSeen = upTo;
    if (spools.size > 0) watermarks?.committed(spools);
  }

  const running = Promise.all([
    work(),
    beat(IMPORTS_MS, "looking for imported records", seeImports),
    beat(SWEEP_MS, "the watermarks", async () => watermarks?.sweep()),
    beat(COMMANDS_MS, "sending commands", sendCommands),
    beat(COMMANDS_MS, "counting a flood", countShed),
    beat(COMMANDS_MS, "taking back what can be read by now", takeBack),
  ]);

  return {
    stats: () => ({
      ...counts,
      connected: session.connection !== undefined,
      protocol: session.connection?.protocol,
      waiting: queue.items + reading.waiting,
      watermarks: watermarks?.published ?? 0,
    }),
    async close() {
      stopping = true;
      wake();
      await running;
      await watermarks?.sweep().catch(() => undefined);
      const { connection } = session;
      await Promise.race([
        connection?.publish(stateTopic, stateText("offline"), true).catch(() => undefined),
        sleep(1000),
      ]);
      await session.close();
    },
  };
}
