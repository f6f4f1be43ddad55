#include "verdict.h"

#include "cert.h"
#include "codes.h"
#include "table.h"

static void push_revocation (lua_State *L, const verify_Finding *f) {
  table_set_integer(L, "revoked_at", f->revoked_at);
  if (f->crl_reason < 0) return;
  table_set_integer(L, "crl_reason", f->crl_reason);
}

static void push_finding (lua_State *L, const verify_Finding *f) {
  const codes_Row *row = codes_verify(f->error);
  lua_createtable(L, 0, 5);
  table_set_integer(L, "number", f->error);
  table_set_text(L, "code", row->code);
  table_set_text(L, "reason", row->reason);
  table_set_integer(L, "depth", f->depth);
  if (f->is_on_list) push_revocation(L, f);
  if (f->cert == NULL) return;
  cert_push(L, f->cert);
  lua_setfield(L, -2, "cert");
}

void verdict_push_findings (lua_State *L, const verify_Verdict *verdict) {
  int i;
  lua_createtable(L, verdict->count, 1);
  for (i = 0; i < verdict->count; i++) {
    push_finding(L, &verdict->findings[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

void verdict_push (lua_State *L, const verify_Verdict *verdict) {
  verdict_push_findings(L, verdict);
  cert_push_chain(L, verdict->chain);
  lua_setfield(L, -2, "chain");
}
