# Kafkarium. `make` builds, `make run` opens the shell, `make test` tests; `make help` names the rest.
SHELL := /bin/sh
SAN ?=
CC ?= cc
BUILD ?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
comma := ,
OPT ?= -O2
PREFIX ?= /usr/local
Q = $(if $(V),,@echo '  $(patsubst $(BUILD)/%,%,$@)';)

USE_PACKAGES := gcc libc6-dev pkg-config libreadline-dev libsqlite3-dev libncurses-dev libuv1-dev libisal-dev zlib1g-dev \
    libsnappy-dev liblz4-dev libzstd-dev libcmark-dev gettext
TEST_PACKAGES := libcmocka-dev python3-pytest python3-pytest-xdist python3-kafka python3-confluent-kafka kcat python3-pyte python3-pexpect
MODULES := readline ncursesw sqlite3 libuv libisal zlib liblz4 libzstd libcmark

CPPFLAGS += -I. -D_GNU_SOURCE
CFLAGS += -std=gnu17 $(OPT) -g -Wall -Wextra -Werror -fno-common
ifneq ($(SAN),)
CFLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=$(SAN)
endif
# An archive where there is one: the dynamic linker's work was half of a tool's life. STATIC= turns that off.
STATIC ?= $(if $(SAN),,yes)
archive_of = $(filter /%,$(shell $(CC) -print-file-name=lib$(patsubst -l%,%,$(1)).a))
with_archive = $(or $(if $(STATIC),$(if $(filter -l%,$(1)),$(call archive_of,$(1)))),$(1))
snappy = $(if $(and $(STATIC),$(call archive_of,snappy),$(call archive_of,stdc++)),$(call archive_of,snappy) $(call archive_of,stdc++),-lsnappy)
LIBS = $(foreach l,$(shell pkg-config --libs $(MODULES)),$(call with_archive,$(l))) $(snappy) -lm -ldl
PKG_CFLAGS := $(shell pkg-config --cflags $(MODULES) 2>/dev/null)
CPPFLAGS += $(filter-out -D_DEFAULT_SOURCE -D_XOPEN_SOURCE%,$(PKG_CFLAGS))

# The layers of sim, each an archive; a layer may use those before it.
LAYERS := base log cluster wire clients sql net
sources = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(call sources,$(1)))
archive = $(BUILD)/lib/$(1).a
TOP_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard sim/*.c))
SHELL_OBJECTS := $(call objects,shell)
# Archives from the highest layer down, as the linker wants them, up to layer $(1).
upto = $(if $(filter $(1),$(firstword $(2))),$(firstword $(2)),$(firstword $(2)) $(call upto,$(1),$(wordlist 2,99,$(2))))
reverse = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))
archives = $(foreach l,$(call reverse,$(call upto,$(1),$(LAYERS))),$(call archive,$(l)))

# The shell's texts in other languages: shell/translate.h.
CATALOGUES := $(patsubst shell/po/%.po,$(BUILD)/share/locale/%/LC_MESSAGES/kafkarium.mo,$(wildcard shell/po/*.po))

.PHONY: all run test check-use-packages check-test-packages clean help install tests format
all: $(BUILD)/kafkarium tools $(CATALOGUES)

$(BUILD)/kafkarium: $(SHELL_OBJECTS) $(TOP_OBJECTS) $(call archives,net)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(SHELL_OBJECTS) $(TOP_OBJECTS) -Wl,--start-group $(call archives,net) -Wl,--end-group $(LIBS)

define layer_rules
$(call archive,$(1)): $(call objects,sim/$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)ar rcs $$@ $$^
.PHONY: layer-$(1)
layer-$(1): $(call archive,$(1))
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/share/locale/%/LC_MESSAGES/kafkarium.mo: shell/po/%.po
	@command -v msgfmt >/dev/null || { echo "make needs msgfmt, which is not installed (apt-get install gettext)" >&2; exit 1; }
	@mkdir -p $(@D)
	$(Q)msgfmt --check --endianness=little -o $@ $<

# New texts of the sources go into shell/po/*.po, to be translated there: make po
XGETTEXT := xgettext --language=C --from-code=UTF-8 --keyword --keyword=_:2 --keyword=n_:2,3 --keyword=N_:1 --flag=_:2:pass-c-format --flag=n_:2:pass-c-format \
    --flag=n_:3:pass-c-format --no-location --sort-output
.PHONY: po pot
pot:
	@mkdir -p $(BUILD)
	@$(XGETTEXT) -o - $(call sources,shell) | sed '/^"\(POT-Creation-Date\|Report-Msgid-Bugs-To\)/d' >$(BUILD)/kafkarium.pot
# The commands' summaries are taken from their rows; what is not yet translated of them, help shows in English.
po: pot
	@sed -n 's/.*\.summary = \("[^"]*"\).*/N_(\1)/p' shell/commands/*.c | $(XGETTEXT) -o $(BUILD)/summaries.pot -
	@msgcat --use-first --sort-output $(BUILD)/kafkarium.pot $(BUILD)/summaries.pot -o $(BUILD)/all.pot
	@for l in shell/po/*.po; do msgmerge --quiet --update --backup=none --no-fuzzy-matching --no-location --sort-output --no-wrap $$l $(BUILD)/all.pot; done

# ---- tests: tests/LAYER/*.c is one program, over the archives up to that layer; tests/shell over all ----
TEST_LAYERS := $(strip $(foreach l,$(LAYERS),$(if $(wildcard tests/$(l)/*.c),$(l))))
SUMS_OBJECTS := $(BUILD)/obj/tests/sim/sums.o $(BUILD)/obj/tests/sim/sha256.o
TOP_TESTS := $(foreach l,sim seeds shell fuzz,$(if $(wildcard tests/$(l)/*.c),$(l)))
define test_rules
$(BUILD)/tests/$(1): $(filter-out %/seeds/main.o,$(call objects,tests/$(1))) $(BUILD)/obj/tests/harness.o $(if $(filter seeds,$(1)),$(SUMS_OBJECTS)) $(if $(filter sim,$(1)),$(BUILD)/obj/tests/wire/wire_lab.o) $(if $(filter shell fuzz,$(1)),$(filter-out %/shell/main.o,$(SHELL_OBJECTS))) $(if $(filter sim seeds shell fuzz,$(1)),$(TOP_OBJECTS) $(call archives,net),$(call archives,$(1)))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LIBS) -lcmocka
.PHONY: test-$(1)
test-$(1): $(BUILD)/tests/$(1)
	$(BUILD)/tests/$(1)
endef
$(foreach l,$(TEST_LAYERS) $(TOP_TESTS),$(eval $(call test_rules,$(l))))
UNIT_TESTS := $(foreach l,$(TEST_LAYERS) $(TOP_TESTS),$(BUILD)/tests/$(l))

tests: all $(UNIT_TESTS)
test: check-use-packages check-test-packages
	@$(MAKE) --no-print-directory tests
	@tests/run $(BUILD)

run: check-use-packages
	@$(MAKE) --no-print-directory all
	@exec $(BUILD)/kafkarium $(ARGS)

# ---- Kafka's names for the same program ----
TOOL_NAMES := $(shell sed -n 's/^TOOL."\([^"]*\)".*/\1/p' shell/commands.def 2>/dev/null)
.PHONY: tools
tools: $(BUILD)/kafkarium
	@mkdir -p $(BUILD)/bin
	@for t in $(TOOL_NAMES) kafka-run-class; do ln -sf ../kafkarium $(BUILD)/bin/$$t.sh; done

# ---- fuzzers: tests/fuzz/targets.def; `make fuzz SECONDS=30` runs each so long, ONLY=name one of them ----
FUZZ := build/fuzz
SECONDS ?= 0
ONLY ?=
FUZZ_OBJECTS := $(filter-out %/seeds_test.o,$(call objects,tests/fuzz))
$(BUILD)/fuzzer: $(FUZZ_OBJECTS) $(filter-out %/shell/main.o,$(SHELL_OBJECTS)) $(TOP_OBJECTS) $(call archives,net)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
.PHONY: fuzz
fuzz:
	@command -v clang >/dev/null || { echo "make fuzz needs clang, which is not installed (apt-get install clang)" >&2; exit 1; }
	@$(MAKE) --no-print-directory CC=clang OPT=-O1 SAN=fuzzer-no-link,address,undefined BUILD=$(FUZZ) $(FUZZ)/fuzzer
	@mkdir -p $(FUZZ)/seeds $(FUZZ)/found
	@for t in $$(sed -n 's/^TARGET(\(.*\))/\1/p' tests/fuzz/targets.def); do ln -sf fuzzer $(FUZZ)/$$t; done
	@$(FUZZ)/texts --seeds $(FUZZ)/seeds
	@[ $(SECONDS) -eq 0 ] || for t in $(or $(ONLY),$$(sed -n 's/^TARGET(\(.*\))/\1/p' tests/fuzz/targets.def)); do \
	    echo "$$t: $(SECONDS) s"; mkdir -p $(FUZZ)/corpus/$$t; \
	    $(FUZZ)/$$t -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=20000 -artifact_prefix=$(FUZZ)/found/$$t- -verbosity=0 -print_final_stats=1 \
	        $(FUZZ)/corpus/$$t $(FUZZ)/seeds/$$t || exit 1; done

# ---- random histories: tests/seeds; `make seeds N=1000 FROM=1` plays so many, `build/seeds` says what else it can ----
N ?= 100
FROM ?= 1
SEEDS_OBJECTS := $(filter-out %/seeds_test.o,$(call objects,tests/seeds)) $(SUMS_OBJECTS)
$(BUILD)/seeds: $(SEEDS_OBJECTS) $(TOP_OBJECTS) $(call archives,net)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
.PHONY: seeds
seeds: $(BUILD)/seeds
	@$(BUILD)/seeds $(N) --from $(FROM) --found $(BUILD)/found

# ---- measures: tests/bench; `make bench ONLY=recovery` one of them ----
$(BUILD)/bench: $(call objects,tests/bench) $(TOP_OBJECTS) $(call archives,net)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
.PHONY: bench
bench: $(BUILD)/bench
	@$(BUILD)/bench $(ONLY)

# ---- packages: named first, then installed by apt, where there is one ----
define need_packages
@missing=; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
if [ -n "$$missing" ]; then \
    if command -v apt-get >/dev/null; then \
        as=; [ $$(id -u) = 0 ] || as=sudo; \
        echo "Kafkarium needs these packages, now installed by apt-get:$$missing"; \
        $$as env DEBIAN_FRONTEND=noninteractive apt-get update -qq && \
        $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null || { echo "apt-get could not install:$$missing" >&2; exit 1; }; \
    else \
        echo "No apt-get here. Install what stands for these Debian packages, then 'make':$$missing" >&2; \
        pkg-config --exists $(MODULES) || exit 1; \
    fi; fi
endef
check-use-packages:
	$(call need_packages,$(USE_PACKAGES))
check-test-packages:
	$(call need_packages,$(TEST_PACKAGES))

install: all
	install -D $(BUILD)/kafkarium $(DESTDIR)$(PREFIX)/bin/kafkarium
	for l in lessons/*/*.md; do install -D -m 644 $$l $(DESTDIR)$(PREFIX)/share/kafkarium/$$l || exit 1; done
	for l in $(CATALOGUES:$(BUILD)/%=%); do install -D -m 644 $(BUILD)/$$l $(DESTDIR)$(PREFIX)/$$l || exit 1; done

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

help:
	@echo 'make          builds $(BUILD)/kafkarium and $(BUILD)/bin/kafka-*.sh'
	@echo 'make run      installs what is missing, builds, opens the shell (ARGS="--course")'
	@echo 'make test     installs what is missing, builds, runs all tests'
	@echo 'make test-log one layer of them: $(TEST_LAYERS) $(TOP_TESTS)'
	@echo 'make SAN=address,undefined test     the same under sanitizers'
	@echo 'make fuzz SECONDS=30                runs each fuzzer so long (needs clang)'
	@echo 'make seeds N=1000 FROM=1            plays so many random histories, all checked'
	@echo 'make bench ONLY=recovery            measures, all or one of them'
	@echo 'make layer-log, make install PREFIX=/usr/local, make po, make format, make clean'

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
