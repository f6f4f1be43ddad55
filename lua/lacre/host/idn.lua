--- host.idn: labels of domain names in any script as A-labels: RFC 5890, punycode of RFC 3492.
--
-- UTS 46 maps some thousands of characters before they are encoded. Here capitals and full-width letters are mapped,
-- what shows nothing is left out, and whatever else it would map or refuse is refused: a name that no browser asks
-- for is worse than none.

local plain = require "lacre.plain"

local floor = math.floor
local unpack = table.unpack or unpack -- luacheck: ignore

local idn = {}

-- of well-formed UTF-8
local function code_points(text)
  local points, i = {}, 1
  while i <= #text do
    local c = text:byte(i)
    local n = c < 0x80 and 0 or c < 0xe0 and 1 or c < 0xf0 and 2 or 3
    local point = n == 0 and c or c % 2 ^ (6 - n)
    for j = i + 1, i + n do
      point = point * 64 + text:byte(j) - 0x80
    end
    points[#points + 1], i = point, i + n + 1
  end
  return points
end

-- ranges of capital letters and what to add for their small ones; in pairs of them they alternate
local ranges = { { 0x41, 0x5a, 32 }, { 0xc0, 0xd6, 32 }, { 0xd8, 0xde, 32 }, { 0x388, 0x38a, 37 }, { 0x38e, 0x38f, 63 },
  { 0x391, 0x3ab, 32 }, { 0x400, 0x40f, 80 }, { 0x410, 0x42f, 32 }, { 0x531, 0x556, 48 } }
local singles = { [0x178] = 0xff, [0x386] = 0x3ac, [0x38c] = 0x3cc, [0x1e9e] = 0xdf, [0x4c0] = 0x4cf, [0x181] = 0x253,
  [0x186] = 0x254, [0x18a] = 0x257, [0x18e] = 0x1dd, [0x18f] = 0x259, [0x190] = 0x25b, [0x194] = 0x263, [0x196] = 0x269,
  [0x19d] = 0x272, [0x1b1] = 0x28a, [0x1b2] = 0x28b, [0x1b7] = 0x292 }
local pairs_of_case = { { 0x100, 0x137, 0 }, { 0x139, 0x148, 1 }, { 0x14a, 0x177, 0 }, { 0x179, 0x17e, 1 },
  { 0x1a0, 0x1a5, 0 }, { 0x1af, 0x1b0, 1 }, { 0x1b3, 0x1b6, 1 }, { 0x1cd, 0x1dc, 1 }, { 0x1de, 0x1ef, 0 },
  { 0x1f4, 0x1f5, 0 }, { 0x1f8, 0x21f, 0 }, { 0x222, 0x233, 0 }, { 0x246, 0x24f, 0 }, { 0x370, 0x373, 0 },
  { 0x3d8, 0x3ef, 0 }, { 0x460, 0x481, 0 }, { 0x48a, 0x4bf, 0 }, { 0x4c1, 0x4ce, 1 }, { 0x4d0, 0x52f, 0 },
  { 0x1e00, 0x1e95, 0 }, { 0x1ea0, 0x1eff, 0 }, { 0x2c80, 0x2ce3, 0 }, { 0xa640, 0xa66d, 0 }, { 0xa680, 0xa69b, 0 },
  { 0xa722, 0xa72f, 0 }, { 0xa732, 0xa76f, 0 } }

-- what is left out: soft hyphen, zero width space and joiner, byte order mark, variation selectors
local unseen = { { 0xad, 0xad }, { 0x200b, 0x200b }, { 0x2060, 0x2060 }, { 0xfeff, 0xfeff }, { 0xfe00, 0xfe0f } }

-- what is another character to domain names, or none: signs, ligatures, marks and letters of NFD, forms for show,
-- and capitals that are hardly written
local refused = { { 0x80, 0xac }, { 0xae, 0xb6 }, { 0xb8, 0xbf }, { 0xd7, 0xd7 }, { 0xf7, 0xf7 },
  { 0x130, 0x130 }, { 0x132, 0x133 }, { 0x13f, 0x140 }, { 0x149, 0x149 }, { 0x17f, 0x17f }, { 0x182, 0x182 },
  { 0x184, 0x184 }, { 0x187, 0x187 }, { 0x189, 0x189 }, { 0x18b, 0x18b }, { 0x191, 0x191 }, { 0x193, 0x193 },
  { 0x197, 0x198 }, { 0x19c, 0x19c }, { 0x19f, 0x19f }, { 0x1a6, 0x1a7 }, { 0x1a9, 0x1a9 }, { 0x1ac, 0x1ac },
  { 0x1ae, 0x1ae }, { 0x1b8, 0x1b8 }, { 0x1bc, 0x1bc }, { 0x1c4, 0x1cc }, { 0x1f1, 0x1f3 }, { 0x1f6, 0x1f7 },
  { 0x220, 0x220 }, { 0x23a, 0x245 }, { 0x2b0, 0x2b8 }, { 0x2d8, 0x2e4 }, { 0x300, 0x36f }, { 0x374, 0x385 },
  { 0x387, 0x387 }, { 0x3cf, 0x3d6 }, { 0x3f0, 0x3ff }, { 0x587, 0x587 }, { 0x653, 0x655 }, { 0x675, 0x678 },
  { 0x958, 0x95f }, { 0x10a0, 0x10cf }, { 0x1100, 0x11ff }, { 0x13a0, 0x13fd }, { 0x1c80, 0x1cbf },
  { 0x1d2c, 0x1d78 }, { 0x1d9b, 0x1dbf }, { 0x1e9a, 0x1e9b }, { 0x1f00, 0x209f }, { 0x2100, 0x218f },
  { 0x222c, 0x2230 }, { 0x2329, 0x232a }, { 0x2460, 0x24ff }, { 0x2a74, 0x2a76 }, { 0x2c00, 0x2c2f },
  { 0x2c60, 0x2c7f }, { 0x2e80, 0x2fff }, { 0x3000, 0x3004 }, { 0x3036, 0x303a }, { 0x3099, 0x309c },
  { 0x309f, 0x309f }, { 0x30ff, 0x30ff }, { 0x3130, 0x319f }, { 0x3200, 0x33ff }, { 0xa770, 0xa7ff },
  { 0xab5c, 0xabbf }, { 0xd800, 0xfdff }, { 0xfe10, 0xffff }, { 0x10400, 0x10427 }, { 0x104b0, 0x104d3 },
  { 0x1d000, 0x1d7ff }, { 0x1e030, 0x1e06d }, { 0x1f100, 0x1f16f }, { 0x1f190, 0x1f190 }, { 0x1f200, 0x1f2ff },
  { 0x1fbf0, 0x1fbff }, { 0x2f800, 0x2fa1f }, { 0xe0000, 0x10ffff } }

local function is_among(list, point)
  for _, range in ipairs(list) do
    if point >= range[1] and point <= range[2] then
      return true
    end
  end
  return false
end

local function lower(point)
  for _, range in ipairs(ranges) do
    if point >= range[1] and point <= range[2] then
      return point + range[3]
    end
  end
  for _, range in ipairs(pairs_of_case) do
    if point >= range[1] and point <= range[2] and point % 2 == range[3] then
      return point + 1
    end
  end
  return singles[point] or point
end

-- punycode, RFC 3492 section 6 --

local function adapt(delta, count, is_first)
  delta = floor(delta / (is_first and 700 or 2))
  delta = delta + floor(delta / count)
  local k = 0
  while delta > 455 do
    delta, k = floor(delta / 35), k + 36
  end
  return k + floor(36 * delta / (delta + 38))
end

local function digit(n)
  return string.char(n < 26 and n + 97 or n + 22)
end

local function variable_length(out, delta, bias)
  local q, k = delta, 36
  while true do
    local t = k <= bias and 1 or k >= bias + 26 and 26 or k - bias
    if q < t then
      break
    end
    out[#out + 1] = digit(t + (q - t) % (36 - t))
    q, k = floor((q - t) / (36 - t)), k + 36
  end
  out[#out + 1] = digit(q)
end

local function next_point(points, at_least)
  local best = math.huge
  for _, point in ipairs(points) do
    if point >= at_least and point < best then
      best = point
    end
  end
  return best
end

local function punycode(points)
  local out = {}
  for _, point in ipairs(points) do
    if point < 0x80 then
      out[#out + 1] = string.char(point)
    end
  end
  local basic, handled, n, delta, bias = #out, #out, 128, 0, 72
  if basic > 0 then
    out[#out + 1] = "-"
  end
  while handled < #points do
    local m = next_point(points, n)
    delta, n = delta + (m - n) * (handled + 1), m
    for _, point in ipairs(points) do
      if point < n then
        delta = delta + 1
      elseif point == n then
        variable_length(out, delta, bias)
        bias = adapt(delta, handled + 1, handled == basic)
        delta, handled = 0, handled + 1
      end
    end
    delta, n = delta + 1, n + 1
  end
  return "xn--" .. table.concat(out)
end

-- the characters as domain names have them, or nil
local function mapped(points)
  local out = {}
  for _, point in ipairs(points) do
    if point >= 0xff01 and point <= 0xff5e then -- full width
      point = point - 0xfee0
    end
    if not is_among(unseen, point) then
      if is_among(refused, point) then
        return nil
      end
      out[#out + 1] = lower(point)
    end
  end
  return out
end

local function is_ascii(points)
  for _, point in ipairs(points) do
    if point > 0x7f then
      return false
    end
  end
  return true
end

local function begins_as_a_label(points)
  return points[1] == 0x78 and points[2] == 0x6e and points[3] == 0x2d and points[4] == 0x2d -- "xn--"
end

--- The full stops of other scripts as those of domain names.
---@param text string
---@return string
function idn.with_full_stops(text)
  return (text:gsub("\227\128\130", "."):gsub("\239\188\142", "."):gsub("\239\189\161", "."))
end

--- A label that is not ASCII in lower case and ASCII; nil where it is none.
---@param label string
---@return string?
function idn.ascii_label(label)
  local points = plain.text(label) == label and mapped(code_points(label))
  if not points or begins_as_a_label(points) and not is_ascii(points) then
    return nil
  end
  return is_ascii(points) and string.char(unpack(points)) or punycode(points)
end

return idn
