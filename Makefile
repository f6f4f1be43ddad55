# lacre: `make` builds build/lacre, `make help` lists the rest.
#
# LUA names the interpreter: lua5.1 lua5.2 lua5.3 lua5.4 lua5.5 luajit. Each builds into its own
# directory, so one checkout serves all of them.

LUA ?= $(shell for l in lua5.4 luajit lua5.3 lua5.2 lua5.1 lua5.5; do \
         pkg-config --exists $$l 2>/dev/null && command -v $$l >/dev/null && { echo $$l; break; }; done)
PKG_CONFIG ?= pkg-config
CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
DESTDIR ?=
LUA_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags $(LUA))
OPENSSL_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags openssl)
OPENSSL_LIBS ?= $(shell $(PKG_CONFIG) --libs openssl)
LUA_VERSION ?= $(shell $(LUA) -e 'io.write(_VERSION:match "%d%.%d")')
SPEC ?= spec

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes $(WERROR)
DEFINES = -D_GNU_SOURCE -DOPENSSL_API_COMPAT=30000 -DOPENSSL_NO_DEPRECATED

ifeq ($(shell uname -s),Darwin)
SHARED = -bundle -undefined dynamic_lookup
else
SHARED = -shared -Wl,-z,nodelete
endif

BUILD = build/$(LUA)
SOURCES = $(wildcard src/*.c)
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
CORE = $(BUILD)/lacre/core.so
MODULES = $(shell find lua/lacre -name '*.lua')

all: $(CORE) build/lacre

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SHARED) $(LDFLAGS) -o $@ $(OBJECTS) $(OPENSSL_LIBS) -lpthread

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c99 $(CFLAGS) $(WARNINGS) $(DEFINES) -fPIC -fvisibility=hidden -MMD -MP \
	  $(LUA_CFLAGS) $(OPENSSL_CFLAGS) -c -o $@ $<

-include $(OBJECTS:.o=.d)

# the command, run from the checkout; the last Lua that was built for runs it
build/lacre: lua/bin/launcher.sh $(CORE) Makefile
	@sed 's/@LUA@/$(LUA)/' lua/bin/launcher.sh > $@ && chmod 755 $@

## test: the specs, on LUA; SPEC=path runs one
test: all $(BUILD)/oom
	@LUA='$(LUA)' BUILD='$(BUILD)' sh spec/support/run.sh $(SPEC)

$(BUILD)/oom: spec/support/oom.c
	@mkdir -p $(@D)
	@$(CC) -std=c99 $(CFLAGS) $(DEFINES) $(LUA_CFLAGS) $(OPENSSL_CFLAGS) -rdynamic -o $@ $< \
	  $$($(PKG_CONFIG) --libs $(LUA)) $(OPENSSL_LIBS)

## lint: luacheck and clang-format
lint:
	luacheck --quiet lua spec examples bench
	clang-format --dry-run --Werror src/*.c src/*.h

## bench: costs beside bare C, as ratios
bench: all
	@LUA='$(LUA)' BUILD='$(BUILD)' sh bench/run.sh

## deps: what Debian has to install (also ./setup)
deps:
	./setup --only-install

## install: into PREFIX (DESTDIR is put before it)
install: all
	install -d '$(DESTDIR)$(PREFIX)/lib/lua/$(LUA_VERSION)/lacre' '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(CORE) '$(DESTDIR)$(PREFIX)/lib/lua/$(LUA_VERSION)/lacre/core.so'
	for f in $(MODULES:lua/%=%); do \
	  install -D -m 644 "lua/$$f" "$(DESTDIR)$(PREFIX)/share/lua/$(LUA_VERSION)/$$f" || exit 1; done
	{ echo '#!/usr/bin/env $(LUA)'; tail -n +2 lua/bin/lacre; } > '$(DESTDIR)$(PREFIX)/bin/lacre'
	chmod 755 '$(DESTDIR)$(PREFIX)/bin/lacre'

## uninstall: out of PREFIX
uninstall:
	rm -rf '$(DESTDIR)$(PREFIX)/lib/lua/$(LUA_VERSION)/lacre' '$(DESTDIR)$(PREFIX)/share/lua/$(LUA_VERSION)/lacre'
	rm -f '$(DESTDIR)$(PREFIX)/bin/lacre'

## clean: removes build/
clean:
	rm -rf build

help:
	@echo 'make: builds build/lacre and its module (LUA=$(LUA))'
	@sed -n 's/^## /make /p' Makefile

.PHONY: all test lint bench deps install uninstall clean help
