local time = require "lacre.time"

describe("time", function()
  local instants = {
    { "1970-01-01", 0 },
    { "1970-01-01T00:00:00Z", 0 },
    { "2026-01-31T12:00:00Z", 1769860800 },
    { "2026-01-31t12:00:00z", 1769860800 },
    { "2026-01-31T14:00:00+02:00", 1769860800 },
    { "2026-01-31T12:00:00.5Z", 1769860800.5 },
    { "2024-02-29", 1709164800 },
    { "2000-02-29", 951782400 },
    { "9999-12-31T23:59:59Z", 253402300799 },
    { "0001-01-01", -62135596800 },
  }
  for _, case in ipairs(instants) do
    it("reads " .. case[1], function()
      assert.equal(case[2], time.parse(case[1]))
    end)
  end

  local bad = { "", "now", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-01-32", "2026-1-1",
    "2026-01-31T12:00:00", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:00+25:00",
    "2026-01-31 12:00", "2026-01-31T12:00:00.Z", 0 / 0, math.huge, true }
  for _, value in ipairs(bad) do
    it("refuses " .. tostring(value), function()
      local instant, err = time.parse(value)
      assert.is_nil(instant)
      assert.equal("bad_time", err.code)
    end)
  end

  it("writes what it reads, from year 1 to 9999", function()
    for _, instant in ipairs { -62135596800, -1, 0, 951782399, 951782400, 1709251199, 4102444800, 253402300799 } do
      assert.equal(instant, time.parse(time.format(instant)))
    end
  end)

  local styles = {
    { "rfc3339", 1769860800, "2026-01-31T12:00:00Z" },
    { "date", 1769860800, "2026-01-31" },
    { "http", 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
    { "asn1", 1769860800, "260131120000Z" },
    { "asn1", 2524608000, "20500101000000Z" },
    { "asn1", 2524607999, "491231235959Z" },
  }
  for _, case in ipairs(styles) do
    it(("formats %d as %s"):format(case[2], case[1]), function()
      assert.equal(case[3], time.format(case[2], case[1]))
    end)
  end

  local durations = { ["90d"] = 7776000, ["1.5h"] = 5400, ["0.1s"] = 0.1, ["3.s"] = 3, ["12h"] = 43200, ["30m"] = 1800, ["10s"] = 10, ["1d12h"] = 129600,
    ["1y"] = 31536000, ["2w"] = 1209600, ["0.5s"] = 0.5 }
  for text, seconds in pairs(durations) do
    it("measures " .. text, function()
      assert.equal(seconds, time.duration(text))
    end)
  end

  for _, value in ipairs { "", "10", "d", "10 d", "10x", "-1d", -1, math.huge, 0 / 0 } do
    it("refuses the duration " .. tostring(value), function()
      local seconds, err = time.duration(value)
      assert.is_nil(seconds)
      assert.equal("bad_time", err.code)
    end)
  end

  local spoken = { { 0, "0 seconds" }, { 1, "1 second" }, { 119, "119 seconds" }, { 120, "2 minutes" },
    { -7200, "2 hours" }, { 3 * 86400 + 5, "3 days" }, { 365 * 86400, "365 days" }, { 10 * 365 * 86400, "10 years" } }
  for _, case in ipairs(spoken) do
    it("says " .. case[2], function()
      assert.equal(case[2], time.humanize(case[1]))
    end)
  end
end)
