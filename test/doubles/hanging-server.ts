import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

const headers = (length: number): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: ${length}\r\n\r\n`;

/** How a server can leave a caller waiting who has sent a whole request. */
export const hangs = {
  "takes the request and says nothing": () => {},
  "sends its headers and no body": (socket) => socket.write(headers(400)),
  "sends half a body": (socket) => socket.write(`${headers(400)}{"Succ`),
  "sends its headers drop by drop": (socket) => drip(socket, headers(400)),
  "sends a body drop by drop": (socket) => {
    socket.write(headers(4_000));
    drip(socket, " ".repeat(4_000));
  },
} as const satisfies Record<string, (socket: Socket) => void>;

export type Hang = (socket: Socket) => void;

const drip = (socket: Socket, text: string): void => {
  let sent = 0;
  const dripping = setInterval(() => socket.write(text.charAt(sent++)), 20);
  socket.once("close", () => clearInterval(dripping));
};

/** A server on the loopback that leaves every caller waiting. */
export const startHanging = async (hang: Hang): Promise<{ readonly url: string; close(): Promise<void> }> => {
  const server = createServer((request) => {
    request.resume();
    request.once("end", () => hang(request.socket));
  });
  // Once a connection, which may carry many requests.
  server.on("connection", (socket) => socket.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};
