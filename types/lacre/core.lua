---@meta lacre.core
-- The C module: private to lacre, its shape may change. Made from src/ (make docs).

---@class lacre.core
local core = {}

---@class lacre.core.algorithms
core.algorithms = {}

--- algorithms.defaults() -> OpenSSL's own ciphers for TLS 1.2, and its own for TLS 1.3
function core.algorithms.defaults() end

---@class lacre.core.algorithms_object
local algorithms = {}

--- context:versions(min, max or nil) -> true | nil, err; the system's own policy may narrow the range, and never widens it
function algorithms:versions() end

--- context:ciphers(tls12, tls13) -> true | nil, err; OpenSSL names joined by ":", already checked one by one; "" leaves that version's default
function algorithms:ciphers() end

--- context:groups(list) -> true | nil, err; names joined by ":"
function algorithms:groups() end

--- context:sigalgs(list) -> true | nil, err; names joined by ":"
function algorithms:sigalgs() end

--- context:security_level(n or nil) -> the level it had, of which the system's policy may have made more than 2
function algorithms:security_level() end

--- context:alpn(wire) -> true | nil, err; RFC 7301 section 3.1
function algorithms:alpn() end

--- context:client_prefers(): of both sides' ciphers, the client's order counts
function algorithms:client_prefers() end

--- context:effective() -> what OpenSSL really has: versions, level, ciphers
function algorithms:effective() end

---@class lacre.core.builder
core.builder = {}

--- builder.certificate(algorithm, serial, issuer, first, last, subject, spki) -> draft: DER, but for hexadecimal digits and seconds since 1970; RFC 5280 4.1
function core.builder.certificate() end

--- builder.crl(algorithm, issuer, this update, next update or nil) -> draft: DER, and seconds since 1970; RFC 5280 5.1
function core.builder.crl() end

--- builder.request(subject, spki [, challenge]) -> draft: DER, and text; RFC 2986 4.1
function core.builder.request() end

---@class lacre.core.builder_object
local builder = {}

--- draft:extend(content of the identifier, critical, DER of the value)
function builder:extend() end

--- draft:revoke(serial, time [, extensions]): hexadecimal, seconds since 1970, DER
function builder:revoke() end

--- draft:sign(key, algorithm, hash or nil, padding or nil) -> cert | crl | DER of the request | nil, err; the draft is closed afterwards in any case
function builder:sign() end

---@class lacre.core.bytes
core.bytes = {}

--- bytes.address(text) -> 4 or 16 raw bytes, the usual text | nil, where it is no IP address
function core.bytes.address() end

--- bytes.base64(raw) -> text without line breaks
function core.bytes.base64() end

--- bytes.digest(name, data) -> raw | nil, err (unsupported)
function core.bytes.digest() end

--- bytes.equal(a, b) -> boolean, in a time that depends on the lengths alone
function core.bytes.equal() end

--- bytes.hex(raw) -> lower-case text
function core.bytes.hex() end

--- bytes.random(n) -> raw | nil, err
function core.bytes.random() end

--- bytes.unbase64(text) -> raw | nil
function core.bytes.unbase64() end

--- bytes.unhex(text) -> raw | nil
function core.bytes.unhex() end

---@class lacre.core.cert
core.cert = {}

--- cert.parse(pem or der [, from]) -> cert, next | nil, err (no_certificate, bad_pem, bad_der, trailing_data). `next` is where the next PEM block may be sought
function core.cert.parse() end

---@class lacre.core.cert_object
local cert = {}

--- cert:version() -> integer: 3
function cert:version() end

--- cert:serial() -> lower-case hex, "-" before a negative one
function cert:serial() end

--- cert:subject_der() -> DER | nil, err
function cert:subject_der() end

--- cert:issuer_der() -> DER | nil, err
function cert:issuer_der() end

--- cert:names_issuer(cert) -> boolean: whether its issuer has the name of that one's subject, RFC 5280 7.1; the signature is not checked
function cert:names_issuer() end

--- cert:not_before() -> seconds since 1970 | nil, where it cannot be read
function cert:not_before() end

--- cert:not_after() -> seconds since 1970 | nil, where it cannot be read
function cert:not_after() end

--- cert:spki() -> DER of the SubjectPublicKeyInfo | nil, err
function cert:spki() end

--- cert:spki_pin() -> SHA-256, and the text of that pin (RFC 7469) | nil, err
function cert:spki_pin() end

--- cert:key_strength() -> "rsa" "rsa-pss" "ec" "dsa" or "other", bits
function cert:key_strength() end

--- cert:public_key() -> key | nil, err (unsupported_key_type, bad_der)
function cert:public_key() end

--- cert:signature_algorithm() -> OpenSSL's long name or dotted identifier
function cert:signature_algorithm() end

--- cert:signature() -> bytes
function cert:signature() end

--- cert:tbs() -> DER of what is signed
function cert:tbs() end

--- cert:to_der() -> DER
function cert:to_der() end

--- cert:to_pem() -> PEM
function cert:to_pem() end

--- cert:raw_extensions() -> { { oid =, critical =, der = }, ... } in their order
function cert:raw_extensions() end

--- cert:raw_extension(content of its identifier) -> { oid =, critical =, der = } | nil
function cert:raw_extension() end

--- cert:raw_alt_names() -> list | nil, where there are none or they are malformed
function cert:raw_alt_names() end

--- cert:has_dns_name(name) -> boolean; of its alternative names only, RFC 9525
function cert:has_dns_name() end

--- cert:has_address(raw) -> boolean
function cert:has_address() end

--- cert:is_signed_by(key) -> boolean
function cert:is_signed_by() end

---@class lacre.core.clock
core.clock = {}

--- clock.monotonic() -> seconds since some fixed moment
function core.clock.monotonic() end

--- clock.now() -> seconds since 1970
function core.clock.now() end

---@class lacre.core.context
core.context = {}

--- context.new("client" | "server") -> context | nil, err
function core.context.new() end

---@class lacre.core.context_object
local context = {}

--- context:identity(cert, key, { intermediate ... }) -> true | nil, err
function context:identity() end

--- context:named(cert, key, { intermediate ... }, is_default) -> true: one of several identities, chosen by the name a client asks for
function context:named() end

--- context:greet(has_hook, rejects_unknown) -> true | nil, err: of servers
function context:greet() end

--- context:sessions(limit) -> true | nil, err: a client resumes
function context:sessions() end

--- context:tickets(count, lifetime, keys or nil, name) -> true | nil, err: a server lets resume; keys are 80 bytes each, end to end, newest first, and shared with contexts of this name, 16 bytes or more: sessions are theirs too
function context:tickets() end

--- context:flush() -> true | nil, err: forgets sessions, and makes new ticket keys
function context:flush() end

--- context:ocsp("check" | "require" | "send"): clients judge staples, servers send
function context:ocsp() end

--- context:keylog(): engines keep the lines of SSLKEYLOGFILE for Lua
function context:keylog() end

--- context:revocation("leaf" | "chain"): every certificate, or the leaf, needs a CRL
function context:revocation() end

--- context:trust(store) -> true: the store is counted, and never changed after
function context:trust() end

--- context:client_auth("none" | "optional" | "required", names of CAs or nil)
function context:client_auth() end

--- context:advertise(cert) -> true | nil, err: a CA whose clients are welcome
function context:advertise() end

--- context:rules{ lax =, strict_anchors =, all_errors =, accept_expired =, accept_name =, accept_any =, pins_only =, hook = }, depth, time or nil
function context:rules() end

--- context:unsafe_renegotiation(): an insecure option that was asked for by name
function context:unsafe_renegotiation() end

--- context:kernel(): connections over sockets offer their keys to the kernel
function context:kernel() end

---@class lacre.core.crl
core.crl = {}

--- crl.parse(pem or der) -> crl | nil, err (no_crl, bad_pem, bad_der, trailing_data)
function core.crl.parse() end

---@class lacre.core.crl_object
local crl = {}

--- crl:to_der() -> DER
function crl:to_der() end

--- crl:issuer_der() -> DER | nil, err
function crl:issuer_der() end

--- crl:this_update() -> seconds | nil
function crl:this_update() end

--- crl:next_update() -> seconds | nil
function crl:next_update() end

--- crl:version() -> 2
function crl:version() end

--- crl:signature_algorithm() -> long name or dotted identifier
function crl:signature_algorithm() end

--- crl:raw_extensions() -> { { oid =, critical =, der = }, ... }
function crl:raw_extensions() end

--- crl:raw_count() -> number of entries
function crl:raw_count() end

--- crl:raw_entry(i) -> { serial =, time =, extensions = } | nil
function crl:raw_entry() end

--- crl:raw_find(content of the serial's INTEGER) -> entry | nil
function crl:raw_find() end

--- crl:is_signed_by(key) -> boolean
function crl:is_signed_by() end

---@class lacre.core.disk
core.disk = {}

--- disk.append(path, bytes, sync) -> true | nil, err; all or nothing
function core.disk.append() end

--- disk.create(path, bytes, mode) -> true | nil, err; file_exists if there is one
function core.disk.create() end

--- disk.is_current(path, source) -> boolean: whether both are there, and the file is no older than what it was made of
function core.disk.is_current() end

--- disk.link(from, to) -> true | nil, err; never replaces `to`
function core.disk.link() end

--- disk.list(path) -> { name, ... } in no order, without "." and ".." | nil, err
function core.disk.list() end

--- disk.make_directory(path, mode) -> true | nil, err; file_exists if there is one
function core.disk.make_directory() end

--- disk.read(path, limit) -> bytes | nil, err; EFBIG over the limit
function core.disk.read() end

--- disk.real(path) -> the absolute path without links and dots | nil, err
function core.disk.real() end

--- disk.remove(path) -> true | nil, err
function core.disk.remove() end

--- disk.remove_directory(path) -> true | nil, err; only an empty one
function core.disk.remove_directory() end

--- disk.rename(from, to) -> true | nil, err; replaces `to`
function core.disk.rename() end

--- disk.set_mode(path, mode) -> true | nil, err
function core.disk.set_mode() end

--- disk.stat(path) -> { kind =, mode =, size =, modified =, nanoseconds =, changed = } | nil, err; `nanoseconds` is what `modified` leaves out
function core.disk.stat() end

--- disk.sync(path), of a directory too, -> true | nil, err
function core.disk.sync() end

--- disk.tail(path, size) -> its last bytes, that many at most, in one read | nil, err
function core.disk.tail() end

--- disk.version(path) -> bytes that differ after whatever happened to the file: device, inode, size, when it was written, when anything about it changed | nothing where there is none
function core.disk.version() end

---@class lacre.core.engine
core.engine = {}

--- engine.new(context, socket or nil, name or nil, sni or nil, match_name, diagnose) -> engine | nil, err
function core.engine.new() end

---@class lacre.core.engine_object
local engine = {}

--- engine:feed(bytes) -> count accepted, less than all when it holds enough
function engine:feed() end

--- engine:feed_eof() -> true: nothing more will come
function engine:feed_eof() end

--- engine:drain(max) -> bytes to send, "" when there are none; after a failure too: the alert is in them
function engine:drain() end

--- engine:handshake() -> true | nil, "want_read" | "want_write" | "want_verify" | nil, err
function engine:handshake() end

--- engine:abandon(): nothing is sent or read any more
function engine:abandon() end

--- engine:pins(digests, scope, is_expired, is_report): digests are 32 bytes each, end to end; before the handshake
function engine:pins() end

--- engine:time(seconds): at which certificates are judged; before the handshake
function engine:time() end

--- engine:session(key): resumes a session of this key, if there is one that would be accepted, and keeps new ones under it; before the handshake
function engine:session() end

function engine:close() end

--- engine:read(max) -> bytes | nil, "want_read" | "want_write" | nil, err
function engine:read() end

--- engine:write(bytes, from) -> count taken from `from` on (counted from 1), and nothing else when all of it is on its way | count, "want_read" | "want_write" | err: call again, with what was not taken or with nothing | nil, err
function engine:write() end

--- engine:send_file(file, from, count, head) -> count taken of the head and then of the file, less than all only where it ends | count, "want_write" | err, as `write` says. `from` counts from 0; a head, of a record at most, goes into the first piece
function engine:send_file() end

--- engine:shutdown() -> true: close_notify is on its way | nil, "want_write" | nil, err. Never waits for the peer's
function engine:shutdown() end

--- engine:state() -> "handshaking" "open" "closing" "closed" "failed"
function engine:state() end

--- engine:pending() -> decrypted bytes that wait, bytes fed and not digested, bytes to drain or owed
function engine:pending() end

--- engine:has_pending() -> whether a read may succeed without the wire
function engine:has_pending() end

--- engine:verdict() -> findings of the peer's certificate, and the chain as it was presented | nil when nothing was wrong
function engine:verdict() end

--- engine:pin_state() -> "match", place of the pin | "mismatch" | "expired" | nil
function engine:pin_state() end

--- engine:info() -> { version =, cipher =, group =, sigalg =, alpn =, sni =, resumed =, bytes_read =, bytes_written =, ktls = }, as far as the handshake got
function engine:info() end

--- engine:peer_chain() -> what the peer sent, leaf first | nil
function engine:peer_chain() end

--- engine:verified_chain() -> leaf to anchor | nil
function engine:verified_chain() end

--- engine:was_asked() -> whether the server asked for a certificate; with TLS 1.3 only an engine that diagnoses knows
function engine:was_asked() end

--- engine:peer_staple() -> the OCSP response the server sent, DER | nil
function engine:peer_staple() end

--- engine:local_cert() -> cert | nil
function engine:local_cert() end

--- engine:export(label, length, context or nil) -> bytes | nil, err; RFC 5705 and RFC 8446 section 7.5
function engine:export() end

--- engine:unique() -> the first Finished of the handshake (RFC 5929 section 3) | nothing where that binds nothing: TLS 1.3 (RFC 9266), and handshakes whose master secret two connections can share (RFC 7627)
function engine:unique() end

--- engine:decide(is_accepted): what on_verify said, after "want_verify"
function engine:decide() end

--- engine:hello() -> { server_name =, legacy_version =, and as they came alpn =, versions =, groups =, sigalgs =, ciphers =, extensions = } after "want_hello"
function engine:hello() end

--- engine:greet(is_accepted): what on_client_hello said, after "want_hello"
function engine:greet() end

--- engine:identity(cert, key, { intermediate ... }) -> true | nil, err: the one to show, after "want_hello"
function engine:identity() end

--- engine:switch(context) -> true | nil, err: goes on as an engine of another context, after "want_hello". Where the hello is too long to be read anew nothing has changed, and the peer can still be refused; after other failures nothing can be said
function engine:switch() end

--- engine:refused_name() -> whether the handshake failed for the name asked for
function engine:refused_name() end

--- engine:staple(der): the OCSP response to send
function engine:staple() end

--- engine:staple_state() -> "good" "missing" "invalid" "expired" "unknown" "revoked" | nil: what became of the peer's OCSP response
function engine:staple_state() end

--- engine:keylog() -> the lines of SSLKEYLOGFILE that came since, or nil
function engine:keylog() end

---@class lacre.core.error
core.error = {}

---@class lacre.core.key
core.key = {}

--- key.from_spki(der) -> key | nil, err (bad_der, unsupported_key_type)
function core.key.from_spki() end

--- key.generate(kind [, bits [, primes]]) -> key | nil, err (unsupported)
function core.key.generate() end

---@class lacre.core.key_object
local key = {}

--- key:spki() -> DER | nil, err
function key:spki() end

--- key:type() -> "ec" | "rsa" | "rsa-pss" | "ed25519" | "ml-dsa-65" | ...
function key:type() end

--- key:bits() -> integer
function key:bits() end

--- key:security_bits() -> integer, 0 of an RSA key whose exponent is 1 or even
function key:security_bits() end

--- key:curve() -> "P-256" | OpenSSL's name of another curve | nil: it is none, or its parameters are explicit
function key:curve() end

--- key:is_private() -> boolean
function key:is_private() end

--- key:is_pair(key) -> boolean: whether the public halves are one
function key:is_pair() end

--- key:sign(data, hash or nil, padding or nil) -> signature | nil, err
function key:sign() end

--- key:verify(data, signature, hash or nil, padding or nil) -> boolean
function key:verify() end

---@class lacre.core.keyfile
core.keyfile = {}

--- keyfile.encrypted(key, password, cipher) -> DER | nil, err (unsupported)
function core.keyfile.encrypted() end

--- keyfile.parse(pem or der, password or nil) -> key | nil, err (bad_pem, bad_der, no_key, trailing_data, password_required, bad_password, unsupported_key_type)
function core.keyfile.parse() end

--- keyfile.pkcs8(key) -> DER | nil, err
function core.keyfile.pkcs8() end

--- keyfile.traditional(key) -> DER | nil, err: PKCS#1 for RSA, SEC1 for EC
function core.keyfile.traditional() end

---@class lacre.core.keyuri
core.keyuri = {}

--- keyuri.open(uri, password or nil) -> key | nil, err (no_key, unsupported, password_required, bad_password, file_not_found)
function core.keyuri.open() end

---@class lacre.core.lock
core.lock = {}

--- lock.take(path) -> lock | nil, err (locked, permission_denied, file_not_found ...)
function core.lock.take() end

---@class lacre.core.lock_object
local lock = {}

function lock:close() end

---@class lacre.core.name
core.name = {}

--- name.attributes(der) -> list | nil, where it is malformed
function core.name.attributes() end

--- name.equal(der, der) -> boolean: RFC 5280 7.1, case and spaces aside
function core.name.equal() end

--- name.general(der) -> list | nil, where it is malformed
function core.name.general() end

--- name.hash(der) -> number that names links in certificate directories | nil
function core.name.hash() end

--- name.text(der) -> UTF-8 of a string of any type | "#" and hex | nil, where it is malformed
function core.name.text() end

---@class lacre.core.net
core.net = {}

--- net.adopt(fd, keeps) -> socket | nil, err; `keeps`: the caller closes the fd
function core.net.adopt() end

--- net.connect(address, port, from_address or nil, from_port) -> socket that is connecting | nil, err; when writable, socket:connected() tells
function core.net.connect() end

--- net.listen(address, port, backlog, reuse_port, v6only) -> socket | nil, err
function core.net.listen() end

---@class lacre.core.net_object
local net = {}

--- socket:listens() -> whether connections can be accepted from it
function net:listens() end

--- socket:accept() -> socket, address, port | nil, "want_read" | nil, err
function net:accept() end

--- socket:connected() -> true | nil, err: how the connecting ended
function net:connected() end

--- socket:send(bytes, from) -> count | nil, "want_write" | nil, err; from is the first byte, counted from 1
function net:send() end

--- socket:shutdown() -> true: nothing more will be sent
function net:shutdown() end

--- socket:address() -> address, port of this end | nothing
function net:address() end

--- socket:peer() -> address, port of the other end | nothing
function net:peer() end

--- socket:options(nodelay, keepalive), of one that connects: it does not delay
function net:options() end

--- socket:fd() -> integer, -1 once closed
function net:fd() end

--- socket:close() -> true; whatever engine still refers to it finds it closed
function net:close() end

---@class lacre.core.oid
core.oid = {}

--- oid.content(name or dotted) -> content octets | nil
function core.oid.content() end

--- oid.long_name(content) -> "sha256WithRSAEncryption", or dotted text | nil
function core.oid.long_name() end

--- oid.text(content) -> dotted or as oid_push, short name or nil | nil
function core.oid.text() end

---@class lacre.core.openssl
core.openssl = {}

--- openssl.has_errors() -> whether OpenSSL's queue holds something: never, between calls
function core.openssl.has_errors() end

--- openssl.kernel_encrypts() -> whether OpenSSL and the kernel were built to do TLS together
function core.openssl.kernel_encrypts() end

--- openssl.providers() -> their names, whether only what FIPS allows is used
function core.openssl.providers() end

--- openssl.trust_places() -> its file and directory of CAs, and the variables that name others
function core.openssl.trust_places() end

---@class lacre.core.pem
core.pem = {}

--- pem.encode(label, der) -> text
function core.pem.encode() end

--- pem.next(text, from) -> next, label, der, headers, block | false | nil, err, next
function core.pem.next() end

---@class lacre.core.permit
core.permit = {}

--- permit.looking(client) -> true | nil, err: every version, suite and key of this build, for engines that diagnose and can do nothing else
function core.permit.looking() end

--- permit.prime(server, bytes) -> true | nil, err: Diffie-Hellman with this prime
function core.permit.prime() end

--- permit.weak(server) -> true | nil, err: the same for a server that shows a fault
function core.permit.weak() end

---@class lacre.core.pin
core.pin = {}

--- pin.of(spki) -> SHA-256, and the text of that pin (RFC 7469)
function core.pin.of() end

---@class lacre.core.pkcs12
core.pkcs12 = {}

--- pkcs12.create(key, cert, chain, password, name or nil, rounds, legacy) -> DER | nil, err
function core.pkcs12.create() end

--- pkcs12.parse(der, password or nil, legacy) -> { key =, cert =, chain =, name = } | nil, err (bad_der, password_required, bad_password, unsupported)
function core.pkcs12.parse() end

---@class lacre.core.poller
core.poller = {}

--- poller.most() -> how many descriptors this process may hold; huge where nobody says
function core.poller.most() end

--- poller.new() -> poller | nil, err
function core.poller.new() end

--- poller.wait(fd, events, seconds or nil) -> ready events, or nil when time ran out or a signal came
function core.poller.wait() end

---@class lacre.core.poller_object
local poller = {}

--- poller:watch(fd, events) -> true; false: it never blocks | nil, err
function poller:watch() end

--- poller:wait(deadline or nil, list) -> count, now: puts fd, events, fd, events ... into the list; nothing when time ran out or a signal came. Both times are of clock.monotonic | nil, err
function poller:wait() end

--- poller:fd() -> integer, readable when an event is there; -1 where there is none
function poller:fd() end

function poller:close() end

---@class lacre.core.resolver
core.resolver = {}

--- resolver.numeric(text) -> { { address =, family = } } | nil: addresses need nobody's answer
function core.resolver.numeric() end

--- resolver.start(host, "any" | "ipv4" | "ipv6") -> request | nil, err; its fd is readable when result() is there
function core.resolver.start() end

---@class lacre.core.resolver_object
local resolver = {}

--- request:result() -> { { address =, family = } ... } | nil, err; to be called when fd() is readable, else it waits
function resolver:result() end

--- request:fd() -> integer
function resolver:fd() end

function resolver:close() end

---@class lacre.core.signals
core.signals = {}

--- signals.fd() -> integer, readable when a signal came; -1 before the first watch
function core.signals.fd() end

--- signals.forget(name): what the signal did before it does again
function core.signals.forget() end

--- signals.process() -> the number of this process
function core.signals.process() end

--- signals.take() -> the name of a signal that came, or nil
function core.signals.take() end

--- signals.watch(name) -> true | nil, err: "INT" "TERM" "HUP" "USR1" "USR2" "CHLD" "QUIT" "WINCH"
function core.signals.watch() end

---@class lacre.core.signed
core.signed = {}

--- signed.verify(tbs, algorithm, signature, key) -> boolean; the first two are DER
function core.signed.verify() end

---@class lacre.core.store
core.store = {}

--- store.new() -> store
function core.store.new() end

---@class lacre.core.store_object
local store = {}

--- store:add_cert(cert) -> true | nil, err
function store:add_cert() end

--- store:add_crl(crl) -> true | nil, err
function store:add_crl() end

--- store:add_directory(path) -> true | nil, err: of hashed links, looked into lazily
function store:add_directory() end

--- store:list() -> { cert, ... }: what is in memory, directories left out
function store:list() end

--- store:check(cert, intermediates, rules) -> verdict, is_good | nil, err. The rules: host ip email purpose time policies revocation max_depth security_level, strict (a number of verify.h), all_errors, accept_expired, accept_name
function store:check() end

---@class lacre.core.terminal
core.terminal = {}

--- terminal.ask(prompt) -> text | nil, err: a line typed on the terminal, unseen
function core.terminal.ask() end

--- terminal.is("stdout") -> boolean
function core.terminal.is() end

--- terminal.width("stdout") -> columns, or nil where there is no terminal
function core.terminal.width() end

return core
