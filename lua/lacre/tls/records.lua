--- tls.records: what an observer of the wire can read of TLS: the headers of records.
--
-- RFC 8446 section 5.1 (and RFC 5246 section 6.2): type, version, length, and only before keys are
-- agreed on the type of the handshake message inside.

local records = {}

local types = { [20] = "change_cipher_spec", [21] = "alert", [22] = "handshake", [23] = "application_data" }

-- RFC 8446 section 4
local messages = {
  [1] = "client_hello", [2] = "server_hello", [4] = "new_session_ticket", [11] = "certificate",
  [12] = "server_key_exchange", [13] = "certificate_request", [14] = "server_hello_done",
  [15] = "certificate_verify", [16] = "client_key_exchange", [22] = "certificate_status",
}

--- The records that begin in some bytes; the last may be cut.
---@param bytes string
---@return { type: string, length: integer, message?: string }[]
function records.list(bytes)
  local list, at = {}, 1
  while #bytes - at + 1 >= 5 do
    local kind, _, _, high, low, first = bytes:byte(at, at + 5)
    local name = types[kind]
    if not name then
      break
    end
    list[#list + 1] = {
      type = name,
      length = high * 256 + low,
      message = kind == 22 and messages[first] or nil,
    }
    at = at + 5 + high * 256 + low
  end
  return list
end

--- Bytes as an observer's dump shows them: sixteen a line, hex and text.
---@param bytes string
---@param limit? integer bytes shown at most; all by default
---@return string
function records.dump(bytes, limit)
  local lines = {}
  for at = 1, math.min(#bytes, limit or #bytes), 16 do
    local row = bytes:sub(at, math.min(at + 15, limit or #bytes))
    local hex = row:gsub(".", function(c)
      return ("%02x "):format(c:byte())
    end)
    lines[#lines + 1] = ("%-48s |%s|"):format(hex, (row:gsub("[^\32-\126]", ".")))
  end
  return table.concat(lines, "\n")
end

return records
