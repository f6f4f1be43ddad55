--- cert: certificates: read, made, verified.
--
-- The methods of a certificate stand in lua/lacre/cert/read.lua; here is what needs more than
-- one certificate.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local issue = require "lacre.cert.issue"
local lint = require "lacre.lint"
local store = require "lacre.store"
local views = require "lacre.x509.views"

local methods = core.cert.methods

--- Verifies the certificate against trust; `cert:verify{ trust = ..., server_name = ... }`.
---@param given table see `lacre.store`
---@return lacre.cert[]? chain leaf first, anchor last
---@return lacre.error? err
function methods:verify(given)
  return store.verify(self, given)
end

--- Plain data with stable names, fit for JSON.
---@type fun(self: lacre.cert): table
methods.to_table = views.certificate

--- Some lines for people.
---@type fun(self: lacre.cert): string
methods.to_text = views.certificate_text

--- What verifiers would refuse or people regret: `{ { rule, level, clause, text, fix }, ... }`.
---@type fun(self: lacre.cert, profile?: string, now?: number): table[]
methods.lint = lint.certificate

return {
  is = certificate.is,
  parse = certificate.parse,
  parse_all = certificate.parse_all,
  load = certificate.load,
  load_all = certificate.load_all,
  create = issue.create,
}
