-- luaossl gives no session out and takes none.
require("clock").lacks "sessions"
