--- zoo.office: where the zoo's CA tells whether a certificate was revoked, by OCSP and a list, and hands out its
--- own; over plain HTTP.

local crl = require "lacre.crl"
local ocsp = require "lacre.ocsp"
local service = require "lacre.http.service"

local zoo_office = {}

---@class lacre.zoo_office
local Office = {}
Office.__index = Office

local MOST = 65536

local function answer_ocsp(self, request)
  local authority = self.pki:ca "issuing"
  local der = request.body and ocsp.respond {
    request = request.body, issuer = authority.cert, key = authority.key,
    status = function(serial)
      return self.revoked[serial] and { time = self.pki.now - 3600, reason = "key_compromise" } or "good"
    end,
  }
  return 200, "application/ocsp-response", der or ocsp.refuse "malformed_request"
end

-- the list of one CA of the zoo
local function answer_list(self, name)
  local authority, list = self.pki:ca(name), {}
  for serial, issuer in pairs(self.revoked) do
    if issuer == name then
      list[#list + 1] = { serial = serial, time = self.pki.now - 3600, reason = "key_compromise" }
    end
  end
  local made = crl.create { issuer = authority.cert, issuer_key = authority.key, revoked = list }
  return 200, "application/pkix-crl", made and made:to_der() or ""
end

local function answer(self, request)
  if request.target == "/ocsp" and request.method == "POST" then
    return answer_ocsp(self, request)
  elseif request.target == "/issuing.crl" or request.target == "/root.crl" then
    return answer_list(self, request.target:match "^/(%l+)")
  elseif request.target == "/issuing.crt" then
    return 200, "application/pkix-cert", self.pki:ca("issuing").cert:to_der()
  end
  return 404
end

--- Opens the office, inside of a loop.
---@param pki lacre.zoo_pki
---@return lacre.zoo_office?
---@return lacre.error? err
function zoo_office.open(pki)
  local self = setmetatable({ pki = pki, revoked = {} }, Office)
  local err
  self.service, err = service.open {
    host = "127.0.0.1", port = 0, methods = "GET, POST", most_body = MOST,
    answer = function(request)
      return answer(self, request)
    end,
  }
  if not self.service then
    return nil, err
  end
  self.base = ("http://%s:%d"):format(self.service:address())
  return self
end

--- The addresses that a certificate is to name.
---@return { ocsp_urls: string[], crl_urls: string[], issuer_urls: string[] }
function Office:urls()
  return {
    ocsp_urls = { self.base .. "/ocsp" }, crl_urls = { self.base .. "/issuing.crl" },
    issuer_urls = { self.base .. "/issuing.crt" },
  }
end

--- From now on a certificate is revoked.
---@param cert lacre.cert
function Office:revoke(cert)
  self.revoked[cert:serial()] = "issuing"
end

function Office:close()
  self.service:close()
end

return zoo_office
