--- tool.ca.policy_text: the first policy.lua of a CA, from what `lacre ca init` was told.

local policy_text = {}

local lists = { { "crl_url", "crl_urls" }, { "ocsp_url", "ocsp_urls" }, { "issuer_url", "issuer_urls" } }

local head = [[
-- Who may ask this CA for what. Every rule is optional; docs/ca.md explains them.
--   names = { "**.example.test", "10.0.0.0/8", "@example.test" },   forbidden = { "admin.example.test" },
--   wildcards = false,   keys = { "p256", "ed25519", "rsa:3072" },   longest = "90d",   unique = true,
--   subject = { O = "Example" },   profiles = { server = true, client = { longest = "30d" } },
return {
]]

--- The text, or nil where there is nothing to say.
---@param set table
---@return string?
function policy_text.of(set)
  local lines = {}
  for _, pair in ipairs(lists) do
    local urls = {}
    for i, url in ipairs(set[pair[1]] or {}) do
      urls[i] = ("%q"):format(url)
    end
    if #urls > 0 then
      lines[#lines + 1] = ("    %s = { %s },\n"):format(pair[2], table.concat(urls, ", "))
    end
  end
  if #lines == 0 then
    return nil
  end
  return head .. "  defaults = {\n" .. table.concat(lines) .. "  },\n}\n"
end

return policy_text
