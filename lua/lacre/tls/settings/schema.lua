--- tls.settings.schema: what a context takes, as schemas. Data only.
--
-- There is no option that switches verification off. `insecure` names, one by one, what is given
-- up; whatever is absent, nil or false is never weaker than the default.

local merged = require "lacre.merged"
local suites = require "lacre.tls.suites"

local never = {
  verify = "unknown: verification is always on; to trust your own CA or certificate use trust = ...",
  verify_mode = "unknown: verification is always on; to trust your own CA or certificate use trust = ...",
}

local versions = { "1.0", "1.1", "1.2", "1.3" }

local common = {
  policy = { type = "string", values = suites.policy_names, default = "default" },
  min_version = { type = "string", values = versions },
  max_version = { type = "string", values = versions },
  ciphers = { type = "list" },
  groups = { type = "list" },
  sigalgs = { type = "list" },
  security_level = { type = "integer", values = { 0, 1, 2, 3, 4, 5 } },
  alpn = { type = "list" },
  cert = { type = "any" },
  key = { type = "any" },
  password = { type = { "string", "function" } },
  identity = { type = "table" },
  max_depth = {
    type = function(value)
      if type(value) == "number" and value == math.floor(value) and value >= 0 and value <= 100 then
        return value
      end
      return nil, "whole number from 0 to 100 expected"
    end,
    default = 8,
  },
  strict = {
    type = function(value)
      if value == true or value == false or value == "anchors" then
        return value
      end
      return nil, 'true, false or "anchors" expected'
    end,
    default = true,
  },
  crls = { type = "any" },
  revocation = { type = "string", values = { "off", "leaf", "chain" } },
  on_verify = { type = "function" },
  time = { type = { "function", "instant" } },
  ktls = { type = "boolean", default = false },
  keylog = { type = { "string", "function" } },
  insecure = { type = "table", default = {} },
}

local client = {
  trust = { type = "any", default = "system" },
  pins = { type = "any" },
  ocsp = { type = "string", values = { "off", "check", "require" }, default = "off" },
  sessions = { type = { "boolean", "integer" }, default = true },
  alpn_required = { type = "boolean", default = false },
}

local server = {
  client_auth = { type = "string", values = { "none", "optional", "required" } }, -- "none"
  client_trust = { type = "any" },
  ocsp_staple = { type = { "string", "function" } },
  sni_unknown = { type = "string", values = { "default", "reject" }, default = "default" },
  on_client_hello = { type = "function" },
  session_tickets = { type = { "boolean", "table" } },
  advertise_cas = { type = "boolean", default = true },
  prefer_server_ciphers = { type = "boolean", default = true },
}

local function merge(role, own, other, other_role)
  local schema = {}
  for name in pairs(other) do
    schema[name] = { elsewhere = ("a %s option, and this is a %s"):format(other_role, role) }
  end
  for name, reason in pairs(never) do
    schema[name] = { elsewhere = reason }
  end
  return merged(schema, common, own)
end

--- The checks that `insecure` may give up, by name (RFC 9525 and RFC 9325 say why that is dangerous).
local insecure = {
  accept_any_certificate = { type = "boolean", default = false },
  accept_any_name = { type = "boolean", default = false },
  accept_expired = { type = "boolean", default = false },
  allow_tls_1_0 = { type = "boolean", default = false },
  allow_weak_crypto = { type = "boolean", default = false },
  allow_unsafe_renegotiation = { type = "boolean", default = false },
}

--- What `session_tickets` may say.
local tickets = {
  count = { type = "integer", default = 2 },
  lifetime = { type = "duration", default = 12 * 3600 },
  keys = { type = "list" },
}

return {
  tickets = tickets,
  client = merge("client", client, server, "server"),
  server = merge("server", server, client, "client"),
  insecure = insecure,
}
