/** What the session counts over all its connections. Counters only grow. */
export interface UplinkCounters {
  /** Records acknowledged by the broker. */
  acked: number;
  /** Acknowledged although nobody listened (reason 0x10, MQTT 5). */
  unheard: number;
  /** Records and control messages that the broker refused with a PUBACK reason of 0x80 or more. */
  rejected: number;
  /** Times a record was skipped, or replaced by what `onPoison` gave. */
  poisoned: number;
  liveSent: number;
  /** Live messages dropped because the link was down, or because a newer one came before the link could take it. */
  liveDropped: number;
}

export function newCounters(): UplinkCounters {
  return { acked: 0, unheard: 0, rejected: 0, poisoned: 0, liveSent: 0, liveDropped: 0 };
}
