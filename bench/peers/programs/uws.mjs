// A relay on uWebSockets. It reads a frame once and forwards its very bytes, to rooms by `publish`;
// it keeps nothing and acknowledges nothing. Speaks as much of Teller's JSON as the load needs.
// Tuned: no compression, no idle timer, no dropping for slow readers before 64 MiB, one process.
import { createRequire } from "node:module";

const [folder, port] = process.argv.slice(2);
const uws = createRequire(`${folder}/`)("uwebsockets");
const PLAIN = [false, false]; // neither binary nor compressed
const people = new Map(); // "@name" to its socket

function received(socket, data) {
  const frame = JSON.parse(Buffer.from(data));
  if (frame.type === "message") {
    if (frame.to[0] === "#") socket.publish(frame.to, data, ...PLAIN);
    else people.get(frame.to)?.send(data, ...PLAIN);
    return;
  }
  const welcome = frame.type === "register";
  if (welcome) people.set((socket.name = `@${frame.handle}`), socket);
  else socket.subscribe(frame.room);
  socket.send(JSON.stringify({ type: welcome ? "welcome" : "ack", id: frame.id }), ...PLAIN);
}

uws
  .App()
  .ws("/*", {
    compression: uws.DISABLED,
    idleTimeout: 0,
    maxBackpressure: 64 * 1024 * 1024,
    maxPayloadLength: 1024 * 1024,
    message: received,
    close: (socket) => {
      if (people.get(socket.name) === socket) people.delete(socket.name);
    },
  })
  .listen("127.0.0.1", Number(port), (listening) => {
    if (!listening) throw new Error(`cannot listen on port ${port}`);
  });
