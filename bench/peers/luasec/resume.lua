-- LuaSec gives no session out and takes none, and turns the server's cache off.
require("clock").lacks "sessions"
