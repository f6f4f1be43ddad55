--- zoo.entries: the animals of the zoo: one fault each, and what a good examiner says of it. Data only.
--
-- `verdict` and `codes` are what `lacre health` must find, exactly. `leaf` says how the certificate is made
-- (see `lacre.zoo.pki`), `server` holds options of the server's context, `raw` is a server that does not
-- speak TLS as it should. `ask` are options an examiner needs to see the fault. `client` is "accept",
-- "refuse" or "either": what a client that takes care does; by default it refuses what fails.

local ocsp = require "lacre.ocsp"
local raw = require "lacre.zoo.raw"

-- RFC 2409 section 6.2, a safe prime of 1024 bits
local OAKLEY_2 = [[
FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6D
F25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381
FFFFFFFFFFFFFFFF]]

-- RFC 3526 section 3, a safe prime of 2048 bits
local MODP_2048 = [[
FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6D
F25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D
C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08
CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510
15728E5A8AACAA68FFFFFFFFFFFFFFFF]]

local function number(hex)
  return (hex:gsub("%s", ""):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

local function many_names(count)
  local names = { "many-names.zoo.test", "localhost", "127.0.0.1", "::1" }
  for i = #names + 1, count do
    names[i] = ("n%d.zoo.test"):format(i)
  end
  return names
end

-- a suite of TLS 1.2 alone, and the certificate that goes with it
local function suite(name, prime, kind)
  return { kind = kind or "rsa" }, { ciphers = { name }, min_version = "1.2", max_version = "1.2" }, prime
    and number(prime)
end

local entries = {}

local function add(group, name, about, verdict, codes, row)
  row.group, row.name, row.about, row.verdict, row.codes = group, name, about, verdict, codes
  entries[#entries + 1] = row
end

-- where nothing is broken it is for the client to say whether it still speaks such suites
local function add_suite(name, about, verdict, codes, cipher, prime, kind)
  local leaf, server, bytes = suite(cipher, prime, kind)
  add("suite", name, about, verdict, codes, {
    leaf = leaf, server = server, prime = bytes, client = verdict ~= "fail" and "either" or nil,
  })
end

add("sound", "good", "nothing is wrong", "pass", {}, { leaf = {} })
add("sound", "good-rsa", "an RSA key of 2048 bits", "pass", {}, { leaf = { kind = "rsa" } })
add("sound", "good-p384", "a key on P-384", "pass", {}, { leaf = { kind = "p384" } })
add("sound", "good-ed25519", "an Ed25519 key", "pass", {}, { leaf = { kind = "ed25519" }, client = "either" })
add("sound", "good-mldsa65", "an ML-DSA-65 key", "pass", {}, { leaf = { kind = "ml-dsa-65" }, client = "either" })
add("sound", "no-subject", "no subject at all, the names in a critical subjectAltName", "pass", {},
  { leaf = { create = { subject = {} } } })
add("sound", "idn", "also has an internationalized name", "pass", {},
  { leaf = { create = { hosts = { "xn--bcher-kva.zoo.test", "localhost", "127.0.0.1", "::1", "idn.zoo.test" } } } })
add("sound", "alpn", "offers h2 and http/1.1", "pass", {}, { leaf = {}, server = { alpn = { "http/1.1", "h2" } } })
add("sound", "root-in-chain", "also sends its root, which only wastes bytes", "pass", {},
  { leaf = { chain = { "issuing", "root" } } })
add("sound", "tls12", "TLS 1.2 only", "pass", {}, { leaf = {}, server = { max_version = "1.2",
  min_version = "1.2" } })
add("sound", "tls13", "TLS 1.3 only", "pass", {}, { leaf = {}, server = { min_version = "1.3" } })
add("sound", "client-cert-optional", "asks for a client certificate, but does not require one", "pass", {},
  { leaf = {}, client_auth = "optional" })

add("dates", "expired", "expired yesterday", "fail", { "CERT_EXPIRED" }, { leaf = { days = { -90, -1 } } })
add("dates", "not-yet-valid", "valid from tomorrow", "fail", { "CERT_NOT_YET_VALID" }, { leaf = { days = { 1, 90 } } })
add("dates", "expires-20d", "expires in twenty days", "warn", { "EXPIRES_SOON" }, { leaf = { days = { -70, 20 } } })
add("dates", "short-6d", "valid for six days", "warn", { "EXPIRES_SOON" }, { leaf = { days = { -1, 5 } } })
add("dates", "short-6d-auto", "the same, checked with --warn auto", "pass", {},
  { leaf = { days = { -1, 5 } }, ask = { warn = "auto" } })
add("dates", "long-1000d", "valid for a thousand days, from a private CA", "pass", {}, { leaf = { days = { -1,
  999 } } })
add("dates", "long-1000d-public", "the same, from a public CA", "warn", { "LIFETIME_TOO_LONG" },
  { leaf = { days = { -1, 999 } }, ask = { is_public = true } })
add("dates", "no-date", "its dates are the 32nd of February", "fail", { "VERIFY" }, { leaf = { no_date = true } })
add("dates", "expired-intermediate", "the intermediate has expired", "fail", { "CHAIN_EXPIRED" },
  { leaf = { chain = { "expired" } } })
add("dates", "future-intermediate", "the intermediate is not valid yet", "fail", { "CHAIN_EXPIRED" },
  { leaf = { chain = { "future" } } })
add("dates", "ending-intermediate", "the intermediate expires in ten days, before the certificate", "warn",
  { "CHAIN_EXPIRES_SOON" }, { leaf = { chain = { "ending" } } })

add("names", "wrong-host", "its certificate is for another host", "fail", { "HOSTNAME_MISMATCH" },
  { leaf = { create = { hosts = { "wrong.zoo.invalid" } } } })
add("names", "no-san", "has its host name in the common name only", "fail", { "NO_SAN" },
  { leaf = { create = { profile = "client", extended_key_usage = { "server_auth" }, subject = { CN = "localhost" },
    hosts = {} } } })
add("names", "many-names", "twelve hundred names", "warn", { "SAN_COUNT" },
  { leaf = { create = { hosts = many_names(1200) } } })
add("names", "name-constraint", "its CA may issue for other domains only", "fail", { "NAME_CONSTRAINT" },
  { leaf = { chain = { "constrained" } } })

add("chain", "self-signed", "self-signed", "fail", { "SELF_SIGNED" }, { leaf = { self = true } })
add("chain", "untrusted-root", "from an untrusted CA", "fail", { "UNTRUSTED_ROOT" },
  { leaf = { issuer = "rogue" } })
add("chain", "untrusted-root-sent", "the same, and it also sends the root", "fail", { "UNTRUSTED_ROOT" },
  { leaf = { issuer = "rogue", chain = { "rogue", "rogue_root" } } })
add("chain", "incomplete-chain", "the intermediate is not sent", "fail", { "CHAIN_INCOMPLETE" },
  { leaf = { chain = {} }, office = "issuer" })
add("chain", "reversed-chain", "sends the root before the intermediate", "warn", { "CHAIN_ORDER" },
  { leaf = { issuer = "deep", chain = { "issuing_long", "deep" } } })
add("chain", "extra-certs", "sends certificates that do not belong to the chain", "warn", { "CHAIN_EXTRA_CERTS" },
  { leaf = { chain = { "issuing", "rogue", "rogue_root" } } })
add("chain", "not-a-ca", "the issuer is not a CA", "fail", { "INVALID_CA" }, { leaf = { chain = { "no_ca" } } })
add("chain", "pathlen", "one CA more than the path length allows", "fail", { "PATHLEN" },
  { leaf = { issuer = "deep", chain = { "deep", "issuing" } } })
add("chain", "bad-signature", "the signature is invalid", "fail", { "BAD_SIGNATURE" }, { leaf = { spoiled = true } })
add("chain", "wrong-eku", "valid for clients, not for servers", "fail", { "WRONG_EKU" },
  { leaf = { create = { extended_key_usage = { "client_auth" } } } })
add("chain", "wrong-eku-intermediate", "the intermediate is valid for clients only", "fail", { "WRONG_EKU" },
  { leaf = { chain = { "server_only" } } })
add("chain", "unknown-critical", "an unknown critical extension", "fail", { "UNKNOWN_CRITICAL_EXT" },
  { leaf = { create = { extensions = { { oid = "1.3.6.1.4.1.32473.1", der = "\5\0", critical = true } } } } })
add("chain", "nonconforming", "no authority key identifier", "warn", { "NONCONFORMING" },
  { leaf = { create = { extensions = { authority_key_id = false } } }, client = "either" })

add("keys", "rsa1024", "an RSA key of 1024 bits", "fail", { "WEAK_KEY" }, { leaf = { kind = "rsa:1024" } })
add("keys", "rsa512", "an RSA key of 512 bits, too short for TLS 1.3", "fail", { "WEAK_KEY" },
  { leaf = { kind = "rsa:512" } })
add("keys", "p192", "a key on the curve P-192", "fail", { "WEAK_KEY", "UNUSUAL_PARAMETERS" },
  { leaf = { kind = "p192" }, server = { max_version = "1.2" } })
add("keys", "p224", "a key on P-224, which usual clients do not offer", "fail", { "UNUSUAL_PARAMETERS" },
  { leaf = { kind = "p224" }, server = { max_version = "1.2" } })
add("keys", "brainpool", "a key on brainpoolP256r1, the same", "fail", { "UNUSUAL_PARAMETERS" },
  { leaf = { kind = "brainpool256" }, server = { max_version = "1.2" } })
add("keys", "rsa4104", "an RSA key larger than is useful", "warn", { "OVERSIZED_KEY" },
  { leaf = { kind = "rsa:4104" } })
add("keys", "sha1", "signed with SHA-1", "fail", { "WEAK_SIGNATURE" }, { leaf = { hash = "sha1" } })
add("keys", "md5", "signed with MD5", "fail", { "WEAK_SIGNATURE" }, { leaf = { hash = "md5", issuer = "rsa" } })
add("keys", "sha1-intermediate", "the intermediate is signed with SHA-1", "fail", { "WEAK_SIGNATURE" },
  { leaf = { chain = { "sha1" } } })

add("version", "ssl3", "SSL 3.0", "fail", { "TLS_TOO_OLD" }, { raw = raw.old(0x0300, 0x002f) })
add("version", "tls10", "TLS 1.0 at best", "fail", { "TLS_TOO_OLD", "NO_AEAD" },
  { leaf = { kind = "rsa" }, server = { min_version = "1.0", max_version = "1.0" } })
add("version", "tls11", "TLS 1.1 at best", "fail", { "TLS_TOO_OLD", "NO_AEAD" },
  { leaf = { kind = "rsa" }, server = { min_version = "1.0", max_version = "1.1" } })
add("version", "old-offered", "TLS 1.0 to 1.3", "warn", { "OFFERS_OLD_TLS" },
  { leaf = { kind = "rsa" }, server = { min_version = "1.0" } })
add("version", "old-ignored", "says nothing to clients with old TLS only", "pass", {},
  { leaf = {}, server = { on_client_hello = raw.ignores_old }, ask = { timeout = 3 } })

add_suite("null", "no encryption", "fail", { "WEAK_CIPHER", "NO_FORWARD_SECRECY", "NO_AEAD" },
  "TLS_RSA_WITH_NULL_SHA256")
add_suite("anonymous", "no certificate", "fail", { "WEAK_CIPHER", "NO_CERTIFICATE", "NO_AEAD" },
  "TLS_ECDH_anon_WITH_AES_128_CBC_SHA")
add("suite", "rc4", "RC4 only", "fail", { "WEAK_CIPHER" }, { raw = raw.old(0x0303, 0x0005) })
add("suite", "3des", "3DES only", "fail", { "WEAK_CIPHER" }, { raw = raw.old(0x0303, 0x000a) })
add("suite", "export", "an export cipher suite", "fail", { "WEAK_CIPHER", "TLS_TOO_OLD" }, { raw = raw.old(0x0301,
  0x0008) })
add_suite("cbc", "AES in CBC mode", "warn", { "NO_AEAD" }, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")
add_suite("static-rsa", "no forward secrecy", "warn", { "NO_FORWARD_SECRECY" }, "TLS_RSA_WITH_AES_128_GCM_SHA256")
add_suite("dh1024", "Diffie-Hellman with 1024 bits", "fail", { "WEAK_DH" }, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
  OAKLEY_2)
add_suite("dh-composite", "Diffie-Hellman with a modulus that is not prime", "fail", { "WEAK_DH" },
  "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", (MODP_2048:gsub("%s", ""):gsub("FF$", "FD")))
add_suite("dh2048", "Diffie-Hellman with a safe prime of 2048 bits", "pass", {}, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
  MODP_2048)
add("suite", "ccm8", "TLS 1.3 with short tags only", "fail", { "UNUSUAL_PARAMETERS", "WEAK_CIPHER" },
  { leaf = {}, server = { min_version = "1.3", ciphers = { "TLS_AES_128_CCM_8_SHA256" } } })
add("suite", "pq-only", "X25519MLKEM768 only", "fail", { "CLIENT_TOO_OLD" },
  { raw = raw.only_group(0x11ec), without_group = "X25519MLKEM768", client = "either" })
add("suite", "pq", "X25519MLKEM768 only", "pass", {},
  { leaf = {}, server = { min_version = "1.3", groups = { "X25519MLKEM768" } }, client = "either" })

add("pins", "pin-mismatch", "a different key from the pinned one", "fail", { "PIN_MISMATCH" },
  { leaf = {}, ask = { pins = { "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", allow_no_backup = true } },
    client = "either" })
add("client", "client-cert-12", "requires a client certificate, TLS 1.2", "warn", { "CLIENT_CERT_REQUIRED" },
  { leaf = {}, server = { min_version = "1.2", max_version = "1.2" }, client_auth = "required", client = "refuse" })
add("client", "client-cert-13", "requires a client certificate, TLS 1.3 (refuses after the handshake)", "warn",
  { "CLIENT_CERT_REQUIRED" },
  { leaf = {}, server = { min_version = "1.3" }, client_auth = "required", client = "refuse" })

local function stapled(status, days)
  return function(authority, identity, now)
    return {
      ocsp_staple = ocsp.respond {
        cert = identity.cert, issuer = authority.cert, key = authority.key, status = status,
        this_update = now + days[1] * 86400, next_update = (days[2] - days[1]) * 86400,
        produced_at = now + days[1] * 86400,
      },
    }
  end
end

local REVOKED = { time = 1767225600, reason = "key_compromise" }
local must_staple = { create = { must_staple = true } }

add("revocation", "staple-good", "must-staple, and sends a stapled OCSP response", "pass", {},
  { leaf = must_staple, make = stapled("good", { -1, 6 }) })
add("revocation", "must-staple", "must-staple, but sends no stapled OCSP response", "fail", { "MUST_STAPLE_MISSING" },
  { leaf = must_staple, client = "either" })
add("revocation", "staple-revoked", "its stapled OCSP response says it is revoked", "fail", { "REVOKED" },
  { leaf = {}, make = stapled(REVOKED, { -1, 6 }), client = "either" })
add("revocation", "staple-old", "its stapled OCSP response is out of date", "fail", { "STAPLE_BAD" },
  { leaf = {}, make = stapled("good", { -30, -20 }), client = "either" })
add("revocation", "staple-garbage", "its stapled OCSP response is garbage", "fail", { "STAPLE_BAD" },
  { leaf = {}, server = { ocsp_staple = "0garbage" }, client = "either", before_openssl = 0x30600000 })
add("revocation", "ocsp-good", "the OCSP responder says it is good", "pass", {}, { leaf = {}, office = "good",
  ask = { ocsp = "hard" } })
add("revocation", "ocsp-revoked", "the OCSP responder says it is revoked", "fail", { "REVOKED" },
  { leaf = {}, office = "revoked", ask = { ocsp = "hard" }, client = "either" })
add("revocation", "ocsp-dead", "its OCSP responder does not answer", "fail", { "OCSP_PROBLEM" },
  { leaf = {}, office = "dead", ask = { ocsp = "hard" }, client = "either" })
add("revocation", "ocsp-dead-soft", "the same, with --ocsp soft", "warn", { "REVOCATION_UNKNOWN" },
  { leaf = {}, office = "dead", ask = { ocsp = "soft" } })
add("revocation", "crl-revoked", "is on its issuer's CRL", "fail", { "REVOKED" },
  { leaf = {}, office = "revoked", ask = { crl = "fetch" }, client = "either" })
add("revocation", "crl-dead", "its CRL cannot be fetched", "fail", { "CRL_PROBLEM" },
  { leaf = {}, office = "dead", ask = { crl = "fetch" }, client = "either" })

add("talk", "refused", "nothing listens on the port", "fail", { "CONNECT_REFUSED" }, { closed = true })
add("talk", "plain-http", "speaks HTTP", "fail", { "NOT_TLS" },
  { raw = raw.answers "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" })
add("talk", "ssh", "speaks SSH", "fail", { "NOT_TLS" }, { raw = raw.speaks "SSH-2.0-zoo\r\n" })
add("talk", "smtp", "speaks SMTP, and needs STARTTLS", "fail", { "NOT_TLS" },
  { raw = raw.speaks "220 mail.zoo.test ESMTP\r\n" })
add("talk", "garbage", "answers with garbage", "fail", { "NOT_TLS" }, { raw = raw.speaks(("\1\2\3garbage"):rep(20)) })
add("talk", "starttls", "SMTP with STARTTLS", "pass", {},
  { leaf = {}, before = raw.smtp, ask = { starttls = "smtp" }, client = "either" })
add("talk", "starttls-stripped", "SMTP whose STARTTLS offer was removed by an attacker", "fail", { "STARTTLS_REFUSED" },
  { raw = raw.smtp_without_starttls, ask = { starttls = "smtp" } })
add("talk", "silent", "accepts, and says nothing", "fail", { "TIMEOUT" }, { raw = raw.silent, slow = true })
add("talk", "drip", "sends a byte at a time", "fail", { "TIMEOUT" }, { raw = raw.drips, slow = true })
add("talk", "eof", "hangs up", "fail", { "CLOSED_EARLY" }, { raw = raw.eof })
add("talk", "cut", "hangs up in the middle of the handshake", "fail", { "CLOSED_EARLY" }, { raw = raw.cuts })
add("talk", "reset", "resets the connection", "fail", { "RESET" }, { raw = raw.reset })
add("talk", "alert", "refuses with internal_error", "fail", { "HANDSHAKE_FAILED" }, { raw = raw.alerts(80) })
add("talk", "unrecognized-name", "does not know the name", "fail", { "NAME_UNRECOGNIZED" }, { raw = raw.alerts(112) })
add("talk", "truncation", "sends half of the announced response, and hangs up", "pass", {},
  { leaf = {}, truncates = true, client = "refuse" })

return entries
