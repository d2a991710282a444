import type { Socket } from "node:dgram";
import type { ChargeTrace } from "../core/charge-trace.ts";

/** What goes before a document, so that the daemon knows what it is (AWS: "Sending trace data to X-Ray"). */
const header = '{"format":"json","version":1}\n';

/** A datagram over UDP on IPv4 holds no more, bytes. */
const datagramBytesMax = 65_507;

export type XrayDaemon = {
  /** Never throws and never waits: a charge does not end differently because of what could not be told of it. */
  send(trace: ChargeTrace): void;
  close(): void;
};

/**
 * The X-Ray daemon that Lambda runs beside a function.
 * @param address `host:port`, as Lambda names it in `AWS_XRAY_DAEMON_ADDRESS`
 */
export const xrayDaemon = (address: string): XrayDaemon => {
  const at = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, at), Number(address.slice(at + 1))];
  let socket: Socket | undefined;
  const opened = (): Socket => {
    if (socket === undefined) {
      // Loaded by the first trace: most invocations send none.
      socket = process.getBuiltinModule("node:dgram").createSocket("udp4");
      socket.on("error", () => {});
      socket.unref();
    }
    return socket;
  };
  return {
    send(trace) {
      try {
        const datagram = Buffer.from(header + JSON.stringify(trace));
        if (datagram.length <= datagramBytesMax) opened().send(datagram, port, host, () => {});
      } catch {
        // Nowhere to say it.
      }
    },
    close: () => socket?.close(),
  };
};
