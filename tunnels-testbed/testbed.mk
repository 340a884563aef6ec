# SPDX-License-Identifier: GPL-2.0
#
# make testbed-run: the tunnels testbed on each kernel, one a CPU, then the matrix.
# make matrix: the same for all cases, on all variants; make run: those of TB_CORE, or T=.
# make nested: some tunnels in tunnels, drawn by SEED=N, or by each of SEED="N M".
# make tunnels: what there is.

comma := ,
TB := tunnels-testbed
TB_FILES := $(wildcard $(TB)/tunnels/* $(TB)/paths/*)
TB_TUNNELS := $(notdir $(TB_FILES))

# A case of each kind: what is pushed, by whom, over what, and how the packet gets there.
TB_CORE := plain vxlan4 gretap6 gre4 ipip esp4 wireguard macsec vlan mpls seg6 gre-frag \
	   netkit-l3 bpf-redirect-neigh flowtable

# T= names tunnels (vxlan4), pairs of them (vxlan), cases (vxlan4.bridged), or tunnels in
# tunnels (vxlan4/gre4).
TB_NAMES = $(sort $(TB_TUNNELS) $(patsubst %4,%,$(patsubst %6,%,$(TB_TUNNELS))))
TB_MORE  = $(shell awk -F '"*=*"*' '/^also=/ { f = FILENAME; sub(".*/", "", f); n = split($$2, a, " "); \
	     for (i = 1; i <= n; i++) print f "." a[i] }' $(TB_FILES))
ifneq ($(T),)
  TB_T   := $(subst $(comma), ,$(T))
  TB_BAD := $(strip $(foreach w,$(TB_T),$(if $(filter-out $(TB_NAMES) $(TB_MORE),$w),$(if \
	      $(and $(findstring /,$w),$(filter $(TB_TUNNELS),$(subst /, ,$w))),,$w))))
endif

# Before anything is built.
ifneq ($(filter run matrix,$(MAKECMDGOALS)),)
  ifneq ($(TB_BAD),)
    $(error T=$(firstword $(TB_BAD)): no such tunnel; valid are: $(TB_NAMES), and $(TB_MORE))
  endif
endif

# T may name a test of another suite.
TB_ONLY := $(subst $() ,$(comma),$(or $(filter-out $(TB_BAD),$(TB_T)),$(TB_SET)))
TESTS += $(if $(T),$(if $(filter-out $(TB_BAD),$(TB_T)),testbed-run),testbed-run)

TB_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
TB_SRC := $(addprefix $(TB)/,testbed.c net.c state.c traffic.c points.c expect.c) lib/netns.c lib/results.c

build/testbed/testbed-%: build/bpf/%/testbed.skel.h $(TB_SRC) $(wildcard $(TB)/*.h lib/*.h) \
			 bpf-progs/testbed.h
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(TB_CFLAGS) -Ibuild/bpf/$* -Ibuild/tools/include -o $@ $(TB_SRC) \
		build/tools/lib/libbpf.a -lelf -lz

# What the files use that no package has.
build/testbed/tbtool: $(TB)/tbtool.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(TB_CFLAGS) -Ibuild/tools/include -o $@ $< build/tools/lib/libbpf.a -lelf -lz

build/testbed/matrix: $(TB)/matrix.c lib/results.c $(wildcard $(TB)/*.h lib/*.h)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(TB_CFLAGS) -o $@ $(filter %.c,$^)

# All cases are make matrix's; the others run those that are forwarded, and what T= names.
TB_SHORT := $(if $(TB_ALL),,--short)

# A kernel full of checks is slow: less of everything, in several guests. One kernel alone
# is to use both CPUs, too.
TB_QUICK := $(if $(DEBUG),--quick)
TB_PARTS := $(if $(SEED)$(TB_ONLY),1of1,$(if $(DEBUG),1of4 2of4 3of4 4of4,$(if $(word 2,$(FLAVOURS)),1of1,1of2 2of2)))
TB_OUT   := build/results/testbed.parts

TB_COMMAND = $(if $(SEED),nested SEED="$(SEED)",$(if $(TB_SET),run,matrix))$(if $(T), T=$(T))
TB_SUITE  := $(if $(SEED),nested,testbed)

# One CPU a guest: packets then take the same way in every run, and the guests do not
# wait for each other's. A guest for each seed, or each part: $(call tb_guest,FLAVOUR,SEED,PART)
define tb_guest
TB_GUESTS += testbed-vm-$1.$2.$3
testbed-vm-$1.$2.$3: build/testbed/testbed-$1 build/testbed/tbtool build/bpf/$1/paths.bpf.o build/vm/vmrun build/vm/init
	$$(Q)mkdir -p $(TB_OUT)/$1/$2.$3; build/vm/vmrun --kernel build/kernel/$1 --smp 1 --wire --timeout 1800 --quiet \
		--name $(TB_SUITE)-$1$(if $(SEED),-$2)$(if $(filter-out 1of1,$3),-$3) \
		--share build/results --env 'RESULTS_COMMAND=make $$(TB_COMMAND)' -- \
		build/testbed/testbed-$1 --variant $(1:-debug=) --kernel build/kernel/$1 \
		--bpf build/bpf/$1/paths.bpf.o --results $(TB_OUT)/$1/$2.$3 --pcap build/results/failed-$1 \
		--part $(subst of,/,$3) $(TB_QUICK) $$(TB_SHORT) \
		$(if $(SEED),--random $2,$$(if $$(TB_ONLY),--tunnel $$(TB_ONLY)))
endef
$(foreach f,$(FLAVOURS),$(foreach s,$(or $(SEED),-),$(foreach p,$(TB_PARTS),$(eval $(call tb_guest,$f,$s,$p)))))

# What one guest found is kept if another fails; the matrix even then: it shows where.
testbed-run: build/testbed/matrix $(FLAVOURS:%=build/testbed/testbed-%) build/vm/vmrun build/vm/init
	$(Q)$(TB)/iproute2 build/testbed
	$(Q)rm -rf $(TB_OUT) $(FLAVOURS:%=build/results/$(TB_SUITE)-%.jsonl*) $(FLAVOURS:%=build/results/failed-%)
	@echo '$(TB_SUITE): running on $(FLAVOURS), $(if $(SEED),SEED="$(SEED)"$(comma) )$(if $(TB_SET)$(T),about a minute,some minutes)'
	$(Q)MAKEFLAGS= $(MAKE) --no-print-directory -k -j$$(nproc) -Otarget $(TB_GUESTS); ran=$$?; \
	for f in $(FLAVOURS); do \
		awk 'FNR > 1 || NR == 1' $(TB_OUT)/$$f/*/*.jsonl >$(TB_OUT)/$$f/all && \
			mv $(TB_OUT)/$$f/all build/results/$(TB_SUITE)-$$f.jsonl || ran=1; \
	done; rm -rf $(TB_OUT); \
	echo; \
	cases=$$(for seed in $(or $(SEED),-); do \
		build/testbed/testbed-$(firstword $(FLAVOURS)) --list $(TB_SHORT) \
			$(if $(SEED),--kernel build/kernel/$(firstword $(FLAVOURS)) --random $$seed,$(if $(TB_ONLY),--tunnel $(TB_ONLY))) || echo no-list; \
	done) && \
	build/testbed/matrix --cases "$$cases" $(FLAVOURS:%=build/results/$(TB_SUITE)-%.jsonl) && \
	[ $$ran = 0 ]

# What stock Linux does to packets in packets in packets is in no table.
nested: VARIANTS := $(filter-out baseline,$(VARIANTS))
nested:
	$(if $(VARIANTS),,$(error VARIANT=$(VARIANT): what is expected of nested tunnels is in no table of this variant))
	$(LOCKED) '$(KERNELS); $(MAKE) VARIANT="$(VARIANTS)" \
		SEED="$(or $(subst $(comma), ,$(SEED)),$$(date +%s))" testbed-run'

matrix:
	$(Q)$(MAKE) VARIANT='$(DESIGNS)' matrix-run

matrix-run:
	$(LOCKED) '$(KERNELS); $(MAKE) TB_ALL=1 testbed-run'

# The tables in the README, of what was found last.
readme: build/testbed/matrix
	$(Q)scripts/readme README.md

tunnels:
	@cd $(TB) && for t in tunnels/* paths/*; do \
		sed -n "1s/^# /$${t#*/}: /p; 2s/^# /    /p" "$$t"; done

.PHONY: testbed-run matrix matrix-run nested readme tunnels $(TB_GUESTS)
