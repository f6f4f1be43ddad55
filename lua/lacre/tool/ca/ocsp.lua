--- tool.ca.ocsp: answers of the CA, one into a file or all of them over HTTP.

local later = require "lacre.later"
local options = require "lacre.options"
local parts = require "lacre.tool.ca.parts"
local time = require "lacre.time"

local file = later "lacre.file"
local loop = later "lacre.loop"
local responder = later "lacre.ca.responder"
local target = later "lacre.net.target"

local ocsp = {
  name = "ocsp",
  summary = "answer OCSP requests, over HTTP or to a file",
  description = "Answers are signed by a delegated key, ocsp.key and ocsp.crt in DIR. If these are missing, "
    .. "revoked or about to expire they are made, which needs the CA's own key: give --password-file for that if it "
    .. "is encrypted. Certificates the CA did not issue are reported as unknown. SIGINT and SIGTERM stop the server.",
  examples = {
    { "lacre ca ocsp ca --port 8888", "for openssl ocsp -url http://127.0.0.1:8888" },
    { "lacre ca ocsp ca --request in.der --out answer.der", "answer one request, from file to file" },
    { "lacre ca ocsp ca --cert www.crt --out www.ocsp", "make a response for a server to staple" },
  },
  argument = parts.row.dir,
  options = parts.rows(
    { name = "port", type = "integer", value = "PORT", help = "serve over HTTP on this port; 0 picks a free one" },
    { name = "host", value = "ADDRESS", default = "127.0.0.1", help = "address to listen on, or * for all" },
    { name = "request", value = "FILE", help = "answer the request in this file" },
    { name = "cert", value = "SERIAL|FILE", help = "make a response for this certificate" },
    { name = "out", value = "FILE", help = "write the response to this file" },
    { name = "next_update", type = "duration", value = "TIME", default = "1d", help = "how long a response is valid" },
    "password", "lock_timeout", "on_event",
    { name = "on_listen", type = "function", from_lua = true, help = "called with the responder" }
  ),
}

-- the CA, and who answers for it; its key is opened only where a new signer is needed
local function prepare(set)
  local ca, err = parts.open(set, true)
  local who
  if ca then
    who, err = ca:responder()
  end
  if not who and err and err.code == "no_key" then
    ca, err = parts.open(set)
    if ca then
      who, err = ca:responder()
    end
  end
  return who and ca, who or err
end

-- a new signer while the responder runs: nobody sits at the terminal then
local function renewal(set)
  local ask = set.password
  local quiet = { dir = set.dir, lock_timeout = set.lock_timeout, on_event = set.on_event, password = ask }
  if type(ask) == "function" then
    quiet.password = function(what)
      return ask(what, true)
    end
  end
  return function()
    local ca, err = parts.open(quiet)
    if not ca then
      return nil, err
    end
    parts.event(set, "making a new signer")
    return ca:responder()
  end
end

local function bytes_of(set, ca)
  if set.request then
    return file.read(set.request)
  end
  local which, err = parts.which(set.cert)
  local cert
  if which then
    cert, err = ca:certificate_of(which)
  end
  if not cert then
    return nil, err
  end
  return require("lacre.ocsp").request({ cert = cert, issuer = ca:cert(), nonce = false }).der
end

local function one_answer(set, ca, who)
  local bytes, err = bytes_of(set, ca)
  local der
  if bytes then
    der, err = ca:respond(bytes, { signer = who.cert, key = who.key, next_update = set.next_update })
  end
  local done = der
  if der and set.out then
    done, err = file.write(set.out, der, { overwrite = true })
  end
  return done and { der = der, file = set.out }, err
end

local function run_until_told(set, ca)
  local opened, err = responder.open {
    ca = ca, host = set.host, port = set.port, next_update = set.next_update, renew = renewal(set),
    on_error = function(why)
      parts.event(set, "refused: %s", tostring(why))
    end,
  }
  if not opened then
    return nil, err
  end
  local over = loop.condition()
  for _, name in ipairs { "INT", "TERM" } do
    loop.on_signal(name, function()
      over:notify()
    end)
  end
  parts.event(set, "answering OCSP requests on http://%s/", target.format(opened:address()))
  local who = ca:responder()
  if who then
    parts.event(set, "signed by serial %s, valid until %s; the next signer is made a day before, with the CA's key",
      who.cert:serial(), time.format(who.cert:not_after()))
  end
  if set.on_listen then
    set.on_listen(opened, over)
  end
  over:wait()
  opened:close()
  return { answered = opened.answered }
end

--- Answers.
---@param set table
---@return { der?: string, file?: string, answered?: integer }? result
---@return lacre.error? err ca_not_found password_required address_in_use ...
function ocsp.run(set)
  local ways = (set.port and 1 or 0) + (set.request and 1 or 0) + (set.cert and 1 or 0)
  if ways ~= 1 then
    options.misuse "bad option 'port' (give exactly one of port, request and cert)"
  end
  local ca, who = parts.spare(set, set.out)
  if ca then
    ca, who = prepare(set)
  end
  if not ca then
    return nil, who
  elseif not set.port then
    return one_answer(set, ca, who)
  end
  return loop.enter(run_until_told, set, ca)
end

function ocsp.text(result)
  if result.answered then
    return ("%d answers"):format(result.answered)
  end
  return result.file and result.file .. "  the answer, in DER" or "answered, but not saved: use --out FILE"
end

function ocsp.to_table(result)
  return { answered = result.answered, file = result.file, bytes = result.der and #result.der }
end

return ocsp
