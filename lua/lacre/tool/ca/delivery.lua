--- tool.ca.delivery: the files of what a CA issues, so that neither a key without a certificate nor a certificate
--- without its key is left behind, wherever the process dies.
--
-- The key waits on disk, as NAME.key.new, before anything is signed, and all happens under the CA's
-- lock: one that waits there already was left by a process that died. Its first line says which key it
-- is and whose, so that the books can be asked about a sealed one too. It is thrown away only where
-- they know no certificate for it, or NAME.key is the same.

local fail = require("lacre.error").fail
local later = require "lacre.later"
local parts = require "lacre.tool.ca.parts"

local file = later "lacre.file"
local key = later "lacre.key"

local delivery = {}

local function is_free(path, set)
  local spare, err = parts.spare(set, path)
  if not spare then
    return nil, err
  elseif set.overwrite or not file.stat(path) then
    return true
  end
  return fail("save", "file_exists", "%s: File exists", path)
end

local function label(private, ca)
  return ("key %s of %s\n"):format(private:pin(), ca:cert():pin())
end

-- the pin of a key that waits, and that of the CA it was made for
local function read_label(text)
  local pin, issuer = text:match "^key (sha256//%S+) of (sha256//%S+)\n"
  local private = not pin and key.parse(text)
  return pin or private and private:pin(), issuer
end

-- the serial that was, or may have been, issued for a key: where the books cannot be read, nobody knows
local function serial_of(ca, pin)
  local one, err = ca.books:issued_for(pin)
  return one and one.serial or err and "unknown"
end

local function hint_of(set, path, serial, no_key)
  local export = ("lacre ca export %s %s --out %s.crt%s"):format(set.dir, serial, path,
    set.overwrite and " --overwrite" or "")
  return no_key and export or ("mv %s.key.new %s.key && %s"):format(path, path, export)
end

-- a key that a process left that died: it goes only where nothing was issued for it
local function clear(set, ca, path)
  local waiting = path .. ".key.new"
  local text = file.read(waiting)
  local pin, issuer = read_label(text or "")
  local serial = pin and serial_of(ca, pin)
  local made = file.read(path .. ".key")
  if not text or made and text:sub(-#made) == made then
    os.remove(waiting)
    return true
  elseif not serial and issuer == ca:cert():pin() then
    os.remove(waiting)
    return true
  end
  local what = serial and "the key of serial " .. serial .. ", issued before the process died"
    or "a key that another program left"
  local none, err = fail("save", "file_exists", "%s: %s", waiting, what)
  err.hint = serial and hint_of(set, path, serial) or "move it away, or remove it if no certificate was issued for it"
  return none, err
end

local function wait(ca, path, private, pem)
  return file.write(path .. ".key.new", label(private, ca) .. pem, { mode = "0600" })
end

--- The files of an identity; where they cannot be written, the error says where everything is.
local function write(set, path, pem, identity, more)
  local files = { { path = path .. ".crt", bytes = parts.full_chain(identity) } }
  identity.cert_file = path .. ".crt"
  if pem then
    files[#files + 1] = { path = path .. ".key", bytes = pem, mode = "0600" }
    identity.key_file = path .. ".key"
  end
  local err
  if more then
    local bytes
    bytes, err = more(identity)
    files[#files + 1] = bytes and { path = path .. ".p12", bytes = bytes, mode = "0600" }
    identity.p12_file = path .. ".p12"
  end
  local done = not err
  if done then
    done, err = file.write_together(files, { overwrite = set.overwrite })
  end
  if not done then
    err.hint = ("serial %s was issued%s: %s"):format(identity.cert:serial(),
      pem and ", and its key is " .. path .. ".key.new" or "", hint_of(set, path, identity.cert:serial(), not pem))
    return nil, err
  end
  if pem then
    os.remove(path .. ".key.new")
  end
  return identity
end

-- what is made while its key waits; a failure may come when the certificate is on record already
local function make_behind(set, ca, path, private, make)
  local ok, identity, err = pcall(make)
  local serial = private and not (ok and identity) and serial_of(ca, private:pin())
  if serial and err then
    err.hint = ("serial %s is on record, and its key is %s.key.new: %s"):format(serial, path,
      hint_of(set, path, serial))
  elseif private and not (ok and identity) and not serial then
    os.remove(path .. ".key.new")
  end
  if not ok then
    error(identity, 0)
  end
  return identity, err
end

local function run(set, ca, path, private, pem, make, more)
  local stat, done, err = file.stat(file.directory(path)), true, nil
  if not stat or stat.kind ~= "directory" then
    return fail("save", "file_not_found", "%s: there is no such directory", file.directory(path))
  elseif pem then
    done, err = clear(set, ca, path)
  end
  local names = { path .. ".crt", pem and path .. ".key" or false, more and path .. ".p12" or false }
  for _, name in ipairs(names) do
    if done and name then
      done, err = is_free(name, set)
    end
  end
  if done and pem then
    done, err = wait(ca, path, private, pem)
  end
  local identity
  if done then
    identity, err = make_behind(set, ca, path, private, make)
  end
  if not identity then
    return nil, err
  end
  identity.key = identity.key or private
  return write(set, path, pem, identity, more)
end

--- Makes something and writes its files.
---@param set { dir: string, out: string, overwrite: boolean }
---@param ca lacre.ca
---@param base string
---@param given { key?: lacre.key, pem?: string, make: function, more?: function } a key that was made now and its PEM;
--- `make` issues; `more` makes the bytes of another file of the identity
---@return table? identity with cert_file and key_file
---@return lacre.error? err file_exists ...
function delivery.run(set, ca, base, given)
  local path = file.join(set.out, base)
  return ca.books:transact(function()
    return run(set, ca, path, given.key, given.pem, given.make, given.more)
  end)
end

return delivery
