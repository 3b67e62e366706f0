// A relay on `ws`. It reads a frame once and forwards its very bytes; it keeps nothing and
// acknowledges nothing. Speaks as much of Teller's JSON as the load needs.
// Tuned: no compression, no list of clients kept by the library, a deep backlog, one process.
import { createRequire } from "node:module";

const [folder, port] = process.argv.slice(2);
const { WebSocketServer } = createRequire(`${folder}/`)("ws");
const TEXT = { binary: false };
const people = new Map(); // "@name" to its socket
const rooms = new Map(); // "#name" to a set of sockets

function received(socket, data) {
  const frame = JSON.parse(data);
  if (frame.type === "message") {
    const room = rooms.get(frame.to);
    if (room === undefined) people.get(frame.to)?.send(data, TEXT);
    else for (const member of room) if (member !== socket) member.send(data, TEXT);
    return;
  }
  const welcome = frame.type === "register";
  if (welcome) people.set((socket.name = `@${frame.handle}`), socket);
  else if (rooms.has(frame.room)) rooms.get(frame.room).add(socket);
  else rooms.set(frame.room, new Set([socket]));
  socket.send(JSON.stringify({ type: welcome ? "welcome" : "ack", id: frame.id }));
}

function closed(socket) {
  if (people.get(socket.name) === socket) people.delete(socket.name);
  for (const room of rooms.values()) room.delete(socket);
}

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(port),
  backlog: 4096,
  perMessageDeflate: false,
  clientTracking: false,
});
server.on("connection", (socket) => {
  socket.on("message", (data) => received(socket, data));
  socket.on("close", () => closed(socket));
  socket.on("error", () => socket.terminate());
});
