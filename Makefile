# lacre: `make` builds build/lacre, `make help` lists the rest.
#
# LUA names the interpreter: lua5.1 lua5.2 lua5.3 lua5.4 lua5.5 luajit. Each builds into its own
# directory, so that one checkout serves all of them.

LUA ?= $(shell for l in lua5.4 luajit lua5.3 lua5.2 lua5.1 lua5.5; do \
         pkg-config --exists $$l 2>/dev/null && command -v $$l >/dev/null && { echo $$l; break; }; done)
ifeq ($(LUA)$(filter deps clean help,$(MAKECMDGOALS)),)
$(error no Lua with its headers was found: run ./setup, or give LUA=)
endif
BUILD ?= build/$(LUA)
PREFIX ?= /usr/local
DESTDIR ?=
SPEC ?= spec

CC ?= cc
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
LUA_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags $(LUA))
LUA_LIBS ?= $(shell $(PKG_CONFIG) --libs $(LUA))
LUA_VERSION ?= $(shell $(LUA) -e 'io.write((_VERSION:gsub("Lua ", "")))')
OPENSSL_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags openssl)
OPENSSL_LIBS ?= $(shell $(PKG_CONFIG) --libs openssl)

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes $(WERROR)
DEFINES = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DOPENSSL_API_COMPAT=30000 -DOPENSSL_NO_DEPRECATED
COMPILE = $(CC) -std=c99 $(CFLAGS) $(WARNINGS) $(DEFINES) $(LUA_CFLAGS) $(OPENSSL_CFLAGS) $(CPPFLAGS)
SHARED = -shared -Wl,-z,nodelete
ifeq ($(shell uname -s),Darwin)
SHARED = -bundle -undefined dynamic_lookup
endif

SOURCES = $(wildcard src/*.c)
MODULES = $(wildcard lua/lacre/*.lua lua/lacre/*/*.lua lua/lacre/*/*/*.lua)
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
CORE = $(BUILD)/lacre/core.so
COMMAND = $(BUILD)/bin/lacre
COMPILED = $(BUILD)/lacre/compiled/made
MEMORY = $(BUILD)/memory
CRASHER = $(BUILD)/crash
ifeq ($(shell uname -s),Linux)
KTLS = $(BUILD)/ktls.so
endif

# the last Lua that was built for runs build/lacre
all: $(CORE) $(COMMAND) $(COMPILED)
	@if [ '$(BUILD)' = 'build/$(LUA)' ]; then \
	  rm -f build/lacre && sed 's,\.\./\.\./\.\./,../,' $(COMMAND) > build/lacre && chmod 755 build/lacre; fi

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SHARED) $(LDFLAGS) -o $@ $(OBJECTS) $(OPENSSL_LIBS) -lpthread

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)

# the command finds its modules beside itself: ROOT, LUADIR and LIBDIR say where, from there. RUN starts it.
RUN = $(shell command -v $(LUA))
SUFFIX = $(filter-out _5_1,_$(subst .,_,$(LUA_VERSION)))
KNOWN = $(shell LUA_PATH$(SUFFIX)=';;' LUA_CPATH$(SUFFIX)=';;' $(LUA) -e 'io.write(package.$(1))')
LAUNCHER = { sed -e 's,@RUN@,$(RUN),; s,@PATH@,$(call KNOWN,path),; s,@CPATH@,$(call KNOWN,cpath),' lua/bin/beside.lua; \
  tail -n +2 lua/bin/lacre; }

$(COMMAND): lua/bin/beside.lua lua/bin/lacre Makefile
	@mkdir -p $(@D)
	@$(LAUNCHER) | sed 's,@ROOT@,../../..,; s,@LUADIR@,lua,g; s,@LIBDIR@,$(BUILD),g' > $@
	@chmod 755 $@

# what the command reads in place of its modules
$(COMPILED): $(MODULES) lua/bin/compile.lua
	@mkdir -p $(@D)
	@$(LUA) lua/bin/compile.lua $(@D) lua lua $(MODULES:lua/%=%) && touch $@

## test: runs the specs with LUA; SPEC=path runs one file
test: $(CORE) $(COMMAND) $(MEMORY) $(CRASHER) $(KTLS)
	@LUA='$(LUA)' BUILD='$(BUILD)' SANITIZER='$(SANITIZER)' sh spec/support/run.sh $(SPEC)

# a Lua of its own whose allocations, and OpenSSL's, are counted and made to fail
$(MEMORY): spec/support/memory.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -rdynamic -o $@ $< $(LUA_LIBS) $(OPENSSL_LIBS)

# a Lua of its own whose system calls are counted, and end the process or fail
$(CRASHER): spec/support/crash.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -rdynamic -o $@ $< $(LUA_LIBS) -ldl

# what is preloaded in place of a kernel that does TLS
$(KTLS): spec/support/ktls.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(DEFINES) -shared -fPIC -o $@ $< -ldl

## memory: makes every allocation of Lua and OpenSSL fail once (minutes)
memory:
	@MEMORY_LIMIT=all $(MAKE) -s test SPEC=spec/memory_spec.lua

SANITIZE = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

## asan: runs the specs under gcc's address and undefined-behaviour sanitizers
asan:
	@$(MAKE) -s CC=gcc BUILD='build/$(LUA)-asan' RUN='/usr/bin/env $(LUA)' CFLAGS='$(SANITIZE)' SANITIZER=asan test

## valgrind: runs some specs under valgrind (slow); SPEC=path chooses others
valgrind:
	@$(MAKE) -s SANITIZER=valgrind SPEC='$(if $(filter file,$(origin SPEC)),$(CHECKED),$(SPEC))' test
CHECKED = $(addprefix spec/,$(addsuffix _spec.lua,key cert csr crl pin engine))

## lint: runs luacheck, clang-format and clang's analyzer
lint:
	luacheck --quiet lua spec examples bench docs
	clang-format --dry-run --Werror src/*.[ch] spec/support/*.c bench/*/*.[ch]
	clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' $(SOURCES) -- \
	  -std=c99 $(DEFINES) $(LUA_CFLAGS) $(OPENSSL_CFLAGS) 2>/dev/null
# left out: what this analyzer gets wrong, or what -Wconversion already says
TIDY = -*,clang-analyzer-*,-clang-analyzer-valist.Uninitialized,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-not-null-terminated-result

## daemons: tests STARTTLS with the real daemons that are installed (Debian, as root)
daemons: $(CORE) $(COMMAND)
	@DAEMONS=1 LUA='$(LUA)' BUILD='$(BUILD)' sh spec/support/run.sh spec/daemons_spec.lua

## prometheus: has a real Prometheus scrape lacre health, and promtool check its metrics and the docs
prometheus: $(CORE) $(COMMAND)
	@LUA='$(LUA)' BUILD='$(BUILD)' sh spec/support/run.sh spec/prometheus_spec.lua

## agree: compares lacre health with openssl, curl and testssl.sh on the zoo (minutes; TESTSSL=0 leaves that one out)
agree: $(CORE) $(COMMAND)
	@BUILD='$(BUILD)' bash spec/support/agree.sh

## browser: tests that Chromium accepts a page of lacre serve only if it trusts lacre's CA
browser: $(CORE) $(COMMAND)
	@BUILD='$(BUILD)' sh spec/support/browser.sh

## hostile: runs attack tools against lacre serve and lacre echo
hostile: $(CORE) $(COMMAND)
	@BUILD='$(BUILD)' bash spec/support/hostile.sh

## fuzz: feeds generated input to every parser (clang's libFuzzer); FUZZ='host url' chooses, SECONDS_EACH=20
fuzz: $(BUILD)/fuzz/fuzz
	@BUILD='$(BUILD)' FUZZ='$(FUZZ)' sh spec/support/fuzz.sh

$(BUILD)/fuzz/fuzz: $(SOURCES) spec/support/fuzz.c Makefile
	@mkdir -p $(@D)
	clang -std=c99 -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	  $(DEFINES) $(LUA_CFLAGS) $(OPENSSL_CFLAGS) -o $@ $(SOURCES) spec/support/fuzz.c $(LUA_LIBS) $(OPENSSL_LIBS) -lpthread

## platforms: runs the specs on OpenSSL 3.5, 3.6, 4.0, Lua 5.5, 32 bits and big-endian; ON=openssl4 chooses one
platforms:
	@SPEC='$(SPEC)' bash spec/support/platforms.sh $(ON)

## bench: costs compared with plain C and other modules, as ratios; ROWS=regex chooses, IR=1 counts instructions
bench: $(CORE) $(COMMAND) $(COMPILED)
	@LUA='$(LUA)' BUILD='$(BUILD)' bash bench/run.sh

## bench-health: checks a thousand endpoints with lacre health and with other programs
bench-health: $(CORE) $(COMMAND)
	@LUA='$(LUA)' BUILD='$(BUILD)' bash bench/health.sh

## bench-workers: connections per second with one process, and with two on one port
bench-workers: $(CORE)
	@LUA='$(LUA)' BUILD='$(BUILD)' bash bench/workers.sh

## docs: generates docs/command.md, errors.md, reasons.md, reference.md and types/ from the sources
docs: $(CORE)
	@for made in $(MADE); do \
	  $(OURS) $(LUA) "$${made#*:}" > $(BUILD)/made && mv $(BUILD)/made "$${made%:*}" || exit 1; done
MADE = docs/errors.md:docs/errors.lua docs/reasons.md:docs/reasons.lua types/lacre/core.lua:docs/core.lua \
  docs/reference.md:docs/reference.lua docs/command.md:docs/command.lua
OURS = LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='$(BUILD)/?.so;;'

## bench-ca: times issue, list, crl and check of a CA on disk with ten thousand certificates
bench-ca: $(CORE)
	@rm -rf $(BUILD)/bench-ca
	@$(OURS) timeout 900 $(LUA) bench/workloads/ca_store.lua $(BUILD)/bench-ca
	@rm -rf $(BUILD)/bench-ca

## deps: installs what is needed to build and test, on Debian
deps:
	./setup test --only-install

LUADIR = share/lua/$(LUA_VERSION)
LIBDIR = lib/lua/$(LUA_VERSION)
INTO = '$(DESTDIR)$(PREFIX)'

## install: installs to PREFIX, below DESTDIR if set
install: $(CORE) $(COMMAND) $(COMPILED)
	install -d $(INTO)/bin $(INTO)/$(LIBDIR)/lacre/compiled $(addprefix $(INTO)/$(LUADIR)/,$(sort $(dir $(MODULES:lua/%=%))))
	install -m 755 $(CORE) $(INTO)/$(LIBDIR)/lacre/core.so
	for f in $(MODULES:lua/%=%); do install -m 644 "lua/$$f" $(INTO)/$(LUADIR)/"$$f" || exit 1; done
	$(LUA) lua/bin/compile.lua $(INTO)/$(LIBDIR)/lacre/compiled lua '$(PREFIX)/$(LUADIR)' $(MODULES:lua/%=%)
	$(LAUNCHER) | sed 's,@ROOT@,..,; s,@LUADIR@,$(LUADIR),g; s,@LIBDIR@,$(LIBDIR),g' > $(INTO)/bin/lacre
	chmod 755 $(INTO)/bin/lacre
	@$(COMMAND) manual >/dev/null 2>&1 || { echo 'without the Lua module argparse: no manual page, no completions'; exit 0; }; \
	  for p in $(PAGES); do mkdir -p $(INTO)/share/"$$(dirname "$${p%:*}")" && \
	    $(COMMAND) $$(echo "$${p#*:}" | tr + ' ') > $(INTO)/share/"$${p%:*}" || exit 1; done

# what the command prints about itself, and where it belongs below share/
PAGES = man/man1/lacre.1:manual bash-completion/completions/lacre:completion+bash \
  zsh/site-functions/_lacre:completion+zsh fish/vendor_completions.d/lacre.fish:completion+fish

## uninstall: removes what install installed
uninstall:
	rm -rf $(INTO)/$(LIBDIR)/lacre $(INTO)/$(LUADIR)/lacre $(INTO)/bin/lacre \
	  $(foreach p,$(PAGES),$(INTO)/share/$(firstword $(subst :, ,$(p))))

# for lacre-scm-1.rockspec, which gives the three directories
install-rock: $(CORE)
	install -d '$(ROCK_LIBDIR)/lacre' '$(ROCK_BINDIR)' $(addprefix '$(ROCK_LUADIR)'/,$(sort $(dir $(MODULES:lua/%=%))))
	install -m 755 $(CORE) '$(ROCK_LIBDIR)/lacre/core.so'
	for f in $(MODULES:lua/%=%); do install -m 644 "lua/$$f" '$(ROCK_LUADIR)'/"$$f" || exit 1; done
	install -m 755 lua/bin/lacre '$(ROCK_BINDIR)/lacre'

## clean: removes build/
clean:
	rm -rf build

## help: this list
help:
	@echo 'make: builds build/lacre and its module (LUA=$(LUA))'
	@sed -n 's/^## /make /p' Makefile

.PHONY: all test memory asan valgrind fuzz lint daemons prometheus agree browser hostile platforms bench bench-ca bench-health bench-workers docs deps install uninstall install-rock clean help
