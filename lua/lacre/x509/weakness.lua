--- x509.weakness: why a key is too weak for what is signed today.

local LEAST = 112 -- bits of security, NIST SP 800-57 part 1

--- What is wrong with a key, for messages: `the rsa key of 1024 bits is too weak`.
---@param key lacre.key
---@param whose string "the" or "its"
---@return string? why
return function(key, whose)
  local bits = key:security_bits()
  if bits >= LEAST then
    return nil
  elseif bits == 0 and key:type():find "^rsa" then
    return ("%s rsa key is no secret: its exponent is 1 or even"):format(whose)
  end
  return ("%s %s key of %d bits is too weak"):format(whose, key:type(), key:bits())
end
