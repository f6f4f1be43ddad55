--- tool.ca.trust: the CA in the trust stores of this machine.

local later = require "lacre.later"
local options = require "lacre.options"
local parts = require "lacre.tool.ca.parts"

local certificate = later "lacre.cert.read"
local file = later "lacre.file"
local installation = later "lacre.ca.installation"
local layout = later "lacre.ca.layout"

local trust = {
  name = "trust",
  summary = "install the CA in this machine's trust stores, or remove it",
  description = "Installs the CA certificate in the system's trust store (Debian, Alpine, Fedora, openSUSE, Arch: "
    .. "needs root) and in the NSS databases of browsers below the home directory, or removes it. Each step is "
    .. "printed before it is done.",
  examples = {
    { "lacre ca trust install ca --dry-run", "only show the steps" },
    { "lacre ca trust install ca --nss", "for Chromium and Firefox, not the whole system" },
    { "lacre ca trust status ca.crt", "show where it is trusted" },
    { "lacre ca trust remove ca", "remove it from every store" },
  },
  arguments = {
    { name = "what", type = "string", value = "install|remove|status", help = "what to do" },
    { name = "dir", type = "string", value = "DIR|FILE", help = "the CA's directory or certificate" },
  },
  options = parts.rows(
    { name = "system", type = "boolean", default = false, help = "only the system's store" },
    { name = "nss", type = "boolean", default = false, help = "only the NSS databases" },
    { name = "dry_run", type = "boolean", default = false, help = "print the steps without doing them" },
    { name = "root", from_lua = true, default = "", help = "put before the system's directories" },
    { name = "home", from_lua = true, help = "instead of the home directory" },
    "on_event"
  ),
  exits = { { 1, "asked for the status: it is trusted nowhere" } },
}

local function certificate_of(path)
  local stat, err = file.stat(path)
  if not stat then
    return nil, err
  elseif stat.kind ~= "directory" then
    return certificate.load(path)
  end
  local paths
  paths, err = layout.find(path)
  if not paths then
    return nil, err
  end
  return certificate.load(paths.cert)
end

local function where_of(set)
  local both = set.system == set.nss
  return {
    root = set.root, home = set.home or os.getenv "HOME" or "/", system = both or set.system, nss = both or set.nss,
  }
end

--- Installs, removes or tells.
---@param set table
---@return { cert: lacre.cert, places: table[], steps: table[], done: boolean }? result
---@return lacre.error? err permission_denied, unsupported, file_not_found ...
function trust.run(set)
  if set.what ~= "install" and set.what ~= "remove" and set.what ~= "status" then
    options.misuse("bad option 'what' to 'tool.ca.trust' (install, remove or status expected, got %q)", set.what)
  end
  local cert, err = certificate_of(set.dir)
  if not cert then
    return nil, err
  end
  local where = where_of(set)
  local steps = set.what == "status" and {} or installation.plan(set.what, cert, where)
  local done = true
  if not set.dry_run then
    done, err = installation.carry_out(steps, function(text)
      parts.event(set, "%s", text)
    end)
  end
  if not done then
    return nil, err
  end
  return {
    cert = cert, what = set.what, places = installation.status(cert, where), steps = steps,
    done = not set.dry_run,
  }
end

--- Whether the answer is no: asked where it is trusted, and it is nowhere.
function trust.failed(result)
  if result.what ~= "status" then
    return false
  end
  for _, place in ipairs(result.places) do
    if place.installed then
      return false
    end
  end
  return true
end

function trust.text(result, style)
  local lines = {}
  if not result.done then
    for _, step in ipairs(result.steps) do
      lines[#lines + 1] = ("would %s%s"):format(step.text, step.missing and " (" .. step.missing .. ")" or "")
    end
  else
    for _, place in ipairs(result.places) do
      lines[#lines + 1] = ("%s  %s %s"):format(
        place.installed and style.good "trusted" or style.dim "not trusted", place.kind, place.place)
    end
  end
  return #lines > 0 and table.concat(lines, "\n") or result.done and "no trust store was found" or "nothing to do"
end

function trust.to_table(result)
  local steps = {}
  for i, step in ipairs(result.steps) do
    steps[i] = step.text
  end
  return { places = result.places, steps = steps, done = result.done }
end

return trust
