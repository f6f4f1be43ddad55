/*
** fail: every failure of the world as one kind of value.
** A binding that fails returns `return fail...(L, ...)`: nil and a table with the
** metatable "lacre.error", whose methods and hints are written in Lua. All of
** them leave OpenSSL's error queue empty; fail() drains the whole queue into the
** error, so that queue_clear() stands directly before each call whose failure the
** queue is to tell. Only memory running out is raised, as Lua itself does.
*/
#ifndef lacre_fail_h
#define lacre_fail_h

#include "codes.h"
#include "compat.h"
#include "queue.h"

#define FAIL_ERROR "lacre.error" /* the metatable of errors */

/* nil, err: what OpenSSL's queue says */
int fail (lua_State *L, const char *stage);

/* true; or nil, err where it is not done. OpenSSL may succeed and still complain: the
** queue is empty afterwards in any case */
int fail_result (lua_State *L, const char *stage, int is_done);

/* nil, err: what the queue says of a handshake or record; alerts that the peer
** sent mean different things at a client and at a server */
int fail_tls (lua_State *L, const char *stage, int is_server);

/* nil, err: a failed system call. `what` is put before the system's words */
int fail_errno (lua_State *L, const char *stage, int number, const char *what);

/* nil, err: a code of our own, with its message */
int fail_code (lua_State *L, const char *stage, const char *code, const char *fmt, ...)
    LACRE_PRINTF(4, 5);

/* raises, as Lua itself does when memory runs out */
LACRE_NORETURN int fail_memory (lua_State *L);

/* raises where the queue says that memory ran out, and empties it in any case */
void fail_if_memory (lua_State *L);

/* pushes a bare error of a row; `library` is "os", "dns", "x509", "tls" ... */
void fail_push (lua_State *L, const char *stage, const char *library,
                const codes_Row *row, int number, const char *message);

/* makes the metatable and leaves it on the stack */
int fail_open (lua_State *L);

#endif
