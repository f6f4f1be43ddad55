-- A key generated. VARIANT: p256
local bench = require "clock"
local drafts = require "luaossl.drafts"

bench.repeated(drafts.key)
