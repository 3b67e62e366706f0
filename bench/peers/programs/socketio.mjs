// A relay on socket.io, as its documentation writes one: a person is a room of one, `to(…).emit`
// leaves the sender out, and the callback says that the server has passed the message on.
// Tuned: WebSocket only, no compression, no admin or client files, a deep backlog, one process.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [folder, port] = process.argv.slice(2);
const { Server } = createRequire(`${folder}/`)("socket.io");
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
io.on("connection", (socket) => {
  socket.join(`@${socket.handshake.auth.name}`);
  socket.on("join", (room, done) => {
    socket.join(room);
    done(room);
  });
  socket.on("message", (frame, done) => {
    socket.to(frame.to).emit("message", frame);
    done(frame.id);
  });
});
http.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
