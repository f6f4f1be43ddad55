// A TLS peer for specs, in Node: one line is read and answered with what is known of the connection.
//   peer.js server PORT CERT KEY VERSION [CLIENT_CA]
//   peer.js client PORT CA VERSION [CERT KEY]
const tls = require("tls"), fs = require("fs");
const [role, port, ...rest] = process.argv.slice(2);

function limits(version) {
  return { minVersion: "TLSv" + version, maxVersion: "TLSv" + version, ALPNProtocols: ["none", "echo"] };
}

function facts(socket, name) {
  const subject = (socket.getPeerCertificate() || {}).subject || {};
  return `${socket.getProtocol()} ${socket.alpnProtocol} ${name} ${socket.isSessionReused()} [${subject.CN || ""}]`;
}

function serve(cert, key, version, clientCa) {
  const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), ...limits(version) };
  if (clientCa) Object.assign(options, { ca: fs.readFileSync(clientCa), requestCert: true, rejectUnauthorized: true });
  tls.createServer(options, (socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      const line = data.toString().slice(0, -1).split("").reverse().join("");
      socket.end(`${line} ${facts(socket, socket.servername)}\n`);
    });
  }).listen(Number(port), "127.0.0.1");
}

function talk(ca, version, cert, key, session, done) {
  const options = { port: Number(port), host: "127.0.0.1", servername: "localhost", ca: fs.readFileSync(ca), session,
    ...limits(version) };
  if (cert) Object.assign(options, { cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
  let kept, text = "";
  const socket = tls.connect(options, () => socket.write("hello\n"));
  socket.on("session", (made) => { kept = made; });
  socket.on("data", (data) => { text += data; });
  socket.on("error", (error) => { console.log("error", error.code); process.exit(1); });
  let known;
  socket.on("secureConnect", () => { known = facts(socket, "localhost"); });
  socket.on("close", () => { console.log(text.trim(), "/", known); done(kept); });
}

if (role === "server") serve(...rest);
else talk(...rest.slice(0, 2), rest[2], rest[3], undefined, (session) => talk(...rest.slice(0, 2), rest[2], rest[3], session, () => {}));
