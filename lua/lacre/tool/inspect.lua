--- tool.inspect: what is in files of any kind, and what is wrong with it.

local lacre_error = require "lacre.error"
local later = require "lacre.later"
local time = require "lacre.time"
local toolkit = require "lacre.toolkit"

local chain_order = later "lacre.x509.chain_order"
local documents = later "lacre.x509.documents"
local fields = later "lacre.x509.fields"
local plain = later "lacre.plain"

local inspect = {
  name = "inspect",
  summary = "show certificates, requests, keys, revocation lists and bundles",
  description = "Reads PEM and DER, alone or mixed: certificates and chains, requests, revocation lists (CRLs), "
    .. "keys, PKCS#12, PKCS#7, OCSP responses. Reports what verifiers would reject, and whether the certificates "
    .. "form a chain.",
  examples = {
    { "lacre inspect server.crt", "show a certificate or chain, and what is wrong with it" },
    { "lacre inspect *.pem request.csr key.p12", "any mixture of files" },
    { "openssl s_client -connect example.com:443 </dev/null | lacre inspect -", "read standard input" },
    { "lacre inspect server.crt --field not_after --field pin", "single values, one per line, for scripts" },
    { "lacre inspect server.crt --profile server --json", "as JSON, checked as a server certificate" },
  },
  argument = { name = "files", type = "texts", many = true, value = "FILE", help = "files, or - for standard input" },
  options = {
    { name = "field", type = "texts", many = true, value = "NAME",
      help = "print only this field, by its name in --json (subject, serial, public_key.bits)" },
    { name = "profile", value = "NAME", help = "check certificates as this kind (default: what they appear to be)",
      values = { "server", "client", "peer", "ca", "intermediate", "ocsp", "email", "code_signing", "any" } },
    { name = "password", type = "password", help = "keys and PKCS#12 files" },
    { name = "legacy", type = "boolean", default = false, help = "open PKCS#12 files that use old ciphers" },
    { name = "time", type = "instant", value = "TIME", help = "check as of this time (default: now)" },
  },
  exits = { { 1, "something in the files cannot be read" } },
}

-- what others are told to ask this tool for, it has to say itself
local unread = "PEM has -----BEGIN at the start of a line; base64 without it, UTF-16 and archives are not read"
local hints = { bad_der = unread, no_certificate = unread, bad_pem = "a block ends with a line -----END and its label" }

local function lint_of(found, set)
  if found.kind == "cert" then
    return found.value:lint(set.profile, set.time)
  elseif found.kind == "csr" then
    return found.value:lint(set.profile)
  end
end

local function complete(found, set)
  found.lint = lint_of(found, set)
  if found.kind == "cert" then
    found.days_left = math.floor(found.value:expires_in(set.time) / 86400)
  end
  return found
end

-- what has a password is there, though it is not seen
local function is_sealed(found)
  return found.error ~= nil and found.error.code == "password_required"
end

local function certs_of(items)
  local list = {}
  for _, found in ipairs(items) do
    if found.kind == "cert" then
      list[#list + 1] = found.value
    end
  end
  return list
end

--- What files hold: a list of `{ kind, value, path, label?, lint?, days_left?, error? }`, with `chain` where
--- there are certificates.
---@param set table see `inspect.options`
---@return table? items
---@return lacre.error? err file_not_found ...
function inspect.run(set)
  local items = { field = set.field }
  fields.check(set.field or {})
  for _, path in ipairs(set.files) do
    local list, err = documents.load(path, set)
    if not list then
      return nil, lacre_error.annotate(err, { hint = hints[err.code] })
    end
    for _, found in ipairs(list) do
      items[#items + 1] = complete(found, set)
    end
  end
  if #items == 1 and items[1].error and not is_sealed(items[1]) then
    return nil, lacre_error.annotate(items[1].error, { hint = hints[items[1].error.code] })
  end
  local certs = certs_of(items)
  items.chain = #certs > 0 and chain_order.of(certs) or nil
  return items
end

--- Whether something could not be read.
function inspect.failed(items)
  for _, found in ipairs(items) do
    if found.error and not is_sealed(found) then
      return true
    end
  end
  return false
end

local function row_of(found)
  local row = found.value and found.value:to_table() or { error = found.error:to_table() }
  row.kind, row.sealed = is_sealed(found) and found.meant or found.kind, is_sealed(found) or nil
  row.path, row.label, row.inside = found.path, found.label, found.inside
  row.days_left, row.lint = found.days_left, found.lint
  row.friendly_name = found.name and plain.text(found.name)
  return row
end

--- Plain data.
---@param items table
---@return table
function inspect.to_table(items)
  local rows = {}
  for i, found in ipairs(items) do
    rows[i] = row_of(found)
  end
  return { items = rows, chain = items.chain }
end

-- words --

local function validity_text(found, style)
  local last = found.value:not_after()
  if not last then
    return style.bad "  its expiry date cannot be read"
  end
  local left = found.days_left
  local words = time.humanize(left * 86400)
  words = left < 0 and "ended " .. words .. " ago" or words .. " left"
  local paint = left < 0 and style.bad or left < 14 and style.warn or style.good
  return "  " .. paint(words)
end

local paints = { error = "bad", warning = "warn", note = "dim" }

local function add_lint(lines, found, style)
  for _, one in ipairs(found.lint or {}) do
    local level = style[paints[one.level]](one.level)
    lines[#lines + 1] = ("  %s: %s %s"):format(level, plain.printable(one.text), style.dim("(" .. one.clause .. ")"))
    lines[#lines + 1] = style.dim("    " .. one.fix)
  end
end

local function add_item(lines, found, style)
  local head = found.path .. (found.inside and " (" .. found.inside .. ")" or "")
  if is_sealed(found) then
    local words = "%s: encrypted %s; open it with --password-file or --password-env"
    lines[#lines + 1] = words:format(style.bold(head), found.meant)
    return
  elseif found.error then
    lines[#lines + 1] = style.bold(head) .. "\n  " .. style.bad(tostring(found.error))
    return
  end
  local text = found.value:to_text()
  lines[#lines + 1] = style.bold(head .. ": ") .. text:gsub("\n$", "")
  if found.kind == "cert" then
    lines[#lines + 1] = validity_text(found, style)
  end
  add_lint(lines, found, style)
end

local function chain_text(chain, count, style)
  if count == 1 then
    return nil
  elseif #chain.order == 1 then
    return style.warn "none of these certificates issued another"
  end
  local words = { ("chain of %d certificates"):format(#chain.order) }
  if not chain.in_order then
    words[#words + 1] = style.warn("not in order; the order, leaf first, is " .. table.concat(chain.order, ", "))
  end
  if #chain.unused > 0 then
    words[#words + 1] = style.warn("not part of the chain: " .. table.concat(chain.unused, ", "))
  end
  if chain.missing then
    words[#words + 1] = "the next issuer is missing: " .. plain.printable(chain.missing)
  end
  return table.concat(words, "; ")
end

--- For people.
---@param items table
---@param style lacre.style
---@return string
function inspect.text(items, style)
  if items.field then
    return fields.text(inspect.to_table(items).items, items.field)
  end
  local lines = {}
  for i, found in ipairs(items) do
    if i > 1 then
      lines[#lines + 1] = ""
    end
    add_item(lines, found, style)
  end
  local chain = items.chain and chain_text(items.chain, #certs_of(items), style)
  if chain then
    lines[#lines + 1] = "\n" .. chain
  end
  return table.concat(lines, "\n")
end

return toolkit.define(inspect)
