--- cli.exits: the exit codes of the command: what each means, and which one an error has.

local exits = {}

--- Ctrl-C, as shells have it: 128 and SIGINT.
exits.INTERRUPTED = 130

--- What each means, in order; what it means of one tool alone stands in the tool's own `exits`.
exits.meanings = {
  { 0, "success" },
  { 1, "the answer is no: it does not verify, match or pass" },
  { 2, "wrong usage of the command line" },
  { 3, "a network or file error" },
  { 4, "a TLS or verification error" },
  { 5, "a bug in lacre" },
  { exits.INTERRUPTED, "interrupted" },
}

local of_category = {
  config = 2, file = 3, parse = 3, network = 3, timeout = 3, closed = 3, protocol = 4, verify = 4, internal = 5,
}

-- what cannot be understood in a file is the file's fault, in an option the caller's
local in_options = { bad_pin = 2, bad_name = 2, bad_time = 2 }

--- The exit code of an error.
---@param err lacre.error
---@return integer
function exits.of(err)
  local code = of_category[err:category()] or 5
  return in_options[err.code] or err.stage == "config" and code ~= 5 and 2 or code
end

return exits
