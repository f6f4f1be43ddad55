--- error.codes: every code, its category, what it means and what to do. Data only; those of the verification of
--- certificates stand in `error.verification`.
--
-- `category` is a function of the code; where the stage decides, `by_stage` says how.
-- `hint_by_stage` likewise for the hint. `temporary` marks what trying again may mend. A hint names the real fix.

local verification = require "lacre.error.verification"

local function protocol(summary, hint)
  return { category = "protocol", summary = summary, hint = hint }
end
local function network(summary, hint, temporary)
  return { category = "network", summary = summary, hint = hint, temporary = temporary }
end
local function timeout(summary, hint)
  return { category = "timeout", summary = summary, hint = hint, temporary = true }
end
local function config(summary, hint)
  return { category = "config", summary = summary, hint = hint }
end
local function parse(summary, hint)
  return { category = "parse", summary = summary, hint = hint }
end
local function file(summary, hint)
  return { category = "file", summary = summary, hint = hint }
end
local function closed(summary, hint)
  return { category = "closed", summary = summary, hint = hint }
end

local read = { parse = "parse", load = "parse" }
local files = { load = "file", config = "file", save = "file" }

local codes = {
  -- handshake and records
  protocol_version = protocol(
    "no TLS version in common",
    "the peer supports only TLS 1.1 or older, or none of the versions min_version and max_version allow"
  ),
  not_tls = protocol("the peer does not speak TLS",
    "check the port; a service that starts in plaintext needs starttls"),
  no_shared_cipher = protocol(
    "no cipher suite in common",
    "the peer offers only old suites; policy = 'compat' adds ECDHE-CBC"
  ),
  no_shared_group = protocol("no key exchange group in common", "let both sides offer X25519 or P-256"),
  no_shared_sigalg = protocol("no signature algorithm in common",
    "use a key that the other side knows, such as P-256 or RSA of 3072 bits"),
  alpn_mismatch = protocol("no application protocol in common", "alpn needs a name that both sides have"),
  unrecognized_name = protocol("the server does not serve this name", "check server_name"),
  client_cert_required = protocol("the server wants a client certificate", "give cert and key"),
  client_cert_rejected = protocol(
    "the server refused our certificate",
    "check its issuer, its dates and its purpose (client)"
  ),
  server_cert_rejected = protocol(
    "the client refused our certificate",
    "the client does not trust its issuer, or connected by a name it does not carry"
  ),
  unsafe_renegotiation = protocol("the peer supports only unsafe renegotiation",
    "update the server: RFC 5746 made renegotiation safe in 2010"),
  downgrade_detected = protocol("somebody may be trying to force an older TLS version",
    "something on the way lowers the version: try another network, and update the server"),
  bad_record = protocol("a record was changed on its way",
    "something on the way changes the data: try another network, or look for a proxy"),
  protocol_error = protocol("the peer violated the protocol",
    "run lacre info HOST, and report it to the operator of the other side"),
  handshake_failed = protocol("the handshake failed", "see err.openssl for OpenSSL's message, and run lacre info HOST"),
  handshake_incomplete = protocol("the handshake is not finished yet", "finish the handshake first: conn:handshake()"),
  line_too_long = protocol("a line is longer than the limit", "raise the limit: conn:set_limits { line = BYTES }"),
  too_large = protocol("more data than the limit",
    "read in pieces, or raise the limit: conn:set_limits { all = BYTES }"),
  starttls_unsupported = protocol("the server does not offer STARTTLS",
    "turn STARTTLS on at the server; if TLS begins at once on this port, leave starttls out"),
  starttls_refused = protocol("the server refused STARTTLS",
    "check that the port speaks this protocol, and that TLS is set up at the server"),
  plaintext_pending = protocol("data arrived before TLS began",
    "do not read from the socket before TLS begins; if you did not, somebody may have injected the data"),
  http_malformed = protocol("the answer is not valid HTTP/1.1", "check that the URL leads to a web server"),
  http_status = protocol("the server answered with an error status",
    "check the URL: the status says why the server refused"),
  redirect_limit = protocol("too many redirects", "the site may redirect in a circle: try the URL it leads to"),
  redirect_insecure = protocol("a redirect leads away from https", "ask the site to redirect to https"),

  -- network, time, end
  host_not_found = network("the host name has no address", "check the spelling of the host name"),
  dns_failure = network("the host name could not be resolved", "check this machine's DNS resolver", true),
  connection_refused = network("nothing listens on that port",
    "check that the service is running, and that the port is right"),
  connection_reset = network("the peer reset the connection",
    "the server, or a firewall before it, hung up: check the port, and try again", true),
  host_unreachable = network("the host cannot be reached",
    "the host is down, or a router does not let you there: try ip route get ADDRESS", true),
  network_unreachable = network("the network cannot be reached",
    "this machine has no route there: check that it is connected, for IPv6 too", true),
  address_in_use = network("the port is taken", "choose another port, or stop the process that listens there"),
  address_unavailable = network("no such address on this machine",
    "run ip addr to see this machine's addresses; * listens on all of them"),
  too_many_files = network("out of file descriptors", "raise ulimit -n, or use fewer connections at once", true),
  proxy_refused = network("the proxy refused to connect",
    "check the proxy's address, and that its rules allow this host and port"),
  permission_denied = {
    category = "network",
    by_stage = files,
    summary = "permission denied by the system",
    hint = "only root may listen on ports below 1024: use a higher port",
    hint_by_stage = {
      load = "check the owner and mode of the file", save = "check the owner and mode of the directory",
    },
  },
  io_error = { category = "network", by_stage = files, summary = "the system reported an error" },
  resolve_timeout = timeout("the host name was not resolved in time",
    "check this machine's DNS resolver, or set a longer timeout"),
  connect_timeout = timeout("nothing answered in time", "check host and port; a firewall may be dropping the packets"),
  handshake_timeout = timeout("the handshake was not finished in time", "the service on that port may not speak TLS"),
  locked = timeout("another process is using the same directory",
    "wait for it to finish, or set a longer lock_timeout (--lock-timeout)"),
  timeout = timeout("the operation took longer than its time limit", "try again, or set a longer timeout"),
  closed = closed("the connection was closed"),
  unexpected_eof = {
    category = "closed", summary = "the connection ended without close_notify",
    hint = "data may be missing: the connection was cut, not closed",
    hint_by_stage = { handshake = "the server hung up during the handshake: check host name, port and TLS version" },
  },
  canceled = closed("the task was canceled"),

  -- configuration, files, parsing, issuing
  trust_empty = config("there is no certificate to trust", "set trust = 'system', or trust = the file of your CA"),
  trust_unavailable = config(
    "the system's trust store was not found",
    "install ca-certificates, or set trust = a file of CA certificates"
  ),
  key_mismatch = config("the key does not belong to the certificate",
    "find the key with the same pin: lacre pin FILE prints it for keys and certificates"),
  no_certificate = {
    category = "config", by_stage = read, summary = "no certificate found",
    hint = "run lacre inspect FILE to see what is in it",
  },
  no_key = {
    category = "config", by_stage = read, summary = "no key found",
    hint = "run lacre inspect FILE to see what is in it",
  },
  no_csr = parse("no certificate request found", "run lacre inspect FILE to see what is in it"),
  no_crl = parse("no revocation list found", "run lacre inspect FILE to see what is in it"),
  unsupported = config("this version of OpenSSL, Lua or the system does not support it"),
  issuer_not_ca = config(
    "the issuer may not sign certificates",
    "use an issuer made with the profile ca or intermediate"
  ),
  validity_exceeds_issuer = config(
    "it would be valid at times when its issuer is not",
    "use a shorter valid_for, a later not_before, or clamp = true"
  ),
  issuer_path_length = config(
    "the issuer's path length does not allow another CA below it",
    "create the issuer with a larger path_length, or issue from the CA above it"
  ),
  csr_signature_invalid = config("the request is not signed with its own key",
    "make the request again: lacre csr signs it with its own key"),
  serial_conflict = config("the serial number is already in use",
    "leave the serial number out: a random one is chosen"),
  already_revoked = config("the certificate is already revoked",
    "nothing is left to do: lacre ca crl DIR writes the CRL that says so"),
  revocation_in_future = config("the revocation time is in the future", "leave the time out, or give one in the past"),
  key_compromised = config(
    "a certificate for the same key was revoked because the key was compromised",
    "make a new key: lacre ca rekey, or a new request with a new key"
  ),
  unknown_serial = config("the CA has issued no certificate with that serial number",
    "run lacre ca list DIR to see the certificates it has issued"),
  duplicate_names = config("a valid certificate for the same names exists", "renew that one, or leave 'unique' out"),
  usage = config("wrong usage of the command line", "run lacre COMMAND --help"),
  bad_policy = config("the policy file is not valid", "docs/ca.md describes the policy file"),
  policy_refused = config("the CA's policy does not allow it",
    "change what is asked for, or the policy (docs/ca.md describes it)"),
  password_required = parse("the key is encrypted", "give the password: password = ..., or --password-file FILE"),
  bad_password = parse("the password is wrong",
    "if you read the password from a file yourself, strip the line feed at its end"),
  bad_json = parse("not valid JSON", "jq . FILE shows where it is not"),
  bad_state = parse("the state file is not valid", "delete the file: the next run begins a new one"),
  bad_pem = parse("not valid PEM", "run lacre inspect FILE to see what it is"),
  bad_der = parse("not valid DER of the expected kind", "run lacre inspect FILE to see what it is"),
  trailing_data = parse("there is data after the end", "run lacre inspect FILE to see what it is"),
  unsupported_key_type = parse("no OpenSSL provider supports this kind of key",
    "run openssl list -providers to see which are loaded"),
  bad_pin = parse("not a valid pin", "a pin is sha256// and 44 characters of base64"),
  bad_name = parse("not a valid name", "give a DNS name, an IP address, user@host or scheme://uri"),
  bad_time = parse("not a valid time", "write 2026-01-31 or 2026-01-31T12:00:00Z"),
  file_not_found = file("the file does not exist", "check the path; relative paths start at the current directory"),
  file_exists = file("the file already exists",
    "choose another name, or replace the file: overwrite = true, or --overwrite"),
  is_directory = file("it is a directory", "name a file inside it"),
  ca_not_found = file("there is no CA in the directory", "make one: lacre ca init DIR"),
  index_corrupt = file("the CA's index.txt cannot be parsed", "run lacre ca check DIR to see which line, and why"),
  clock_set_back = file("the clock is before the last line of the CA's log",
    "set the clock; if it is right, and the log is ahead: lacre ca check DIR --repair"),
  log_corrupt = file("the CA's log was changed or damaged", "run lacre ca check DIR to see which line"),

  internal_error = { category = "internal", summary = "a bug in lacre or OpenSSL", hint = "please report it" },
}

for code, row in pairs(verification) do
  codes[code] = row
end

return codes
