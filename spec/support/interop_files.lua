-- What other implementations are given: a directory with the files of a CA, of servers of each kind of key, and of a
-- client that may come in. Whoever asks for one removes it.
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tls = require "spec.support.tls"

local clients = pki.root { subject = "CN=Clients" }

local function identity(path, kind)
  local id = pki.issue(tls.inter, { key_type = kind })
  local name = kind:gsub(":", "")
  return { id = id, cert = path(name .. ".pem", id.pem), key = path(name .. ".key", id.key_pem) }
end

--- `directory`, `path(name, bytes)`, and what is written there: `ca`, `clients_ca`, `agent_cert`, `agent_key`, and
--- `identities` by kind of key.
return function()
  local directory = process.directory()
  local function path(name, bytes)
    return process.write(directory .. "/" .. name, bytes)
  end
  local agent = pki.client(clients, { subject = "CN=agent" })
  local files = {
    directory = directory, path = path, clients = clients, agent = agent, identities = {},
    ca = path("ca.pem", tls.root.pem), clients_ca = path("clients.pem", clients.pem),
    agent_cert = path("agent.pem", agent.pem), agent_key = path("agent.key", agent.key_pem),
  }
  for _, kind in ipairs { "p256", "rsa:2048", "ed25519" } do
    files.identities[kind] = identity(path, kind)
  end
  return files
end
