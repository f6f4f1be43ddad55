--- toolkit.shared: options and arguments that several tools have, so that they mean and say the same everywhere.

---@type table<string, lacre.tool.row>
return {
  hosts = {
    name = "hosts", type = "list", many = true, value = "NAME",
    help = "DNS names in any script, wildcards, IP addresses, user@host",
  },
  key = {
    name = "key", type = { "string", "userdata" }, value = "TYPE|FILE", default = "p256",
    help = "type of a new key: p256, p384, p521, ed25519, ed448, rsa, rsa:BITS, ml-dsa-65 (if OpenSSL has it); "
      .. "or the file or pkcs11: URI of an existing key",
  },
  encrypt = {
    name = "encrypt", type = "boolean", default = false, help = "encrypt the key with a password (asked for twice)",
  },
  out = { name = "out", value = "DIR", command_default = ".", help = "directory for the files (default: .)" },
  overwrite = { name = "overwrite", type = "boolean", default = false, help = "replace existing files" },
  trust = { name = "trust", type = "any", value = "FILE", help = "trusted certificates (default: the system's CAs)" },
  client_cert = {
    name = "cert", type = "any", value = "FILE", help = "client certificate, for servers that require one",
  },
  cert_key = { name = "key", type = "any", value = "FILE", help = "private key of the certificate" },
  key_password = { name = "password", type = "password", prompt = "key", help = "the private key" },
  on_event = {
    name = "on_event", type = "function", from_lua = true, help = "called with a line of text for each event",
  },
}
