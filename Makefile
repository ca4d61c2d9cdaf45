# SPDX-License-Identifier: GPL-2.0
#
# The entry to everything: builds lvx.ko for each supported kernel and the
# launcher, runs them in the emulated machine, tests them. All that is made
# goes to build/. "make help" lists targets and options.

MAKEFLAGS += --no-print-directory --no-builtin-rules
SHELL := /bin/bash

TOP   := $(CURDIR)
BUILD := $(TOP)/build
LAB   := selftests/lab

# Debian 12's two kernels, fetched into build/ and never installed
VERSIONS := 6.1 6.12

# Options of the emulated machine (make run, lab, check ...)
HOST   ?= 6.1
export HOST CPUS CPU MEMORY TIME EMULATOR

W ?= 1

.PHONY: all modules launcher deps kernels help clean distclean
.DEFAULT_GOAL := all

all: modules launcher

help:
	@$(LAB)/help.sh

# ---------------------------------------------------------------- the module

# module VERSION,HEADERS: builds in links to the sources, since kbuild writes
# beside them. A warning is an error, except under a user's own kernel. The
# lock lets two makes of the same module follow one another.
define module
	@$(LAB)/mirror.sh $(BUILD)/$(1)/kbuild
	@flock $(BUILD)/$(1)/kbuild \
		$(MAKE) -s -C $(2) M=$(BUILD)/$(1)/kbuild W=$(W) $(3) modules
	@cp $(BUILD)/$(1)/kbuild/lvx.ko $(BUILD)/$(1)/lvx.ko
	@echo "  $(BUILD:$(TOP)/%=%)/$(1)/lvx.ko"
endef

ifdef KDIR
# Any other kernel tree: only for that one, below its own name.
RELEASE := $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null)

modules:
	@[ -n "$(RELEASE)" ] || { echo "KDIR=$(KDIR): no built kernel tree or headers there" >&2; exit 1; }
	$(call module,$(RELEASE),$(KDIR))
else
modules: $(VERSIONS:%=module-%)

.PHONY: $(VERSIONS:%=module-%)
$(VERSIONS:%=module-%): module-%: kernels
	$(call module,$*,$(BUILD)/kernels/$*/headers,KCFLAGS=-Werror)
endif

# The debugging kernel is made on demand only.
.PHONY: module-debug
module-debug: tools
	@$(LAB)/debug-kernel.sh
	$(call module,debug,$(BUILD)/kernels/debug/headers,CC=gcc-12 KCFLAGS=-Werror)

kernels: tools
	@$(LAB)/kernels.sh $(VERSIONS)

# -------------------------------------------------------------- the launcher

launcher: tools
	@$(MAKE) -C userspace BUILD=$(BUILD)

# ------------------------------------------------------ the emulated machine

# The guest's kernel, one of the same two
GUEST ?= 6.1
# Stock kernels test their ciphers at boot, which takes an emulated CPU longer
# than the rest of it.
RUN_ARGS ?= --kernel /guest/vmlinuz-$(GUEST) --initrd /guest/initrd \
	--append cryptomgr.notests

.PHONY: run lab
ifdef NATIVE
run: launcher kernels
	@$(LAB)/native.sh $(GUEST)
else
run: all
	@$(LAB)/run.sh --interactive --guest --modules lvx --add $(BUILD)/lvx:/bin/lvx \
		-- 'lvx run $(RUN_ARGS)'
endif

lab: all
	@$(LAB)/run.sh --interactive --guest --add $(BUILD)/lvx:/bin/lvx \
		-- 'cat /lab/welcome; exec sh'

# --------------------------------------------------------------------- tests

.PHONY: selftests check check-clients check-fresh check-debug check-fuzz check-kvm-selftests
.PHONY: bench bench-accesses deb
selftests: tools
	@$(MAKE) -C selftests/run BUILD=$(BUILD)
	@$(MAKE) -C selftests/host BUILD=$(BUILD)
	@$(MAKE) -C selftests/boot BUILD=$(BUILD)

# JOBS: only these of check.sh's jobs. What can't be built is a failed test.
check:
	@$(LAB)/check.sh $(JOBS)

# Other programs' virtual machines, unmodified, on lvx.
check-clients:
	@$(LAB)/check.sh clients

# The README's commands and the packages in machines with nothing prepared
FRESH ?= bookworm trixie
check-fresh:
	@$(LAB)/deps.sh --check fresh
	@$(LAB)/check.sh $(FRESH:%=fresh-%)

deb:
	@$(LAB)/deb.sh

check-debug:
	@$(LAB)/check.sh debug

# Ioctls of all kinds, on the debugging kernel. SEED, CALLS: which, how many.
check-fuzz:
	@$(LAB)/check.sh fuzz

# The kernel's own tests of KVM, on KVM and on lvx. TESTS: only these.
check-kvm-selftests: modules emulator
	@$(MAKE) -C selftests/kvm BUILD=$(BUILD)
	@selftests/kvm/check.sh $(TESTS)

bench: modules launcher emulator
	@$(MAKE) -C selftests/bench BUILD=$(BUILD)
	@$(LAB)/run.sh --measure --guest --add $(BUILD)/lvx:/bin/lvx \
		--add $(BUILD)/bench:/bench -- '/bench/run-bench.sh boot'

# Accesses to VMCS and MSRs, which a real CPU pays for more than an instruction.
bench-accesses: modules emulator
	@$(MAKE) -C selftests/bench BUILD=$(BUILD)
	@selftests/bench/accesses.sh $(BUILD)/bench

# ------------------------------------------------------------- requirements

# The lab's own, for whoever measures and tests: make run doesn't wait for it.
.PHONY: emulator
emulator: tools
ifneq ($(EMULATOR),distribution)
	@$(LAB)/emulator.sh >/dev/null
endif

.PHONY: tools
tools:
	@$(LAB)/deps.sh --check build

# FOR=fresh, FOR=deb: what make check-fresh or make deb need besides.
deps:
	@$(LAB)/deps.sh --install $(FOR)

clean:
	rm -rf $(VERSIONS:%=$(BUILD)/%) $(BUILD)/lvx $(BUILD)/lab $(BUILD)/selftests $(BUILD)/userspace

distclean:
	rm -rf $(BUILD)
