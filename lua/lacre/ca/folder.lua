--- ca.folder: a CA as a directory, made whole under another name and then given its own.

local disk = require("lacre.core").disk
local every = require "lacre.every"
local file = require "lacre.file"
local index = require "lacre.ca.index"
local lacre_error = require "lacre.error"
local layout = require "lacre.ca.layout"
local log = require "lacre.ca.log"
local record = require "lacre.ca.record"
local sign = require "lacre.x509.sign"
local time = require "lacre.time"

local fail = lacre_error.fail

local folder = {}

local PRIVATE, PUBLIC = "0600", "0644"

-- the log of a CA that is made, with what it issued in memory
local function write_log(path, parts)
  local head = { seq = 0, hash = ("0"):rep(64) }
  local list = {
    {
      event = "init", serial = parts.cert:serial(), subject = tostring(parts.cert:subject()),
      fingerprint = parts.cert:fingerprint(),
    },
  }
  for _, one in ipairs(parts.records or {}) do
    list[#list + 1] = record.issue(one, one.cert)
    list[#list + 1] = { event = "issued", serial = one.serial }
    if one.revoked_at then
      list[#list + 1] = {
        event = "revoked", serial = one.serial, reason = one.reason, at = time.format(one.revoked_at, "asn1"),
      }
    end
  end
  return every(list, function(entry)
    return log.append(path, head, entry)
  end)
end

local function pem_of(certs)
  local list = {}
  for i, cert in ipairs(certs) do
    list[i] = cert:to_pem()
  end
  return table.concat(list)
end

-- { name, bytes, mode } of everything but the log and what was issued
local function contents(parts)
  local certs = { parts.cert }
  for _, cert in ipairs(parts.above or {}) do
    certs[#certs + 1] = cert
  end
  local lines = {}
  for i, one in ipairs(parts.records or {}) do
    lines[i] = index.line(one)
  end
  return {
    { "lock", "", PRIVATE },
    { "chain", pem_of(certs), PUBLIC },
    { "attributes", "unique_subject = no\n", PUBLIC },
    { "serial", sign.serial():upper() .. "\n", PUBLIC },
    { "crlnumber", parts.crl_number or "01\n", PUBLIC },
    { "index", table.concat(lines), PUBLIC },
    { "policy", parts.policy_text, PUBLIC },
    { "cert", parts.cert:to_pem(), PUBLIC },
  }
end

local function write_contents(paths, parts)
  return every(contents(parts), function(row)
    if not row[2] then
      return true
    end
    return file.write(paths[row[1]], row[2], { mode = row[3], overwrite = true })
  end)
end

local function write_issued(paths, records)
  local done, err = every(records or {}, function(one)
    return file.write(layout.certificates(paths, one.serial)[1], one.cert:to_pem(), { mode = PUBLIC })
  end)
  if not done then
    return nil, err
  end
  return disk.sync(paths.certs)
end

local function write_key(paths, private, password)
  local pem, err = private:to_pem { password = password }
  if not pem then
    return nil, err
  end
  return file.write(paths.key, pem, { mode = PRIVATE })
end

-- the steps that make a directory, in order; each answers true or nil, err
local function fill(paths, parts)
  local steps = {
    { write_key, paths, parts.key, parts.password },
    { disk.make_directory, paths.certs, tonumber("700", 8) },
  }
  if parts.request then
    steps[#steps + 1] = { file.write, paths.request, parts.request:to_pem(), { mode = PUBLIC } }
    if parts.policy_text then
      steps[#steps + 1] = { file.write, paths.policy, parts.policy_text, { mode = PUBLIC } }
    end
  else
    steps[#steps + 1] = { write_issued, paths, parts.records }
    steps[#steps + 1] = { write_log, paths.log, parts }
    steps[#steps + 1] = { write_contents, paths, parts }
  end
  for _, step in ipairs(steps) do
    local done, err = step[1](step[2], step[3], step[4])
    if not done then
      return nil, err
    end
  end
  return disk.sync(paths.directory)
end

local function remove_all(paths)
  for _, directory in ipairs { paths.certs, paths.directory } do
    for _, name in ipairs(disk.list(directory) or {}) do
      disk.remove(file.join(directory, name))
    end
    disk.remove_directory(directory)
  end
end

--- Whether something may be made there: nothing is, or an empty directory.
---@param directory string
---@return true? free
---@return lacre.error? err file_exists
function folder.is_free(directory)
  local names, err = disk.list(directory)
  if names and #names > 0 then
    local none, taken = fail("save", "file_exists", "%s is not empty", directory)
    taken.hint = "name a directory that is new or empty"
    return none, taken
  elseif not names and err.code ~= "file_not_found" then
    return nil, lacre_error.annotate(err, { path = directory })
  end
  return true
end

--- Makes the directory of a CA: it is there complete, or not at all.
---@param directory string must not exist, or be empty
---@param parts { cert?: lacre.cert, key: lacre.key, above?: lacre.cert[], password?: string, policy_text?: string,
--- records?: lacre.ca.record[], request?: lacre.csr, crl_number?: string }
---@return true? done
---@return lacre.error? err file_exists permission_denied io_error
function folder.create(directory, parts)
  directory = directory:gsub("(.)/+$", "%1")
  local free, err = folder.is_free(directory)
  if not free then
    return nil, err
  end
  local temporary = ("%s.%s.tmp"):format(directory, sign.serial():sub(1, 8))
  local paths = layout.new(temporary)
  local done
  done, err = disk.make_directory(temporary, tonumber("700", 8))
  if done then
    done, err = fill(paths, parts)
  end
  if done then
    done, err = disk.rename(temporary, directory)
  end
  if not done then
    remove_all(paths)
    return nil, lacre_error.annotate(err, { path = directory })
  end
  return disk.sync(file.directory(directory))
end

--- Completes a directory that waits for the certificate of its request.
---@param directory string
---@param parts { cert: lacre.cert, above?: lacre.cert[], policy_text?: string }
---@return true? done
---@return lacre.error? err
function folder.complete(directory, parts)
  local paths = layout.new(directory)
  disk.remove(paths.log)
  local done, err = write_log(paths.log, parts)
  if done then
    done, err = write_contents(paths, parts)
  end
  if not done then
    return nil, err
  end
  return disk.remove(paths.request)
end

return folder
