local file = require "lacre.file"

local function is_root()
  local pipe = io.popen "id -u"
  local uid = pipe:read "*l"
  pipe:close()
  return uid == "0"
end

describe("file", function()
  local directory

  before_each(function()
    directory = os.tmpname()
    os.remove(directory)
    assert(os.execute("mkdir " .. directory))
  end)

  after_each(function()
    os.execute("rm -rf " .. directory)
  end)

  local function path(name)
    return directory .. "/" .. name
  end

  local function entries()
    local pipe = io.popen("ls -A " .. directory)
    local names = pipe:read "*a"
    pipe:close()
    return names
  end

  it("writes a file with its mode and reads it back", function()
    assert.is_true(file.write(path "a.key", "se\0cret", { mode = "0600" }))
    assert.equal("se\0cret", file.read(path "a.key"))
    assert.equal(tonumber("600", 8), file.stat(path "a.key").mode)
    assert.equal("a.key\n", entries())
  end)

  it("does not replace a file unless told", function()
    file.write(path "a", "old")
    local done, err = file.write(path "a", "new")
    assert.is_nil(done)
    assert.equal("file_exists", err.code)
    assert.equal(path "a", err.path)
    assert.equal("old", file.read(path "a"))
    assert.is_true(file.write(path "a", "new", { overwrite = true }))
    assert.equal("new", file.read(path "a"))
    assert.equal("a\n", entries())
  end)

  it("replaces what another process wrote meanwhile, where it may", function()
    local disk = require("lacre.core").disk
    local link = disk.link
    disk.link = function(from, to) -- luacheck: ignore
      if to == path "a" then
        assert(os.execute("echo other > " .. to))
      end
      return link(from, to)
    end
    local first = file.write(path "a", "mine", { overwrite = true })
    local kept = file.read(path "a")
    os.remove(path "a")
    local second, err = file.write(path "a", "mine")
    disk.link = link -- luacheck: ignore
    assert.same({ true, "mine" }, { first, kept })
    assert.is_nil(second)
    assert.equal("file_exists", err.code)
    assert.equal("other\n", file.read(path "a"))
    assert.equal("a\n", entries())
  end)

  it("does not follow or replace a link that points nowhere", function()
    os.execute(("ln -s nowhere %s"):format(path "a"))
    local done, err = file.write(path "a", "x")
    assert.is_nil(done)
    assert.equal("file_exists", err.code)
  end)

  it("writes all of several files or none", function()
    file.write(path "b", "old")
    local done, err = file.write_together { { path = path "a", bytes = "1" }, { path = path "b", bytes = "2" } }
    assert.is_nil(done)
    assert.equal("file_exists", err.code)
    assert.equal("b\n", entries())
    done, err = file.write_together({
      { path = path "b", bytes = "2" },
      { path = path "missing/c", bytes = "3" },
    }, { overwrite = true })
    assert.is_nil(done)
    assert.equal("file_not_found", err.code)
    assert.equal("old", file.read(path "b"))
    assert.equal("b\n", entries())
  end)

  it("says what stands in the way", function()
    local cases = {
      { directory, "is_directory" },
      { path "missing/a", "file_not_found" },
    }
    for _, case in ipairs(cases) do
      local done, err = file.write(case[1], "x")
      assert.is_nil(done)
      assert.equal(case[2], err.code)
      assert.equal("file", err:category())
    end
  end)

  it("tells a full disk", function()
    local done, err = file.write("/dev/full", "x", { overwrite = true })
    assert.is_nil(done)
    assert.equal("io_error", err.code)
  end)

  it("leaves a device a device", function()
    assert.is_true(file.write("/dev/null", "x", { overwrite = true }))
    assert.equal("other", file.stat("/dev/null").kind)
  end)

  it("tells that a directory may not be written", function()
    if is_root() then
      return pending "root may write everywhere"
    end
    os.execute("chmod 500 " .. directory)
    local done, err = file.write(path "a", "x")
    assert.is_nil(done)
    assert.equal("permission_denied", err.code)
  end)

  it("tells what cannot be read", function()
    local bytes, err = file.read(path "missing")
    assert.is_nil(bytes)
    assert.equal("file_not_found", err.code)
    assert.equal(path "missing", err.path)
    bytes, err = file.read(directory)
    assert.is_nil(bytes)
    assert.equal("is_directory", err.code)
  end)

  it("refuses a mode that is none", function()
    for _, mode in ipairs { "rw", "888", 600, "06000" } do
      assert.has_error(function()
        file.write(path "a", "x", { mode = mode })
      end)
    end
  end)

  it("takes paths apart and joins them", function()
    assert.equal("a/b", file.directory "a/b/c")
    assert.equal(".", file.directory "c")
    assert.equal("/", file.directory "/c")
    assert.equal("a/c", file.join("a/", "c"))
    assert.equal("c", file.join(".", "c"))
  end)
end)
