--- error.verification: the codes of the verification of certificates, as in `error.codes`. Data only.

local function verify(summary, hint)
  return { category = "verify", summary = summary, hint = hint }
end

return {
  cert_expired = verify(
    "a certificate in the chain has expired",
    "renew the certificate on the server; if other machines accept it, check this machine's clock"
  ),
  cert_not_yet_valid = verify("a certificate in the chain is not valid yet", "check this machine's clock"),
  hostname_mismatch = verify(
    "the certificate does not name the host that was asked for",
    "connect by a name in the certificate, or have it reissued with this name in its subjectAltName"
  ),
  email_mismatch = verify("the certificate is for another e-mail address",
    "reissue it with this address in its subjectAltName"),
  untrusted_root = verify(
    "the chain is complete, but its root is not trusted here",
    "if this is your own CA, trust its root certificate (trust = its file, or --trust FILE)"
  ),
  self_signed = verify(
    "the certificate is self-signed and not trusted here",
    "trust exactly this certificate (trust = its file, or --trust FILE), or its pin (trust = 'pins')"
  ),
  unknown_issuer = verify(
    "the issuer of a certificate was neither sent by the peer nor is it trusted here",
    "configure the server to send its intermediate certificates, or trust the CA that issued it"
  ),
  cert_rejected = verify("a trust setting explicitly rejects the certificate",
    "get a certificate from another CA: this one was distrusted here on purpose"),
  cert_revoked = verify("the certificate is revoked",
    "get a new certificate with a new key: the old key may be compromised"),
  cert_signature_invalid = verify("a signature in the chain does not verify",
    "install the certificate and its intermediates again, as the CA sent them"),
  cert_malformed = verify("a certificate cannot be parsed", "reissue the certificate"),
  cert_nonconforming = verify(
    "a certificate breaks a rule of RFC 5280",
    "reissue it in line with that rule; strict = false accepts it, as older verifiers do"
  ),
  chain_too_long = verify("more intermediates than max_depth",
    "send a shorter chain, or raise max_depth if so long a chain is expected"),
  path_length_exceeded = verify("an issuer's path length does not allow this chain",
    "issue from a CA higher up, or reissue the CA with a larger path length"),
  path_loop = verify("the chain loops back to itself",
    "send the certificates from the server's own up to its root, and no others"),
  invalid_ca = verify("an issuer in the chain is not a CA",
    "have it issued by a CA: its issuer may not issue certificates"),
  wrong_purpose = verify("the certificate may not be used for this purpose",
    "reissue it with the extended key usage that is needed"),
  unhandled_critical_extension = verify("the certificate has an unknown critical extension",
    "reissue it without this extension, or with one that is not critical"),
  name_constraint_violation = verify("an issuer's name constraints forbid a name of the certificate",
    "get the certificate from a CA that may issue for this name"),
  policy_violation = verify("the chain does not satisfy the required certificate policies",
    "get a certificate that carries the required policy"),
  weak_key = verify("a key is too small", "use RSA of at least 2048 bits, or P-256"),
  weak_signature = verify("a signature uses a broken hash algorithm", "reissue the certificate with SHA-256 or better"),
  unsupported_algorithm = verify("a signature or key algorithm is not supported",
    "reissue it with a key on P-256 or of RSA, signed with SHA-256"),
  crl_missing = verify("there is no revocation list for an issuer in the chain", "add its CRL to crls"),
  crl_expired = verify("a revocation list is out of date (past its nextUpdate)", "fetch a newer CRL"),
  crl_invalid = verify("a revocation list is not valid",
    "fetch the CRL again from its issuer: this one is damaged, or of another CA"),
  ocsp_missing = verify("an OCSP response is required and was not stapled", "turn on OCSP stapling at the server"),
  ocsp_invalid = verify("the OCSP response is not valid",
    "the server must staple the response that its own CA gives for its own certificate"),
  ocsp_expired = verify("the OCSP response is too old",
    "check this machine's clock; if it is right, the server must fetch a new response"),
  ocsp_unknown = verify("the OCSP responder does not know the certificate",
    "ask the CA why its responder does not know the certificate"),
  pin_mismatch = verify(
    "no key in the chain matches a pin",
    "if the key was changed on purpose, get the new pin from the operator; if not, suspect an attack"
  ),
  pin_expired = verify("the pin set has expired", "ship a new pin set"),
  verify_rejected = verify("on_verify did not accept the peer", "on_verify decides: err.cause is what it returned"),
  hook_failed = verify("a hook raised an error", "mend the hook: err.cause is what it raised"),
  dane_mismatch = verify("no TLSA record matches",
    "publish a TLSA record for this key, or renew with the key that has one"),
  ct_insufficient = verify("not enough certificate transparency proofs",
    "get a certificate from a CA that logs what it issues"),
  rpk_untrusted = verify("the raw public key is not trusted",
    "trust this key, if the operator of the other side confirms it"),
  cert_invalid = verify("the certificate does not verify",
    "run lacre verify FILE, or lacre info HOST, to see everything that is wrong"),
}
