// A Teller client on Node's `ws`. It takes commands as lines on stdin and tells what happens as lines
// on stdout; frames are built and parsed here, by JavaScript's own JSON and numbers.
import { createInterface } from "node:readline";
import WebSocket from "ws";

const url = process.argv[2];
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");
let socket = null;

function connect() {
  socket = new WebSocket(url, ["teller.v1.json"], { perMessageDeflate: true });
  socket.on("open", () => tell({ event: "open", protocol: socket.protocol }));
  socket.on("message", (data, binary) => tell({ event: "frame", binary, frame: JSON.parse(data) }));
  socket.on("close", (code) => tell({ event: "closed", code }));
  socket.on("error", (error) => tell({ event: "error", message: error.message }));
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  if (command.do === "connect") connect();
  else if (command.do === "send") socket.send(JSON.stringify(command.frame));
  else if (command.do === "drop") socket.terminate();
  else process.exit(0);
});
