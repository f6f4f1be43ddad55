--- health.codes: every reason that `lacre health` gives, its weight, and what it means to a person. Data only.
--
-- `error` names the error code of the library that says the same. The order of the rows is the order in
-- which reasons of one weight are told: the first is the one to mend first.

local function fail(code, meaning, err)
  return { code = code, severity = "fail", meaning = meaning, error = err }
end

local function warn(code, meaning, err)
  return { code = code, severity = "warn", meaning = meaning, error = err }
end

local function info(code, meaning)
  return { code = code, severity = "info", meaning = meaning }
end

local rows = {
  fail("INTERNAL", "lacre itself failed on this target. Please report it.", "internal_error"),
  fail("TARGET_INVALID", "The line is no target: write host, host:port, host:port/smtp, a URL, or name@address.",
    "bad_name"),
  fail("DNS_FAILED", "The name could not be turned into an address.", "host_not_found"),
  fail("CONNECT_REFUSED", "The machine answers, and nothing listens on the port.", "connection_refused"),
  fail("CONNECT_TIMEOUT", "The machine does not answer at all: a wrong address, or a firewall.", "connect_timeout"),
  fail("CONNECT_FAILED", "The connection could not be made.", "connect_failed"),
  fail("TIMEOUT", "The server was too slow, or said nothing, within the time for one target.", "timeout"),
  fail("RESET", "The server broke the connection off.", "connection_reset"),
  fail("CLOSED_EARLY", "The server hung up in the middle of the handshake.", "unexpected_eof"),
  fail("NOT_TLS", "What answers there does not speak TLS: the wrong port, or a service that wants STARTTLS.",
    "not_tls"),
  fail("STARTTLS_REFUSED", "The service would not begin TLS on this connection.", "starttls_refused"),
  fail("NAME_UNRECOGNIZED", "The server does not serve this name.", "unrecognized_name"),
  fail("CLIENT_TOO_OLD", "The server speaks TLS, and wants something newer than this OpenSSL has."),
  fail("HANDSHAKE_FAILED", "The server refused the handshake with an alert.", "handshake_failed"),
  fail("TLS_TOO_OLD",
    "The best version that the server speaks is broken: SSL, TLS 1.0 and 1.1 were retired (RFC 8996).",
    "protocol_version"),
  fail("WEAK_CIPHER", "The cipher suite can be broken, or does not encrypt or authenticate at all."),
  fail("NO_CERTIFICATE", "The server showed no certificate: anybody could be at the other end."),
  fail("REVOKED", "The issuer took the certificate back: the key may be in other hands.", "cert_revoked"),
  fail("CERT_EXPIRED", "The certificate's time is over. Renew it.", "cert_expired"),
  fail("CERT_NOT_YET_VALID", "The certificate's time has not begun: a clock is wrong, or it was installed too early.",
    "cert_not_yet_valid"),
  fail("CHAIN_EXPIRED", "A certificate between the server's and the root is past its time, or before it.",
    "cert_expired"),
  fail("HOSTNAME_MISMATCH", "The certificate is for other names than the one asked for.", "hostname_mismatch"),
  fail("NO_SAN", "The certificate names no host in subjectAltName; the common name counts no more (RFC 9525).",
    "hostname_mismatch"),
  fail("SELF_SIGNED", "The certificate vouches for itself, and nobody else does.", "self_signed"),
  fail("UNTRUSTED_ROOT", "The chain ends in a CA that is not trusted here.", "untrusted_root"),
  fail("CHAIN_INCOMPLETE", "The server does not send the certificates between its own and the root.", "unknown_issuer"),
  fail("BAD_SIGNATURE", "A signature in the chain is wrong: somebody forged it, or a file is damaged.",
    "cert_signature_invalid"),
  fail("WRONG_EKU", "A certificate of the path may not be used for servers.", "wrong_purpose"),
  fail("INVALID_CA", "A certificate issued another without having the right to.", "invalid_ca"),
  fail("PATHLEN", "A CA allows fewer CAs below it than there are.", "path_length_exceeded"),
  fail("NAME_CONSTRAINT", "A CA in the chain may not issue for this name.", "name_constraint_violation"),
  fail("UNKNOWN_CRITICAL_EXT", "The certificate demands that something be understood which nobody here understands.",
    "unhandled_critical_extension"),
  fail("CRL_PROBLEM", "Revocation could not be checked, and was asked for: the list is missing, old or wrong.",
    "crl_missing"),
  fail("OCSP_PROBLEM", "Revocation could not be checked, and was asked for: the responder gave no good answer.",
    "ocsp_invalid"),
  fail("VERIFY", "The certificate does not verify, for a rarer reason.", "cert_invalid"),
  fail("MUST_STAPLE_MISSING", "The certificate promises a stapled OCSP response, and the server sends none (RFC 7633).",
    "ocsp_missing"),
  fail("STAPLE_BAD", "The stapled OCSP response is wrong, too old, or about another certificate.", "ocsp_invalid"),
  fail("WEAK_KEY", "A key in the chain is so short that it can be broken.", "weak_key"),
  fail("WEAK_SIGNATURE", "A certificate is signed with MD5 or SHA-1, which can be forged.", "weak_signature"),
  fail("WEAK_DH", "The Diffie-Hellman group is too small or not well made: others may read along."),
  fail("PIN_MISMATCH", "No key of the chain is among the pins: the key was changed, or somebody is in the middle.",
    "pin_mismatch"),
  fail("REQUIREMENT_MISSED", "Something that was required is not there."),
  fail("EXPECTATION_MISSED", "The list said that this target fails in a certain way, and it does not."),

  warn("EXPIRES_SOON", "The certificate's time is nearly over. Renew it, or see why it was not renewed."),
  warn("CHAIN_EXPIRES_SOON", "A certificate between the server's and the root ends before long."),
  warn("OFFERS_OLD_TLS",
    "Besides good versions the server still speaks TLS 1.0 or 1.1, which were retired (RFC 8996)."),
  warn("NO_FORWARD_SECRECY", "Whoever records the traffic and gets the server's key later can read it all."),
  warn("NO_AEAD", "The cipher suite is of the old kind (CBC), where padding attacks keep being found."),
  warn("LIFETIME_TOO_LONG", "The certificate is valid for longer than public CAs may issue."),
  warn("NONCONFORMING", "A certificate breaks a rule of RFC 5280, and strict verifiers (lacre, Python 3.13) refuse it.",
    "cert_nonconforming"),
  warn("CHAIN_ORDER", "The certificates are sent in the wrong order; some clients cannot follow."),
  warn("CHAIN_EXTRA_CERTS", "The server sends certificates that nobody needs."),
  warn("SAN_COUNT", "The certificate names more than a thousand hosts: it is large, and shared by many."),
  warn("OVERSIZED_KEY", "An RSA key of more than 4096 bits makes every handshake slow, and nothing safer."),
  warn("CLIENT_CERT_REQUIRED", "The server wants a certificate of the client. Only its own could be judged.",
    "client_cert_required"),
  warn("ADDRESSES_DIFFER", "The addresses behind the name show different certificates."),
  warn("REVOCATION_UNKNOWN", "Whether the certificate is revoked could not be found out."),

  info("SHORT_LIVED", "The certificate lives for days, not months: consider --warn auto."),
  info("ROOT_IN_CHAIN", "The server sends its root too, which clients do not need."),
  info("NO_TLS13", "The server does not speak TLS 1.3."),
  info("PQ", "The key exchange withstands quantum computers."),
  info("NO_PQ", "The key exchange does not withstand quantum computers of the future."),
  info("NO_SCT", "The certificate proves no entry in a certificate transparency log."),
  info("REVOCATION_UNCHECKED", "Whether the certificate is revoked was not asked."),
  info("CLIENT_CERT_REQUESTED", "The server would like a certificate of the client, and does without."),
  info("RENEWED", "The certificate was renewed since the baseline."),
}

local codes = { list = rows, by_code = {}, by_error = {} }

for place, row in ipairs(rows) do
  row.place = place
  codes.by_code[row.code] = row
  if row.error and not codes.by_error[row.error] then
    codes.by_error[row.error] = row.code
  end
end

return codes
