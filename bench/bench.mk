# SPDX-License-Identifier: GPL-2.0
#
# make bench: instructions a packet, on each kernel, in several boots; then the table.
# make size: what the series adds to the image and to structures, from the two vmlinux.

comma       := ,
BENCH_PATHS := lo fwd vxlan
BENCH_BOOTS ?= 3
BENCH_FILES  = $(FLAVOURS:%=build/results/bench-%.jsonl)

ifneq ($(filter bench bench-run,$(MAKECMDGOALS)),)
  BENCH_BAD := $(filter-out $(BENCH_PATHS),$(subst $(comma), ,$(T)))
  ifneq ($(BENCH_BAD),)
    $(error T=$(firstword $(BENCH_BAD)): no such path; valid are: $(BENCH_PATHS))
  endif
endif

build/bench/bench-%: bench/bench.c build/bpf/%/bench.skel.h bench/bench.h \
		     lib/netns.c lib/results.c $(wildcard lib/*.h)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) -O2 -g -std=gnu11 -Wall -Wextra -Ibuild/bpf/$* -Ibuild/tools/include -o $@ \
		$(filter %.c,$^) build/tools/lib/libbpf.a -lelf -lz

# A boot's results are in build/bench/FLAVOUR/BOOT/; what is in build/results is of all boots.
$(FLAVOURS:%=bench-vm-%): bench-vm-%: build/bench/bench-% build/vm/vmrun build/vm/init
	$(Q)rm -rf build/bench/$* build/results/bench-$*.jsonl; mkdir -p build/bench/$* build/results
	$(Q)for boot in $$(seq $(BENCH_BOOTS)); do \
		build/vm/vmrun --kernel build/kernel/$* --name bench-$*.$$boot --timeout 300 \
			--accel $(or $(ACCEL),icount) --smp 1 $(if $(V),,--quiet) --share build/bench/$* \
			--env 'RESULTS_COMMAND=make bench$(if $(T), T=$(T))' -- \
			build/bench/bench-$* -i build/kernel/$*/info.json -r build/bench/$*/$$boot \
			$(if $(T),-t $(T)) || exit 1; \
	done; \
	bench/merge build/bench/$*/*/bench-*.jsonl >build/bench/$*/all && \
	mv build/bench/$*/all build/results/bench-$*.jsonl

bench:
	$(LOCKED) '$(KERNELS); $(MAKE) bench-run'

# One kernel is compared with what there is of baseline from an earlier run.
bench-run:
	@echo 'bench: $(FLAVOURS), $(BENCH_BOOTS) boots each'
	$(Q)for f in $(FLAVOURS); do $(MAKE) bench-vm-$$f || exit 1; done
	@echo
	$(Q)bench/table $(if $(filter baseline%,$(FLAVOURS)),,$(wildcard \
		build/results/bench-baseline$(if $(DEBUG),-debug).jsonl)) $(BENCH_FILES)

# Always beside baseline.
size: VARIANTS := baseline $(or $(filter-out baseline,$(VARIANTS)),movable)
size:
	$(LOCKED) '$(KERNELS); for v in $(filter-out baseline,$(VARIANTS)); do \
		bench/size.sh build/kernel/baseline$(if $(DEBUG),-debug) \
			build/kernel/$$v$(if $(DEBUG),-debug); done'

.PHONY: bench bench-run size $(FLAVOURS:%=bench-vm-%)
