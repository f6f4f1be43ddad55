#include "verdict.h"

#include "cert.h"
#include "codes.h"

static void push_revocation (lua_State *L, const verify_Finding *f) {
  lua_pushnumber(L, (lua_Number)f->revoked_at);
  lua_setfield(L, -2, "revoked_at");
  if (f->crl_reason < 0) return;
  lua_pushinteger(L, f->crl_reason);
  lua_setfield(L, -2, "crl_reason");
}

static void push_finding (lua_State *L, const verify_Finding *f) {
  const codes_Row *row = codes_verify(f->error);
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, f->error);
  lua_setfield(L, -2, "number");
  lua_pushstring(L, row->code);
  lua_setfield(L, -2, "code");
  lua_pushstring(L, row->reason);
  lua_setfield(L, -2, "reason");
  lua_pushinteger(L, f->depth);
  lua_setfield(L, -2, "depth");
  if (f->is_on_list) push_revocation(L, f);
  if (f->cert == NULL) return;
  cert_push(L, f->cert);
  lua_setfield(L, -2, "cert");
}

void verdict_push (lua_State *L, const verify_Verdict *verdict) {
  int i;
  lua_createtable(L, verdict->count, 1);
  for (i = 0; i < verdict->count; i++) {
    push_finding(L, &verdict->findings[i]);
    lua_rawseti(L, -2, i + 1);
  }
  cert_push_chain(L, verdict->chain);
  lua_setfield(L, -2, "chain");
}
