--- x509.fields: single values of documents, a line each, for scripts.

local options = require "lacre.options"
local plain = require "lacre.plain"
local sorted = require "lacre.sorted"

local fields = {}

-- what rows may have: a name beside these is a misspelt one, and no value that happens to be absent
local known = {}
for name in ([[
  kind path label inside sealed friendly_name error lint days_left
  version serial subject subject_attributes issuer issuer_attributes not_before not_after signature_algorithm public_key
  pin fingerprint subject_alt_names hosts is_ca is_self_issued is_self_signed basic_constraints key_usage
  extended_key_usage subject_key_id authority_key_id name_constraints policies ocsp_urls issuer_urls crl_urls
  must_staple scts extensions is_signed this_update next_update number base_number revoked
  type bits curve private key_id refusal status serials produced_at revoked_at reason responder
]]):gmatch "%S+" do
  known[name] = true
end
fields.known = known

local of_keys = { type = true, bits = true, curve = true, private = true, pin = true, key_id = true, fingerprint = true,
  error = true }

local function is_known(first, second)
  return known[first] and (first ~= "public_key" or not second or of_keys[second])
end

--- Raises where a field's name is none.
---@param list string[] names as `--json` has them, with dots where they are nested
function fields.check(list)
  for _, path in ipairs(list) do
    local first, second = path:match "^([^.]*)%.?([^.]*)"
    if not is_known(first, second ~= "" and second) then
      local nearest = options.nearest(first, known)
      local guess = nearest and ("did you mean '%s'? "):format(nearest) or ""
      options.misuse("bad option 'field' (there is no '%s'; %sfields: %s)", plain.printable(path), guess,
        table.concat(sorted(known), " "))
    end
  end
end

local function at(row, path)
  for name in path:gmatch "[^.]+" do
    if type(row) ~= "table" then
      return nil
    end
    row = row[tonumber(name) or name]
  end
  return row
end

local function add_value(lines, value)
  if type(value) ~= "table" then
    lines[#lines + 1] = plain.printable(tostring(value))
    return
  end
  for _, one in ipairs(value) do
    add_value(lines, type(one) == "table" and (one.value or one.text) or one)
  end
  local keys = {}
  for name, one in pairs(value) do
    if type(name) == "string" and one == true then
      keys[#keys + 1] = name
    end
  end
  table.sort(keys)
  for _, name in ipairs(keys) do
    lines[#lines + 1] = name
  end
end

--- The values of fields, row by row; a list gives a line for each of its values.
---@param rows table[]
---@param list string[]
---@return string
function fields.text(rows, list)
  local lines = {}
  for _, row in ipairs(rows) do
    for _, path in ipairs(list) do
      local value = at(row, path)
      if value ~= nil then
        add_value(lines, value)
      end
    end
  end
  return table.concat(lines, "\n")
end

return fields
