--- error.codes: every code, its category, what it means and what to do. Data only.
--
-- `category` is a function of the code; where the stage decides, `by_stage` says how.
-- `hint_by_stage` likewise for the hint. `temporary` marks what trying again may mend. A hint names the real fix.

local function verify(summary, hint)
  return { category = "verify", summary = summary, hint = hint }
end
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

return {
  -- verification of certificates
  cert_expired = verify(
    "a certificate of the path is past its notAfter",
    "renew the certificate on the server; if it is valid elsewhere, check this machine's clock"
  ),
  cert_not_yet_valid = verify("a certificate of the path is before its notBefore", "check this machine's clock"),
  hostname_mismatch = verify(
    "the certificate is for other names than the one asked for",
    "connect by a name the certificate carries, or have it issued with this name in its subjectAltName"
  ),
  email_mismatch = verify("the certificate is for another e-mail address"),
  untrusted_root = verify(
    "the chain is complete, but its root is not trusted here",
    "if this is your own CA, say trust = its root certificate"
  ),
  self_signed = verify(
    "the certificate signs itself and is not trusted here",
    "trust exactly this certificate (trust = its file, or --trust FILE), or its pin (trust = 'pins')"
  ),
  unknown_issuer = verify(
    "the issuer of a certificate is neither sent nor trusted",
    "have the server send its intermediate certificates, or trust the CA that issued it"
  ),
  cert_rejected = verify("a trust setting rejects the certificate"),
  cert_revoked = verify("the certificate is revoked", "have a new one issued; the old key may be known to others"),
  cert_signature_invalid = verify("a signature in the chain does not verify"),
  cert_malformed = verify("a certificate cannot be understood", "re-issue the certificate"),
  cert_nonconforming = verify(
    "a certificate breaks a rule of RFC 5280",
    "re-issue it with the extension the rule asks for; strict = false accepts it as older verifiers do"
  ),
  chain_too_long = verify("more intermediates than max_depth"),
  path_length_exceeded = verify("an issuer's path length does not allow this chain"),
  path_loop = verify("the chain comes back to itself"),
  invalid_ca = verify("an issuer in the chain is not a CA", "the chain holds a certificate that may not issue others"),
  wrong_purpose = verify("the certificate may not be used for this", "issue it with the extended key usage needed"),
  unhandled_critical_extension = verify("a critical extension is unknown"),
  name_constraint_violation = verify("an issuer's name constraints forbid a name of the certificate"),
  policy_violation = verify("the certificate policies asked for are not met"),
  weak_key = verify("a key is too small", "use RSA of at least 2048 bits, or P-256"),
  weak_signature = verify("a signature uses a broken digest", "re-issue the certificate with SHA-256 or better"),
  unsupported_algorithm = verify("a signature or key algorithm is not supported"),
  crl_missing = verify("no revocation list for an issuer of the chain", "add its CRL to crls"),
  crl_expired = verify("a revocation list is past its nextUpdate", "fetch a newer CRL"),
  crl_invalid = verify("a revocation list is not valid"),
  ocsp_missing = verify("an OCSP response is required and was not stapled"),
  ocsp_invalid = verify("the OCSP response is not valid"),
  ocsp_expired = verify("the OCSP response is too old"),
  ocsp_unknown = verify("the OCSP responder does not know the certificate"),
  pin_mismatch = verify(
    "no key of the chain is among the pins",
    "if the key was changed on purpose, get the new pin from the operator; else somebody is in the middle"
  ),
  pin_expired = verify("the pin set is past its date", "ship a new pin set"),
  verify_rejected = verify("on_verify did not accept the peer"),
  hook_failed = verify("a hook raised an error"),
  dane_mismatch = verify("no TLSA record matches"),
  ct_insufficient = verify("not enough certificate transparency proofs"),
  rpk_untrusted = verify("the raw public key is not trusted"),
  cert_invalid = verify("the certificate does not verify"),

  -- handshake and records
  protocol_version = protocol(
    "no TLS version in common",
    "the peer offers only TLS 1.1 or older, or refuses what min_version and max_version leave"
  ),
  not_tls = protocol("what the peer speaks is not TLS", "check the port; services that upgrade need starttls"),
  no_shared_cipher = protocol(
    "no cipher suite in common",
    "the peer offers only old suites; policy = 'compat' adds ECDHE-CBC"
  ),
  no_shared_group = protocol("no key exchange group in common"),
  no_shared_sigalg = protocol("no signature algorithm in common"),
  alpn_mismatch = protocol("no application protocol in common"),
  unrecognized_name = protocol("the server does not serve this name", "check server_name"),
  client_cert_required = protocol("the server wants a client certificate", "give cert and key"),
  client_cert_rejected = protocol(
    "the server refused our certificate",
    "check who issued it, its dates and its purpose (client)"
  ),
  server_cert_rejected = protocol(
    "the client refused our certificate",
    "the client does not trust it, or it is for another name"
  ),
  unsafe_renegotiation = protocol("the peer knows only unsafe renegotiation"),
  downgrade_detected = protocol("somebody tries to force an older version"),
  bad_record = protocol("a record was damaged on its way"),
  protocol_error = protocol("the peer broke the protocol"),
  handshake_failed = protocol("the handshake failed", "err.openssl is what OpenSSL says; lacre info HOST tells more"),
  handshake_incomplete = protocol("the handshake is not done yet"),
  line_too_long = protocol("a line is longer than the limit", "conn:set_limits{ line = ... }"),
  too_large = protocol("more data than the limit", "conn:set_limits{ all = ... }, or read in pieces"),
  starttls_unsupported = protocol("the server does not offer STARTTLS"),
  starttls_refused = protocol("the server refused STARTTLS"),
  plaintext_pending = protocol("bytes came before TLS began", "nothing may be read before the handshake"),
  http_malformed = protocol("what came is not HTTP/1.1"),
  http_status = protocol("the server answered with an error status"),
  redirect_limit = protocol("too many redirects"),
  redirect_insecure = protocol("a redirect leads away from https"),

  -- network, time, end
  host_not_found = network("the name has no address", "check the spelling of the host name"),
  dns_failure = network("the name could not be resolved", "check the resolver of this machine", true),
  connection_refused = network("nothing listens on that port", "check that the service runs, and the port"),
  connection_reset = network("the peer cut the connection", nil, true),
  host_unreachable = network("the host cannot be reached", nil, true),
  network_unreachable = network("the network cannot be reached", nil, true),
  address_in_use = network("the port is taken", "choose another port, or stop what listens there"),
  address_unavailable = network("no such address on this machine", "ip addr shows those there are; * is all of them"),
  too_many_files = network("out of file descriptors", "raise ulimit -n, or lower the concurrency", true),
  proxy_refused = network("the proxy refused to connect"),
  permission_denied = {
    category = "network",
    by_stage = files,
    summary = "the system does not permit it",
    hint = "ports below 1024 are root's: use one from 1024 on",
    hint_by_stage = {
      load = "check the owner and mode of the file", save = "check the owner and mode of the directory",
    },
  },
  io_error = { category = "network", by_stage = files, summary = "the system reported an error" },
  resolve_timeout = timeout("the name was not resolved in time"),
  connect_timeout = timeout("nobody answered in time", "a firewall may drop the packets; check host and port"),
  handshake_timeout = timeout("the handshake was not finished in time", "what listens there may not speak TLS"),
  locked = timeout("another process works on the same directory", "wait for it, or say a longer lock_timeout"),
  timeout = timeout("the operation took longer than its limit", "try again, or give it more time"),
  closed = closed("the connection was closed"),
  unexpected_eof = {
    category = "closed", summary = "the connection ended without close_notify",
    hint = "data may be missing: somebody cut it",
    hint_by_stage = { handshake = "the server hung up on the handshake: it may want another name, version or port" },
  },
  canceled = closed("the task was canceled"),

  -- configuration, files, parsing, issuing
  trust_empty = config("there is no certificate to trust", "say trust = 'system', or the file of your CA"),
  trust_unavailable = config(
    "no trust store of the system was found",
    "install ca-certificates, or say trust = a file"
  ),
  key_mismatch = config("the key does not belong to the certificate", "compare their pins: lacre pin FILE"),
  no_certificate = {
    category = "config", by_stage = read, summary = "there is no certificate in it",
    hint = "lacre inspect FILE says what is in it",
  },
  no_key = {
    category = "config", by_stage = read, summary = "there is no key in it",
    hint = "lacre inspect FILE says what is in it",
  },
  no_csr = parse("there is no certificate request in it"),
  no_crl = parse("there is no revocation list in it"),
  unsupported = config("this OpenSSL does not have it"),
  issuer_not_ca = config(
    "the issuer may not sign certificates",
    "issue from a certificate with the profile ca or intermediate"
  ),
  validity_exceeds_issuer = config(
    "it would be valid when its issuer is not",
    "say a shorter valid_for, a later not_before, or clamp = true"
  ),
  issuer_path_length = config(
    "the issuer's path length allows no CA below it",
    "make the issuer with a larger path_length, or issue from the CA above it"
  ),
  csr_signature_invalid = config("the request is not signed by its own key"),
  serial_conflict = config("the serial number is in use"),
  already_revoked = config("it is revoked already"),
  revocation_in_future = config("a revocation would begin in the future", "leave the time out, or say one that was"),
  key_compromised = config(
    "a certificate for the same key was revoked because others have the key",
    "make a new key: lacre ca rekey, or a request for a new one"
  ),
  unknown_serial = config("the CA has issued no certificate of that serial", "lacre ca list DIR shows those it has"),
  duplicate_names = config("a valid certificate for the same names exists", "renew that one, or leave 'unique' out"),
  usage = config("a command line that makes no sense", "lacre COMMAND --help tells what it takes"),
  bad_policy = config("the policy file is no policy", "docs/ca.md lists its rules"),
  policy_refused = config("a rule of the policy file refuses it"),
  password_required = parse("the key is encrypted", "give its password"),
  bad_password = parse("the password is wrong", "a text from a file ends before its line feed"),
  bad_json = parse("it is not JSON"),
  bad_state = parse("it is not a file of this kind"),
  bad_pem = parse("it is not PEM", "lacre inspect FILE says what it is"),
  bad_der = parse("it is not the DER it should be", "lacre inspect FILE says what it is"),
  trailing_data = parse("there are bytes after the end"),
  unsupported_key_type = parse("no provider knows this kind of key", "openssl list -providers shows what is loaded"),
  bad_pin = parse("it is not a pin", "a pin looks like sha256//BASE64, 44 characters of it"),
  bad_name = parse("it is not a name", "a DNS name, an IP address, mail@address or scheme://uri"),
  bad_time = parse("it is not a time", "write 2026-01-31 or 2026-01-31T12:00:00Z"),
  file_not_found = file("there is no such file", "check the path; what is relative starts from the current directory"),
  file_exists = file("the file exists", "choose another name, or have it replaced: overwrite = true, or --overwrite"),
  is_directory = file("it is a directory", "name a file in it"),
  ca_not_found = file("there is no CA in the directory", "lacre ca init DIR makes one"),
  index_corrupt = file("the index of the CA cannot be understood", "lacre ca check DIR tells which line, and why"),
  log_corrupt = file("the log of the CA is not the one that was written", "lacre ca check DIR tells which line"),

  internal_error = { category = "internal", summary = "a fault of lacre or OpenSSL", hint = "please report it" },
}
