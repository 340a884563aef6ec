# SPDX-License-Identifier: GPL-2.0
#
# make bench: instructions a packet, on each kernel, in several boots; then the table. T=all:
# on all paths there are, without T= on some. ADD=1: keeps what there is of other paths.
# make bench-here: the same on this machine, in time.
# make size: what the series adds to the image and to structures, from the two vmlinux.
# make times: how long make targets take.

comma       := ,
BENCH_BOOTS ?= 3
# Each clock has files of its own: bench is instructions, bench-kvm time.
BENCH_ACCEL := $(or $(ACCEL),icount)
BENCH_SUITE := bench$(patsubst %,-%,$(filter-out icount,$(BENCH_ACCEL)))
BENCH_T     := $(subst $(comma), ,$(T))
BENCH_PATHS := $(shell awk -F'"' '/^static struct path paths/, /^};/ { if (NF > 1) print $$2 }' bench/bench.c)

ifneq ($(filter bench bench-run bench-here,$(MAKECMDGOALS)),)
  BENCH_BAD := $(filter-out $(if $(filter-out all,$(BENCH_T)),,all) $(BENCH_PATHS),$(BENCH_T))
  ifneq ($(BENCH_BAD),)
    $(error T=$(firstword $(BENCH_BAD)): no such path; valid are: all, or of $(BENCH_PATHS))
  endif
endif

BENCH_SRC := bench/bench.c tunnels-testbed/net.c lib/netns.c lib/results.c lib/train.c

build/bench/bench-%: $(BENCH_SRC) build/bpf/%/bench.skel.h build/bpf/%/bench_count.skel.h \
		     bench/bench.h $(wildcard lib/*.h) tunnels-testbed/net.h
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers \
		-Ibuild/bpf/$* -Ibuild/tools/include -o $@ $(BENCH_SRC) build/tools/lib/libbpf.a -lelf -lz

# Tables of sockets as large as they are on larger machines: see bench.c.
BENCH_APPEND := uhash_entries=65536 thash_entries=65536

BENCH_RESULTS = build/results/$(BENCH_SUITE)-$*.jsonl

# A boot's results are in build/bench/FLAVOUR/BOOT/; what is in build/results is of all boots.
$(FLAVOURS:%=bench-vm-%): bench-vm-%: build/bench/bench-% build/vm/vmrun build/vm/init
	$(Q)rm -rf build/bench/$*; mkdir -p build/bench/$* build/results
	$(Q)! [ -f $(BENCH_RESULTS) ] || $(if $(ADD),cp,mv) $(BENCH_RESULTS) build/bench/$*/before
	$(Q)for boot in $$(seq $(BENCH_BOOTS)); do \
		build/vm/vmrun --kernel build/kernel/$* --name bench-$*.$$boot --timeout 1200 \
			--accel $(BENCH_ACCEL) --smp 1 $(if $(V),,--quiet) --share build/bench/$* \
			--append '$(BENCH_APPEND)' \
			--env 'RESULTS_COMMAND=make bench$(if $(T), T=$(T))$(if $(ADD), ADD=1)$(if $(ACCEL), ACCEL=$(ACCEL))' -- \
			build/bench/bench-$* -i build/kernel/$*/info.json -r build/bench/$*/$$boot \
			-s $(BENCH_SUITE) \
			$(if $(T),-t $(T)) || exit 1; \
	done; \
	bench/merge build/bench/$*/*/bench-*.jsonl >build/bench/$*/all && \
	if [ "$(ADD)" ] && [ -f build/bench/$*/before ]; then \
		bench/join build/bench/$*/before build/bench/$*/all >build/bench/$*/joined && \
		mv build/bench/$*/joined build/bench/$*/all; \
	fi && mv build/bench/$*/all $(BENCH_RESULTS)

bench:
	$(LOCKED) '$(KERNELS); $(MAKE) bench-run'

# Instructions are the same whatever else runs, time is not. Every kernel there are results
# of from an earlier run is in the table, too. Targets are in instructions.
bench-run:
	@echo 'bench: $(FLAVOURS), $(BENCH_BOOTS) boots each'
	$(Q)MAKEFLAGS= $(MAKE) --no-print-directory -Otarget -j$(if $(filter kvm,$(BENCH_ACCEL)),1,$$(nproc)) \
		$(FLAVOURS:%=bench-vm-%)
	@echo
	$(Q)for v in baseline movable traits storage skbext table; do \
		f=build/results/$(BENCH_SUITE)-$$v$(if $(DEBUG),-debug).jsonl; [ ! -f $$f ] || echo $$f; \
	done | xargs bench/table $(if $(filter bench,$(BENCH_SUITE)),-o build/results/bench-targets.jsonl) \
		|| { $(if $(filter bench,$(BENCH_SUITE)),rm -f build/results/bench-targets.jsonl;) exit 1; }

bench-here:
	$(LOCKED) 'bench/run --here $(if $(T),-t $(T))'

# Where the instructions are: PROFILE='link.floor.xdp link.labelled.64' are names that the
# bench prints, T= the paths these are on. Of two, what the second one has more.
build/bench/profile.so: bench/profile.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) -O2 -Wall -Wextra -shared -fPIC -o $@ $<

bench-profile: VARIANTS := $(firstword $(filter-out baseline,$(VARIANTS)) baseline)
bench-profile:
	$(LOCKED) '$(KERNELS); $(MAKE) VARIANT=$(VARIANTS) bench-profile-run'

# (vmrun takes the first qemu-system-x86_64 in PATH)
bench-profile-run: build/bench/bench-$(firstword $(FLAVOURS)) build/bench/profile.so \
		   build/vm/vmrun build/vm/init
	$(Q)rm -rf build/bench/profile; mkdir -p build/bench/profile/bin
	$(Q)printf '#!/bin/sh\nexec %s "$$@" -plugin %s,out=%s\n' "$$(command -v qemu-system-x86_64)" \
		$(CURDIR)/build/bench/profile.so $(CURDIR)/build/bench/profile/round \
		>build/bench/profile/bin/qemu-system-x86_64; chmod +x build/bench/profile/bin/*
	$(Q)PATH=$(CURDIR)/build/bench/profile/bin:$$PATH build/vm/vmrun \
		--kernel build/kernel/$(firstword $(FLAVOURS)) --name bench-profile --timeout 600 \
		--accel icount --share build/bench/profile --append '$(BENCH_APPEND)' \
		--env 'PROFILE=$(PROFILE)' -- build/bench/bench-$(firstword $(FLAVOURS)) \
		-i build/kernel/$(firstword $(FLAVOURS))/info.json -r build/bench/profile \
		$(if $(T),-t $(T))
	$(Q)bench/where build/kernel/$(firstword $(FLAVOURS))/System.map 64 build/bench/profile/round.*

# Always beside baseline.
size: VARIANTS := baseline $(or $(filter-out baseline,$(VARIANTS)),movable)
size:
	$(LOCKED) '$(KERNELS); mkdir -p build/results; for v in $(filter-out baseline,$(VARIANTS)); do \
		bench/size.sh build/kernel/baseline$(if $(DEBUG),-debug) \
			build/kernel/$$v$(if $(DEBUG),-debug) build/results; done'

# Words of a target are separated by commas: TIMES='kernel run,T=plain'.
TIMES ?= kernel run test matrix nested trilogy bench size
times:
	$(LOCKED) 'bench/times $(foreach t,$(TIMES),"$(subst $(comma), ,$t)")'

.PHONY: times bench bench-here bench-run bench-profile bench-profile-run size $(FLAVOURS:%=bench-vm-%)
