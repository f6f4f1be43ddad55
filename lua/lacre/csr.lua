--- csr: certificate signing requests, RFC 2986: read, made, checked.
--
-- Reading stands in lua/lacre/csr/read.lua; here is what makes one.

local alt_names = require "lacre.x509.alt_names"
local core = require "lacre.core"
local extension = require "lacre.x509.extension"
local extension_list = require "lacre.x509.extension.list"
local key = require "lacre.key"
local later = require "lacre.later"
local name = require "lacre.name"
local options = require "lacre.options"
local request = require "lacre.csr.read"
local sign = require "lacre.x509.sign"

local csr = {
  is = request.is,
  parse = request.parse,
  load = request.load,
}

local lint = later "lacre.lint"
local views = later "lacre.x509.views"

--- Everything in it, as plain data ready for JSON; the field names are stable.
---@return table
function request.methods:to_table()
  return views.request(self)
end

--- The same for people.
---@return string
function request.methods:to_text()
  return views.request_text(self)
end

--- What is wrong with it, and what it asks for that a CA here ignores.
---@param profile? string as for certificates; "server" by default
---@return table[]
function request.methods:lint(profile)
  return lint.request(self, profile)
end

local schema = {
  key = { type = options.object("key", key.is), required = true },
  subject = { type = { "string", "table" } },
  hosts = { type = "list", default = {} },
  subject_alt_names = { type = "list" },
  key_usage = { type = "list" },
  extended_key_usage = { type = "list" },
  must_staple = { type = "boolean", default = false },
  extensions = { type = "table", default = {} },
  challenge_password = { type = "string" },
  hash = { type = "string", values = { "sha256", "sha384", "sha512" } },
}

local function wishes_of(set, names, subject)
  local usage, purposes = set.key_usage, set.extended_key_usage
  return extension_list.make({
    key_usage = usage and extension_list.set_of(usage, "key_usage", extension.usages),
    extended_key_usage = purposes and extension_list.set_of(purposes, "extended_key_usage", extension.purposes),
    subject_alt_names = #names > 0 and names or nil,
    tls_feature = set.must_staple and { 5 } or nil,
  }, set.extensions, subject:is_empty())
end

local function subject_of(set, names)
  if set.subject ~= nil then
    return name.new(set.subject)
  end
  local common = alt_names.common(names)
  return name.new(common and { CN = common } or {})
end

local function signed(set, scheme, wishes, subject)
  local draft = core.builder.request(subject:der(), set.key:spki(), set.challenge_password)
  local bytes, err = sign.finish(draft, wishes, set.key, scheme)
  if not bytes then
    return nil, err
  end
  if subject:is_plain() then
    return request.made(bytes)
  end
  return request.from_der(bytes)
end

local function create(set)
  if not set.key:is_private() then
    options.misuse "bad option 'key' to 'csr.create' (a private key is needed to sign)"
  end
  local scheme, err = sign.scheme(set.key, set.hash)
  local names, subject
  if scheme then
    names, err = (set.subject_alt_names and alt_names.check or alt_names.of)(set.subject_alt_names or set.hosts)
  end
  if names then
    subject, err = subject_of(set, names)
  end
  if not subject then
    return nil, err
  end
  return signed(set, scheme, wishes_of(set, names, subject), subject)
end

--- Makes and signs a request.
---@param given { key: lacre.key, subject?: any, hosts?: string[], subject_alt_names?: table[], key_usage?: string[],
---  extended_key_usage?: string[], must_staple?: boolean, extensions?: table, challenge_password?: string,
---  hash?: string }
---@return lacre.csr? csr
---@return lacre.error? err bad_name weak_key unsupported_key_type
function csr.create(given)
  return options.blame(create, options.check(schema, given, "csr.create"))
end

return csr
