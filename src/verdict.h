/*
** verdict: the outcome of a verification as a Lua list of findings.
** Both store:verify() and the handshake hand it to lua/lacre/store/verdict.lua, which
** words the error; C only tells the numbers, their codes and the certificates.
*/
#ifndef lacre_verdict_h
#define lacre_verdict_h

#include "compat.h"
#include "verify.h"

/* pushes { { number =, code =, reason =, depth =, cert = }, ..., chain = { certs } } */
void verdict_push (lua_State *L, const verify_Verdict *verdict);

/* the same without `chain` */
void verdict_push_findings (lua_State *L, const verify_Verdict *verdict);

#endif
