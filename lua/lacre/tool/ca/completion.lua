--- tool.ca.completion: the certificate that comes back for the request of a CA, or a renewed one, is put in its place.

local certificate = require "lacre.cert.read"
local chain_order = require "lacre.x509.chain_order"
local csr = require "lacre.csr"
local fail = require("lacre.error").fail
local file = require "lacre.file"
local folder = require "lacre.ca.folder"
local layout = require "lacre.ca.layout"
local parts = require "lacre.tool.ca.parts"
local policy_text = require "lacre.tool.ca.policy_text"

local completion = {}

-- what holds the key of the CA: its request, or the certificate it has
local function holder_of(paths)
  if file.stat(paths.request) then
    return csr.load(paths.request)
  end
  return certificate.load(paths.cert)
end

local function check_answer(paths, cert)
  local holder, err = holder_of(paths)
  if not holder then
    return nil, err
  elseif not cert:public_key():matches(holder:public_key()) then
    return fail("sign", "key_mismatch", "the certificate does not belong to the key of %s", paths.directory)
  elseif not cert:is_ca() then
    return fail("sign", "issuer_not_ca", "it is not a CA's certificate: sign the request with --profile intermediate")
  end
  return true
end

-- the first policy is ours to write, and then its owner's
local function policy_of(set, paths)
  local text = policy_text.of(set)
  if text and file.stat(paths.policy) then
    local none, err = fail("save", "file_exists", "%s: File exists", paths.policy)
    err.hint = "write the URLs into that file"
    return none, err
  end
  return text or false
end

-- what the files hold: the certificate, and those that may be above it
local function given_files(set)
  local certs, err = certificate.load_all(set.cert)
  local more = {}
  if certs and set.chain then
    more, err = certificate.load_all(set.chain)
  end
  if not certs or not more then
    return nil, err
  end
  local made = table.remove(certs, 1)
  for _, cert in ipairs(more) do
    certs[#certs + 1] = cert
  end
  return made, certs
end

-- those above a certificate, in order, from all that are at hand
local function above_of(set, made, candidates)
  local list = { made }
  for _, cert in ipairs(candidates) do
    list[#list + 1] = cert
  end
  local found, above = chain_order.of(list, 1), {}
  for i = 2, #found.order do
    above[i - 1] = list[found.order[i]]
  end
  if set.chain and #above == 0 and not found.complete then
    local none, err = fail("load", "unknown_issuer", "%s does not contain the issuer, %s", set.chain, found.missing)
    err.hint = "give the certificate of the CA that signed the request: --chain root.crt"
    return none, err
  elseif not found.complete then
    parts.event(set, "the certificate of %s is not here, nor are its name constraints: add it with --chain FILE",
      found.missing)
  end
  return above
end

-- the CA above issued it anew, for the same key; those above it may be the ones there are
local function renew(set, made, candidates)
  local ca, err = parts.open(set, true)
  local above
  if ca then
    for _, cert in ipairs(ca.above) do
      candidates[#candidates + 1] = cert
    end
    above, err = above_of(set, made, candidates)
  end
  if not above then
    return nil, err
  end
  return ca:replace_certificate(made, above)
end

local function complete(set, made, candidates, text)
  local above, err = above_of(set, made, candidates)
  if not above then
    return nil, err
  end
  return folder.complete(set.dir, { cert = made, above = above, policy_text = text or nil })
end

--- Puts the certificate in its place.
---@param set { dir: string, cert: string, chain?: string }
---@return lacre.cert? made
---@return lacre.error? err key_mismatch issuer_not_ca unknown_issuer file_exists ...
function completion.run(set)
  local made, candidates = given_files(set)
  if not made then
    return nil, candidates
  end
  local paths, text = layout.new(set.dir), nil
  local done, err = check_answer(paths, made)
  if done then
    text, err = policy_of(set, paths)
  end
  if text == nil then
    return nil, err
  elseif file.stat(paths.cert) then
    done, err = renew(set, made, candidates)
  else
    done, err = complete(set, made, candidates, text)
  end
  return done and made, err
end

return completion
