# lacre: `make` builds build/, `make help` lists the rest.
LUA ?= $(shell for l in lua5.4 luajit lua5.3 lua5.2 lua5.1 lua5.5; do \
         pkg-config --exists $$l 2>/dev/null && command -v $$l >/dev/null && { echo $$l; break; }; done)
PKG_CONFIG ?= pkg-config
CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes $(WERROR)
DEFINES = -D_GNU_SOURCE -DOPENSSL_API_COMPAT=30000 -DOPENSSL_NO_DEPRECATED

BUILD = build/$(LUA)
SOURCES = $(wildcard src/*.c)
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
CORE = $(BUILD)/lacre/core.so

all: $(CORE)

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -Wl,-z,nodelete $(LDFLAGS) -o $@ $^ $$($(PKG_CONFIG) --libs openssl) -lpthread

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c99 $(CFLAGS) $(WARNINGS) $(DEFINES) -fPIC -fvisibility=hidden -MMD -MP $$($(PKG_CONFIG) --cflags $(LUA) openssl) -c -o $@ $<

-include $(OBJECTS:.o=.d)

clean:
	rm -rf build

.PHONY: all clean
