/*
** table: fields of Lua tables, by type. What is written goes into the table on top of
** the stack; what is read is of the table of an argument.
*/
#ifndef lacre_table_h
#define lacre_table_h

#include "compat.h"

/* NULL leaves the field out */
void table_set_text (lua_State *L, const char *name, const char *text);
void table_set_bytes (lua_State *L, const char *name, const void *bytes, size_t len);

void table_set_integer (lua_State *L, const char *name, int64_t value);
void table_set_boolean (lua_State *L, const char *name, int value);

/* NULL where there is no text; lent by the table */
const char *table_text (lua_State *L, int arg, const char *name);

int table_int (lua_State *L, int arg, const char *name, int fallback);
int table_is_true (lua_State *L, int arg, const char *name);

#endif
