--- zoo.office: where the zoo's CA tells whether a certificate was revoked: OCSP and a list, over plain HTTP.

local crl = require "lacre.crl"
local loop = require "lacre.loop"
local ocsp = require "lacre.ocsp"
local tcp = require "lacre.tcp"
local webanswer = require "lacre.http.answer"
local webrequest = require "lacre.http.request"

local zoo_office = {}

---@class lacre.zoo_office
local Office = {}
Office.__index = Office

local MOST = 65536

local function answer_ocsp(self, plain, request)
  local length = tonumber(request.headers["content-length"]) or 0
  local body = length <= MOST and plain:read(length)
  local authority = self.pki:ca "issuing"
  local der = body and ocsp.respond {
    request = body, issuer = authority.cert, key = authority.key,
    status = function(serial)
      return self.revoked[serial] and { time = self.pki.now - 3600, reason = "key_compromise" } or "good"
    end,
  }
  return webanswer.send(plain, request, 200, "application/ocsp-response", der or ocsp.refuse "malformed_request")
end

-- the list of one CA of the zoo
local function answer_list(self, plain, request, name)
  local authority, list = self.pki:ca(name), {}
  for serial, issuer in pairs(self.revoked) do
    if issuer == name then
      list[#list + 1] = { serial = serial, time = self.pki.now - 3600, reason = "key_compromise" }
    end
  end
  local made = crl.create { issuer = authority.cert, issuer_key = authority.key, revoked = list }
  return webanswer.send(plain, request, 200, "application/pkix-crl", made and made:to_der() or "")
end

local function serve_one(self, plain)
  plain:set_timeout(10)
  local request = webrequest.read(plain)
  if request then
    request.closes = true
    if request.target == "/ocsp" and request.method == "POST" then
      answer_ocsp(self, plain, request)
    elseif request.target == "/issuing.crl" or request.target == "/root.crl" then
      answer_list(self, plain, request, request.target:match "^/(%l+)")
    else
      webanswer.refuse(plain, request, request.bad or 404)
    end
  end
  plain:shutdown()
  plain:close()
end

--- Opens the office, inside of a loop.
---@param pki lacre.zoo_pki
---@return lacre.zoo_office?
---@return lacre.error? err
function zoo_office.open(pki)
  local door, err = tcp.listen { host = "127.0.0.1", port = 0, io_timeout = 10 }
  if not door then
    return nil, err
  end
  local _, port = door:address()
  local self = setmetatable({ pki = pki, door = door, revoked = {}, base = "http://127.0.0.1:" .. port }, Office)
  loop.spawn(function()
    repeat
      local plain = door:accept()
      if plain then
        loop.spawn(serve_one, self, plain)
      end
    until not plain
  end)
  return self
end

--- The addresses that a certificate is to name.
---@return { ocsp_urls: string[], crl_urls: string[] }
function Office:urls()
  return { ocsp_urls = { self.base .. "/ocsp" }, crl_urls = { self.base .. "/issuing.crl" } }
end

--- From now on a certificate is revoked.
---@param cert lacre.cert
function Office:revoke(cert)
  self.revoked[cert:serial()] = "issuing"
end

function Office:close()
  self.door:close()
end

return zoo_office
