# SPDX-License-Identifier: GPL-2.0
#
# make testbed-run: the tunnels testbed on each kernel, all at once, then the matrix.
# make tunnels: what there is.

comma := ,
TB := tunnels-testbed
TB_TUNNELS := $(notdir $(wildcard $(TB)/tunnels/*))

# T= names tunnels (vxlan4), pairs of them (vxlan) or cases (vxlan4.bridged).
TB_NAMES = $(sort $(TB_TUNNELS) $(patsubst %4,%,$(patsubst %6,%,$(TB_TUNNELS))))
TB_MORE  = $(notdir $(addsuffix .bridged,$(shell grep -l ^also=.*bridged $(TB)/tunnels/*)) \
	     $(addsuffix .xdpgeneric,$(shell grep -l ^also=.*xdpgeneric $(TB)/tunnels/*)) \
	     $(addsuffix .taps,$(shell grep -l ^also=.*taps $(TB)/tunnels/*)))
ifneq ($(T),)
  TB_T   := $(subst $(comma), ,$(T))
  TB_BAD := $(filter-out $(TB_NAMES) $(TB_MORE),$(TB_T))
endif

# Before anything is built.
ifneq ($(filter run do-run testbed-run,$(MAKECMDGOALS)),)
  ifneq ($(TB_BAD),)
    $(error T=$(firstword $(TB_BAD)): no such tunnel; valid are: $(TB_NAMES), and $(TB_MORE))
  endif
endif

# T may name a test of another suite.
TB_ONLY := $(subst $() ,$(comma),$(filter-out $(TB_BAD),$(TB_T)))
TESTS += $(if $(T),$(if $(TB_ONLY),testbed-run),testbed-run)

TB_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
TB_SRC := $(addprefix $(TB)/,testbed.c net.c traffic.c expect.c) lib/netns.c lib/results.c

build/testbed/testbed-%: build/bpf/%/testbed.skel.h $(TB_SRC) $(wildcard $(TB)/*.h lib/*.h) \
			 bpf-progs/testbed.h
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(TB_CFLAGS) -Ibuild/bpf/$* -Ibuild/tools/include -o $@ $(TB_SRC) \
		build/tools/lib/libbpf.a -lelf -lz

build/testbed/matrix: $(TB)/matrix.c lib/results.c $(wildcard $(TB)/*.h lib/*.h)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(TB_CFLAGS) -o $@ $(filter %.c,$^)

# One CPU a guest: packets then take the same way in every run, and the guests do not
# wait for each other's.
$(FLAVOURS:%=testbed-vm-%): testbed-vm-%: build/testbed/testbed-% build/vm/vmrun build/vm/init
	@mkdir -p build/results
	$(Q)build/vm/vmrun --kernel build/kernel/$* --name testbed-$* --smp 1 --timeout 240 --quiet \
		--share build/results --env 'RESULTS_COMMAND=make run$(if $(T), T=$(T))' -- \
		build/testbed/testbed-$* --variant $(*:-debug=) --kernel build/kernel/$* \
		--results build/results $(if $(TB_ONLY),--tunnel $(TB_ONLY))

# The matrix even if a guest failed: it shows where.
testbed-run: build/testbed/matrix $(FLAVOURS:%=build/testbed/testbed-%) build/vm/vmrun build/vm/init
	$(Q)rm -f $(FLAVOURS:%=build/results/testbed-%.jsonl*)
	@echo 'testbed: running on $(FLAVOURS), about a minute'
	$(Q)MAKEFLAGS= $(MAKE) --no-print-directory -k -j$(words $(FLAVOURS)) -Otarget $(FLAVOURS:%=testbed-vm-%); ran=$$?; \
	echo; \
	build/testbed/matrix --cases "$$(build/testbed/testbed-$(firstword $(FLAVOURS)) --list \
		$(if $(TB_ONLY),--tunnel $(TB_ONLY)))" $(FLAVOURS:%=build/results/testbed-%.jsonl) && \
	[ $$ran = 0 ]

tunnels:
	@cd $(TB)/tunnels && for t in *; do \
		sed -n "1s/^# /$$t: /p; 2s/^# /    /p" "$$t"; done

.PHONY: testbed-run tunnels $(FLAVOURS:%=testbed-vm-%)
