--- health.codes: every reason that `lacre health` gives, its severity, and what it means. Data only.
--
-- `error` names the corresponding error code of the library. Reasons of the same severity are reported in the order
-- of these rows: the first is the one to fix first.

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
  fail("TARGET_INVALID",
    "The line is not a valid target: write host, host:port, host:port/smtp, a URL, or name@address.",
    "bad_name"),
  fail("DNS_FAILED", "The host name could not be resolved to an address.", "host_not_found"),
  fail("CONNECT_REFUSED", "The machine answers, but nothing listens on that port.", "connection_refused"),
  fail("CONNECT_TIMEOUT", "The machine does not answer at all: wrong address, or a firewall.", "connect_timeout"),
  fail("CONNECT_FAILED", "The connection could not be made."),
  fail("TIMEOUT", "The server was too slow, or silent, for the time limit of one target.", "timeout"),
  fail("RESET", "The server reset the connection.", "connection_reset"),
  fail("CLOSED_EARLY", "The server hung up in the middle of the handshake.", "unexpected_eof"),
  fail("NOT_TLS", "The service does not speak TLS: wrong port, or it needs STARTTLS.",
    "not_tls"),
  fail("STARTTLS_REFUSED", "The service does not offer STARTTLS, or refused to start TLS.", "starttls_refused"),
  fail("NAME_UNRECOGNIZED", "The server does not serve this host name (unrecognized_name alert).", "unrecognized_name"),
  fail("CLIENT_TOO_OLD", "The server speaks TLS, but requires something newer than this OpenSSL supports."),
  fail("HANDSHAKE_FAILED", "The server refused the handshake with an alert.", "handshake_failed"),
  fail("TLS_TOO_OLD",
    "The newest version the server supports is broken: SSL, TLS 1.0 and TLS 1.1 are deprecated (RFC 8996).",
    "protocol_version"),
  fail("WEAK_CIPHER", "The cipher suite can be broken, or provides no encryption or authentication at all."),
  fail("NO_CERTIFICATE", "The server sent no certificate: it could be anybody."),
  fail("REVOKED", "The issuer revoked the certificate: the key may be compromised.", "cert_revoked"),
  fail("CERT_EXPIRED", "The certificate has expired. Renew it.", "cert_expired"),
  fail("CERT_NOT_YET_VALID", "The certificate is not valid yet: a clock is wrong, or it was installed too early.",
    "cert_not_yet_valid"),
  fail("CHAIN_EXPIRED", "A CA certificate in the chain has expired, or is not valid yet.",
    "cert_expired"),
  fail("HOSTNAME_MISMATCH", "The certificate does not name the host that was asked for.", "hostname_mismatch"),
  fail("NO_SAN", "The certificate has no host name in subjectAltName; the common name is no longer used (RFC 9525).",
    "hostname_mismatch"),
  fail("SELF_SIGNED", "The certificate is self-signed, and not trusted here.", "self_signed"),
  fail("UNTRUSTED_ROOT", "The chain ends in a CA that is not trusted here.", "untrusted_root"),
  fail("CHAIN_INCOMPLETE",
    "The server does not send the intermediate certificates between its own and the root.", "unknown_issuer"),
  fail("BAD_SIGNATURE", "A signature in the chain is invalid: it was forged, or a file is damaged.",
    "cert_signature_invalid"),
  fail("WRONG_EKU", "A certificate in the chain may not be used for servers.", "wrong_purpose"),
  fail("INVALID_CA", "A certificate in the chain issued another one without being a CA.", "invalid_ca"),
  fail("PATHLEN", "The chain has more CAs below a CA than its path length allows.", "path_length_exceeded"),
  fail("NAME_CONSTRAINT",
    "A CA in the chain may not issue for this name (name constraints).", "name_constraint_violation"),
  fail("UNKNOWN_CRITICAL_EXT", "The certificate has a critical extension that is unknown here.",
    "unhandled_critical_extension"),
  fail("CRL_PROBLEM", "A revocation check was required and failed: the CRL is missing, out of date or invalid.",
    "crl_missing"),
  fail("OCSP_PROBLEM", "A revocation check was required and failed: the OCSP responder gave no valid answer.",
    "ocsp_invalid"),
  fail("VERIFY", "The certificate does not verify, for a reason not listed here.", "cert_invalid"),
  fail("MUST_STAPLE_MISSING",
    "The certificate requires a stapled OCSP response (must-staple, RFC 7633), but the server sends none.",
    "ocsp_missing"),
  fail("STAPLE_BAD",
    "The stapled OCSP response is invalid, out of date, or about another certificate.", "ocsp_invalid"),
  fail("WEAK_KEY", "A key in the chain is too short to be secure.", "weak_key"),
  fail("WEAK_SIGNATURE",
    "A certificate is signed with MD5 or SHA-1, whose signatures can be forged.", "weak_signature"),
  fail("WEAK_DH", "The Diffie-Hellman group is too small or badly chosen: the traffic may be decrypted by others."),
  fail("UNUSUAL_PARAMETERS",
    "The server refuses usual clients: it insists on a curve, cipher suite or group that they do not offer."),
  fail("PIN_MISMATCH",
    "No key in the chain matches a pin: the key was changed, or somebody is intercepting the connection.",
    "pin_mismatch"),
  fail("REQUIREMENT_MISSED", "Something that --require asks for is missing."),
  fail("EXPECTATION_MISSED", "The problem that `expect` names for this target did not occur."),

  warn("EXPIRES_SOON", "The certificate expires soon. Renew it, or find out why it was not renewed automatically."),
  warn("CHAIN_EXPIRES_SOON", "A CA certificate in the chain expires soon."),
  warn("OFFERS_OLD_TLS",
    "Besides good versions, the server still supports TLS 1.0 or 1.1, which are deprecated (RFC 8996)."),
  warn("NO_FORWARD_SECRECY",
    "No forward secrecy: whoever records the traffic and later gets the server's key can decrypt it all."),
  warn("NO_AEAD", "The cipher suite uses CBC instead of an AEAD; new padding attacks on CBC keep being found."),
  warn("LIFETIME_TOO_LONG", "The certificate's lifetime is longer than public CAs may issue."),
  warn("NONCONFORMING", "A certificate breaks a rule of RFC 5280, so strict verifiers (lacre, Python 3.13) reject it.",
    "cert_nonconforming"),
  warn("CHAIN_ORDER", "The certificates are sent in the wrong order; some clients cannot handle that."),
  warn("CHAIN_EXTRA_CERTS", "The server sends certificates that do not belong to the chain."),
  warn("SAN_COUNT", "The certificate names more than a thousand hosts: it is large, and shared by many."),
  warn("OVERSIZED_KEY",
    "An RSA key of more than 4096 bits makes every handshake slower, without a real gain in security."),
  warn("CLIENT_CERT_REQUIRED",
    "The server requires a client certificate. Only the server's own certificate could be checked.",
    "client_cert_required"),
  warn("ADDRESSES_DIFFER", "The host's addresses serve different certificates."),
  warn("REVOCATION_UNKNOWN", "The revocation status of the certificate could not be determined."),

  info("SHORT_LIVED", "The certificate's lifetime is days, not months: consider --warn auto."),
  info("ROOT_IN_CHAIN", "The server also sends the root certificate, which clients do not need."),
  info("NO_TLS13", "The server does not speak TLS 1.3."),
  info("PQ", "The key exchange is post-quantum (resists quantum computers)."),
  info("NO_PQ", "The key exchange is not post-quantum: future quantum computers could break it."),
  info("OLD_TLS_UNKNOWN", "Whether the server still supports TLS 1.0 or 1.1 is unknown: it did not answer when asked."),
  info("PQ_UNKNOWN", "Whether the server supports post-quantum key exchange is unknown: it did not answer when asked."),
  info("NO_SCT", "The certificate carries no proof (SCT) that it was logged in certificate transparency logs."),
  info("REVOCATION_UNCHECKED", "Revocation was not checked."),
  info("CLIENT_CERT_REQUESTED", "The server asks for a client certificate, but does not require one."),
  info("RENEWED", "The certificate has been renewed since the baseline."),
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
