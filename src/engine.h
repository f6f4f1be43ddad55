/*
** engine: one TLS connection, as a machine without sockets or clocks. Bytes of
** the wire are fed and drained, or go through a lent Socket by the engine's own
** BIO; either way every call is one step that never waits and answers with a
** result, "want_read" or "want_write", or an error.
*/
#ifndef lacre_engine_h
#define lacre_engine_h

#include "compat.h"

int engine_open (lua_State *L);

#endif
