# SPDX-License-Identifier: GPL-2.0
#
# The only entry: `make help`. Each room brings its rules in one fragment,
# ROOM/*.mk; here is what leads through all of them.

VARIANT  ?=
VARIANTS := $(or $(VARIANT),baseline movable)
FLAVOURS := $(VARIANTS:%=%$(if $(DEBUG),-debug))
# what compares designs: every one that is here
DESIGNS  := $(or $(VARIANT),baseline $(filter $(notdir $(patsubst %/,%,$(wildcard kernel-patches/*/))),\
	      movable traits storage skbext table))

Q := $(if $(V),,@)
MAKEFLAGS += --no-print-directory
export VARIANT VARIANTS FLAVOURS T V DEBUG LINUX UPDATE ACCEL

help:
	@cat scripts/help

include $(wildcard */*.mk)

T_VALID := $(sort $(ST_ALL) $(ST_HARNESS) $(TB_NAMES) $(TB_MORE) $(EX_ALL))
T_BAD   := $(filter-out $(T_VALID),$(subst $(comma), ,$(T)))
ifneq ($(and $(filter test,$(MAKECMDGOALS)),$(T_BAD)),)
  $(shell echo 'T=$(firstword $(T_BAD)): no such test; valid are: $(T_VALID)' | fold -s -w 90 >&2)
  $(error T=$(firstword $(T_BAD)))
endif
ifneq ($(filter-out auto kvm tcg icount,$(ACCEL)),)
  $(error ACCEL=$(ACCEL): no such accelerator; valid are: auto kvm tcg icount)
endif

# One make at a time in a tree. What follows the kernels is a make of its own, as it
# depends on files that are only there then. (sh -e: the first failure is the last
# thing said.)
LOCKED  = @scripts/locked $@ sh -ec$(if $(V),x)
KERNELS = for v in $(VARIANTS); do kernel-patches/series.sh --hash $$v >/dev/null; done; \
	  scripts/deps; \
	  for v in $(VARIANTS); do kernel-patches/kernel.sh $$v; done

run:
	$(LOCKED) '$(KERNELS); $(MAKE) TB_SET="$(TB_CORE)" testbed-run'

test:
	$(LOCKED) '$(KERNELS); scripts/suites $(TESTS)'

kernel:
	$(LOCKED) '$(KERNELS)'

shell: VARIANTS := $(firstword $(VARIANTS))
shell:
	$(LOCKED) '$(KERNELS); $(MAKE) build/vm/vmrun build/vm/init; \
		build/vm/vmrun --kernel build/kernel/$(firstword $(FLAVOURS)) --name shell --wire \
			--accel $(or $(ACCEL),auto) --share $(CURDIR) --shell $(if $(V),-v)'

check-patches:
	$(LOCKED) '$(KERNELS); $(MAKE) build/vm/vmrun build/vm/init; \
		for v in $(filter-out baseline,$(VARIANTS)); do kernel-patches/check-patches.sh $$v; done'

# Not part of make test: a kernel is built for each.
mutants:
	$(LOCKED) '$(KERNELS); kernel-patches/mutants.sh $(firstword $(filter-out baseline,$(VARIANTS))) \
		$(subst $(comma), ,$(T))'

# In a distribution's kernel; the kernels of the tests need not be there.
layout:
	$(LOCKED) 'scripts/deps; \
		for v in $(or $(filter-out baseline,$(VARIANTS)),baseline); do kernel-patches/layout.sh $$v; done'

deps:
	$(Q)scripts/deps

# Results and the cache stay.
clean:
	$(LOCKED) 'find build -mindepth 1 -maxdepth 1 ! -name .lock ! -name results -exec rm -rf {} +'

distclean:
	$(LOCKED) 'find build -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +; \
		c=$${XDG_CACHE_HOME:-$$HOME/.cache}/skb-meta; [ ! -d "$$c" ] || \
		flock -n "$$c/lock" rm -rf "$$c" || { echo "another make is at work in $$c" >&2; exit 1; }'

.PHONY: help run test kernel shell check-patches mutants layout deps clean distclean
