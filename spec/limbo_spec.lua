-- Path validation judged from outside: the cases of x509-limbo, where its file is. LIMBO names it (limbo.json, plain or
-- .xz; github.com/C2SP/x509-limbo). What is refused here and accepted there, or the other way, is listed with its reason;
-- whatever else differs fails.
local dkjson = require "dkjson"
local cert = require "lacre.cert"
local lacre_error = require "lacre.error"
local store = require "lacre.store"

local path = os.getenv "LIMBO"

-- what this library decides otherwise
local differences = require "spec.support.limbo_differences"

local function read(name)
  local pipe = io.popen(name:find "%.xz$" and ("xz -dc '%s'"):format(name) or ("cat '%s'"):format(name))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local purposes = { SERVER = "server", CLIENT = "client" }

local function options_of(case)
  local set = {
    purpose = purposes[case.validation_kind], time = case.validation_time and case.validation_time:gsub("%.%d+", ""),
    intermediates = {}, any_name = true, max_depth = case.max_chain_depth,
  }
  local name = case.expected_peer_name
  if name then
    set.any_name, set.server_name = nil, name.value
  end
  for i, pem in ipairs(case.untrusted_intermediates) do
    local one, err = cert.parse(pem)
    if not one then
      return nil, err
    end
    set.intermediates[i] = one
  end
  if case.crls and #case.crls > 0 then
    set.crls, set.revocation = case.crls, "leaf"
  end
  return set
end

-- true, or the error; an input that cannot be read is refused, too
local function judge(case)
  local leaf, err = cert.parse(case.peer_certificate)
  local set, anchors
  if leaf then
    set, err = options_of(case)
  end
  if set then
    anchors, err = store.new(case.trusted_certs)
  end
  if not set or not anchors then
    return false, err
  end
  local chain
  chain, err = anchors:verify(leaf, set)
  return chain ~= nil, err
end

local function is_known(id, accepted)
  for _, row in ipairs(differences) do
    if id:find(row[1]) and row[3] == accepted then
      return true
    end
  end
  return false
end

describe("path validation", function()
  if not path then
    it("as x509-limbo has it", function()
      pending "LIMBO does not name its limbo.json"
    end)
    return
  end

  it("agrees with x509-limbo, but where it says why not", function()
    local wrong, right, told = {}, 0, 0
    local cases = assert(dkjson.decode(read(path), 1, nil, nil)).testcases
    for _, case in ipairs(cases) do
      local started = os.clock()
      local accepted, err = judge(case)
      local agrees = accepted == (case.expected_result == "SUCCESS")
      assert.is_true(os.clock() - started < 5, case.id .. " takes long")
      assert.is_true(accepted or lacre_error.is(err), case.id)
      if agrees then
        right = right + 1
      elseif is_known(case.id, accepted) then
        told = told + 1
      else
        wrong[#wrong + 1] = ("%s: %s"):format(case.id, accepted and "accepted" or tostring(err))
      end
    end
    print(("x509-limbo: %d of %d as expected, %d otherwise with a reason"):format(right, #cases, told))
    assert.same({}, wrong)
  end)
end)
