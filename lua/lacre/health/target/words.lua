--- health.target.words: what may stand in a list of targets: schemes of URLs, and settings. Data only.

local target_words = {}

-- scheme -> { port, starttls }
target_words.schemes = {
  https = { 443 }, smtps = { 465 }, imaps = { 993 }, pop3s = { 995 }, ldaps = { 636 }, ftps = { 990 }, nntps = { 563 },
  submissions = { 465 }, xmpps = { 5223 }, mqtts = { 8883 }, ircs = { 6697 }, tls = { 443 },
  smtp = { 25, "smtp" }, submission = { 587, "smtp" }, lmtp = { 24, "lmtp" }, imap = { 143, "imap" },
  pop3 = { 110, "pop3" }, ftp = { 21, "ftp" }, ldap = { 389, "ldap" }, xmpp = { 5222, "xmpp" },
  postgres = { 5432, "postgres" }, postgresql = { 5432, "postgres" }, mysql = { 3306, "mysql" },
  sieve = { 4190, "sieve" }, nntp = { 119, "nntp" },
}

--- Settings a line may have; the value as text.
target_words.settings = {
  sni = "string", name = "string", ip = "string", ca = "string", trust = "string", warn = "string", fail = "string",
  pin = "list",
  starttls = "string", expect = "list", label = "string", timeout = "string", connect_timeout = "string",
  cert = "string", key = "string",
  crl = "string", ocsp = "string", min_tls = "string", require = "list",
}

--- What some of them may be.
target_words.choices = {
  min_tls = "1.2 1.3", ocsp = "off staple soft hard", require = "tls13 pq sct staple hsts",
}

return target_words
