--- tool.ca.crl: the next revocation list of the CA.

local later = require "lacre.later"
local parts = require "lacre.tool.ca.parts"
local time = require "lacre.time"

local file = later "lacre.file"

local crl = {
  name = "crl",
  summary = "make the next CRL",
  description = "Makes the next certificate revocation list. Each list is numbered and says when the next one is "
    .. "due; run this before then, for example from cron. A delta CRL lists only what changed since the last full "
    .. "list.",
  examples = {
    { "lacre ca crl ca", "write ca/ca.crl, valid for a week" },
    { "lacre ca crl ca --next-update 1d --out /var/www/ca.crl", "and a copy where clients fetch it" },
    { "lacre ca crl ca --delta", "write ca/delta.crl" },
  },
  argument = parts.row.dir,
  options = parts.rows(
    { name = "next_update", type = "duration", value = "TIME", default = "7d", help = "how soon the next CRL is due" },
    { name = "delta", type = "boolean", default = false,
      help = "make a delta CRL: only changes since the last full one" },
    { name = "delta_url", type = "list", value = "URL", default = {},
      help = "URL of delta CRLs, written into a full CRL" },
    { name = "drop_expired", type = "boolean", default = false, help = "leave out certificates that have expired" },
    { name = "out", value = "FILE", help = "write a copy to this file" },
    { name = "der", type = "boolean", default = false, help = "write the copy in DER, for serving over HTTP" },
    "password", "lock_timeout", "on_event"
  ),
}

--- Makes the list.
---@param set table
---@return { crl: lacre.crl, file: string }? result
---@return lacre.error? err crl_missing ...
function crl.run(set)
  local spare, taken = parts.spare(set, set.out)
  if not spare then
    return nil, taken
  end
  local ca, err = parts.open(set)
  local list
  if ca then
    list, err = ca:crl {
      next_update = parts.lasting(set.next_update), delta = set.delta, drop_expired = set.drop_expired,
      delta_crl_urls = #set.delta_url > 0 and set.delta_url or nil,
    }
  end
  local copied = list
  if list and set.out then
    copied, err = file.write(set.out, set.der and list:to_der() or list:to_pem(), { overwrite = true })
  end
  if not copied then
    return nil, err
  end
  return { crl = list, file = set.out or set.delta and ca.books.paths.delta or ca.books.paths.crl }
end

function crl.text(result, style)
  local list = result.crl
  return ("%s  CRL %s with %d revoked%s, until %s"):format(style.bold(result.file), list:number(), list:count(),
    list:is_delta() and ", since CRL " .. list:base_number() or "", time.format(list:next_update()))
end

function crl.to_table(result)
  local list = result.crl
  return {
    file = result.file, number = list:number(), base_number = list:base_number(), revoked = list:count(),
    this_update = time.format(list:this_update()), next_update = time.format(list:next_update()),
  }
end

return crl
