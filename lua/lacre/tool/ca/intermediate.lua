--- tool.ca.intermediate: a CA below another one, in its own directory: signed at once, or by request and file.

local founding = require "lacre.tool.ca.founding"
local later = require "lacre.later"
local options = require "lacre.options"
local parts = require "lacre.tool.ca.parts"
local policy_text = require "lacre.tool.ca.policy_text"
local time = require "lacre.time"

local authority = later "lacre.ca"
local completion = later "lacre.tool.ca.completion"
local csr = later "lacre.csr"
local folder = later "lacre.ca.folder"
local layout = later "lacre.ca.layout"

local intermediate = {
  name = "intermediate",
  summary = "make an intermediate CA",
  description = "Makes DIR, a CA with its own key, signed by the CA in --issuer. If the root is offline: --request "
    .. "makes the key and a request; sign it on the root's machine (lacre ca sign ROOT ca.csr --profile "
    .. "intermediate); --cert then installs the certificate here.",
  examples = {
    { "lacre ca intermediate online --issuer root", "with both directories on this machine" },
    { "lacre ca intermediate online --request", "the root is offline: take online/ca.csr to it" },
    { "lacre ca intermediate online --cert online.crt --chain root.crt",
      "install the certificate it signed, or a renewed one" },
  },
  argument = parts.row.dir,
  options = parts.rows(
    { name = "issuer", value = "DIR", help = "directory of the issuing CA" },
    { name = "request", type = "boolean", default = false, help = "make a key and a request only" },
    { name = "cert", value = "FILE", help = "the certificate issued for the request" },
    { name = "chain", value = "FILE", help = "the certificates above it, if not in that file" },
    "name", "subject",
    { name = "key", type = { "string", "userdata" }, value = "TYPE", default = "p256", help = parts.row.key.help },
    { name = "valid_for", type = "duration", value = "TIME", help = "how long it is valid (default: 5y)" },
    { name = "path_length", type = "integer", value = "N",
      help = "how many levels of CAs are allowed below it (default: 0)" },
    "purpose", "permit", "exclude",
    { name = "password", type = "password", prompt = true, new = true, help = "the new CA's key" },
    "no_password",
    { name = "issuer_password", type = "password", prompt = true, help = "the issuing CA's key" },
    "crl_url", "ocsp_url", "issuer_url",
    "lock_timeout", "on_event"
  ),
}

-- everything a new directory needs but its certificate
local function begin(set)
  local free, err = folder.is_free(set.dir)
  local password, private
  if free then
    password, err = founding.password(set)
  end
  if password ~= nil then
    private, err = founding.key(set)
  end
  return private, password or nil, err
end

local function result_of(set, made)
  return { dir = set.dir, cert = made }
end

-- the first list of a CA whose key is at hand
local function first_list(set, password, made)
  local ca, err = authority.load(set.dir, { password = password })
  local list
  if ca then
    list, err = ca:crl()
  end
  return list and result_of(set, made), err
end

local function signed_at_once(set)
  local above, err = authority.load(set.issuer, { password = set.issuer_password, lock_timeout = set.lock_timeout })
  local private, password
  if above then
    private, password, err = begin(set)
  end
  local below
  if private then
    below, err = above:intermediate {
      key = private, subject = founding.subject(set, "CA"), valid_for = set.valid_for or "5y",
      path_length = set.path_length, name_constraints = founding.constraints(set),
      extended_key_usage = #set.purpose > 0 and set.purpose or nil,
    }
  end
  local done
  if below then
    done, err = folder.create(set.dir, {
      cert = below:cert(), key = private, above = below.above, password = password, policy_text = policy_text.of(set),
    })
  end
  if not done then
    return nil, err
  end
  return first_list(set, password, below:cert())
end

local function requested(set)
  local private, password, err = begin(set)
  local request
  if private then
    request, err = csr.create { key = private, subject = founding.subject(set, "CA") }
  end
  local done
  if request then
    done, err = folder.create(set.dir, {
      key = private, password = password, request = request, policy_text = policy_text.of(set),
    })
  end
  return done and { dir = set.dir, request_file = layout.new(set.dir).request }, err
end

local function answered(set)
  local made, err = completion.run(set)
  return made and result_of(set, made), err
end

-- what says nothing in one of the ways: who decides it, or where it stands
local elsewhere = {
  request = {
    names = { "permit", "exclude", "purpose", "path_length", "valid_for", "chain" },
    why = "the issuing CA decides it: give it to lacre ca sign ROOT ca.csr --profile intermediate",
  },
  cert = {
    names = { "permit", "exclude", "purpose", "path_length", "valid_for", "name", "subject", "no_password" },
    why = "the certificate says it already",
  },
  issuer = { names = { "chain" }, why = "the chain of the issuer is known" },
}

local function check_way(set, way)
  for _, name in ipairs(elsewhere[way].names) do
    local value = set[name]
    if value and not (type(value) == "table" and #value == 0 and name ~= "subject") then
      options.misuse("bad option '%s' (%s)", name, elsewhere[way].why)
    end
  end
end

local ways = { issuer = signed_at_once, request = requested, cert = answered }

--- Makes the CA, or its request, or completes it.
---@param set table
---@return { dir: string, cert?: lacre.cert, request_file?: string }? result
---@return lacre.error? err file_exists key_mismatch issuer_path_length ...
function intermediate.run(set)
  if (set.issuer and 1 or 0) + (set.request and 1 or 0) + (set.cert and 1 or 0) ~= 1 then
    options.misuse "bad option 'issuer' (give exactly one of issuer, request and cert)"
  end
  local way = set.issuer and "issuer" or set.request and "request" or "cert"
  check_way(set, way)
  return ways[way](set)
end

function intermediate.text(result, style)
  if result.request_file then
    return table.concat({
      ("%s  the request: take it to the issuing CA"):format(style.bold(result.request_file)),
      ("%s  the key: keep it here"):format(style.bold(result.dir .. "/ca.key")),
      style.dim "run this there, and then the second command here:",
      ("  lacre ca sign ROOT %s --profile intermediate"):format(result.request_file:match "[^/]*$"),
      ("  lacre ca intermediate %s --cert ca.crt --chain root.crt"):format(result.dir),
    }, "\n")
  end
  return table.concat({
    ("%s  the CA: %s, below %s"):format(style.bold(result.dir), tostring(result.cert:subject()),
      tostring(result.cert:issuer())),
    "valid until " .. time.format(result.cert:not_after(), "date"),
    "fingerprint " .. result.cert:fingerprint("sha256", "colon"),
  }, "\n")
end

function intermediate.to_table(result)
  local cert = result.cert
  return {
    dir = result.dir, request_file = result.request_file, subject = cert and tostring(cert:subject()),
    serial = cert and cert:serial(), not_after = cert and time.format(cert:not_after()),
    fingerprint = cert and cert:fingerprint(),
  }
end

return intermediate
