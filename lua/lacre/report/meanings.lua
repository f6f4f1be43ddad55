--- meanings: what the lines about a host mean to somebody who sees them for the first time. Data only.

return {
  version = {
    ["1.3"] = "The newest version: nothing of the handshake but names and groups can be read on the way.",
    ["1.2"] = "Good with the right suites; the certificates can be read by whoever watches the handshake.",
    ["1.1"] = "Retired in 2021 (RFC 8996).", ["1.0"] = "Retired in 2021 (RFC 8996).",
  },
  cipher = "How the data is encrypted and protected against changes.",
  group = "How both sides agreed on a key that nobody who listens can know.",
  signature = "How the server proved that the certificate's key is really its own.",
  verified = "The chain leads to a CA that is trusted here, the name is the one asked for, and no date has passed.",
  unverified = "Whether this is the right server is not known: somebody else may be answering.",
  chain = "Each certificate is vouched for by the next; the last is trusted because it is in the trust store.",
  pin = "The hash of a public key: it stays the same when the certificate is renewed with the same key.",
  staple = "The CA's own word, handed over by the server, that the certificate is not revoked.",
  scts = "Proofs that the certificate is in public logs, where a wrong one would be seen.",
  time = "How long each stage took.",
  resumption = "Whether a second connection may go on where the first ended, which is quicker.",
  alpn = "Which protocol both sides agreed to speak inside.",
  path = "The way from the server's certificate to a CA that is trusted here, as it was verified.",
  client_cert = "Whether the server wants to know who the client is, too.",
  versions = "Every version the server would speak: the oldest is what an attacker tries to get.",
  suites = "Every suite it would take, in the order in which it likes them where it has one.",
  groups = "Every way of agreeing on a key; MLKEM in the name means that it withstands quantum computers.",
  sni = "What clients see that do not say which name they want.",
  hsts = "Whether browsers are told never to come without TLS (RFC 6797).",
}
