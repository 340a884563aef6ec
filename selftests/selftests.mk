# SPDX-License-Identifier: GPL-2.0
#
# make harness-run: what runs tests, tested: selftests/harness/, on the host.
# make selftests-run: every selftests/*.c, in a guest of each kernel.
#
# A test is one C file that writes KTAP (lib/ktap.h): selftests/NAME.c. It is linked with
# lib/ and libbpf; skeletons of its variant's BPF programs are in its include path. T=NAME
# runs it alone.

comma      := ,
ST_ALL     := $(filter-out run,$(basename $(notdir $(wildcard selftests/*.c))))
ST_BPF     := $(filter $(patsubst bpf-progs/%.bpf.c,%,$(wildcard bpf-progs/*.bpf.c)),$(ST_ALL))
ST_HARNESS := results golden live bench report tunnels testbed
ST_T       := $(subst $(comma), ,$(T))
ST_GUEST   := $(if $(T),$(filter $(ST_T),$(ST_ALL)),$(ST_ALL))
ST_HOST    := $(if $(T),$(filter $(ST_T),$(ST_HARNESS)),$(ST_HARNESS))
ST_FIRST   := $(firstword $(FLAVOURS))
# results of some tests in a file of their own, beside those of all
ST_SUITE   ?= selftests

TESTS += $(if $(ST_HOST),harness-run) $(if $(ST_GUEST),selftests-run)

ST_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter \
	     -Wno-missing-field-initializers -Ilib
ST_LIB    := lib/netns.c lib/results.c lib/train.c

build/selftests/run: selftests/run.c lib/ktap_read.c lib/results.c $(wildcard lib/*.h)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(ST_CFLAGS) -Wno-format-truncation -o $@ $(filter %.c,$^)

build/selftests/die build/selftests/results: build/selftests/%: selftests/harness/%.c lib/results.c $(wildcard lib/*.h)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(ST_CFLAGS) -o $@ $(filter %.c,$^)

# $(call st_rules,FLAVOUR)
define st_rules
build/selftests/$1/%: selftests/%.c $(ST_LIB) $(wildcard lib/*.h)
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo '  CC      $$@')
	$$(Q)$$(CC) $$(ST_CFLAGS) -Ibuild/bpf/$1 -Ibuild/tools/include -o $$@ $$(filter %.c,$$^) \
		build/tools/lib/libbpf.a -lelf -lz

# tests that bring programs of the same name
$(ST_BPF:%=build/selftests/$1/%): build/selftests/$1/%: build/bpf/$1/%.skel.h

selftests-vm-$1: $(ST_GUEST:%=build/selftests/$1/%) build/selftests/run build/vm/vmrun build/vm/init
	@mkdir -p build/results
	$$(Q)build/vm/vmrun --kernel build/kernel/$1 --name $(ST_SUITE)-$1 --timeout $(if $(DEBUG),1200,240) --append kunit.enable=1 --share build/results \
		--env 'RESULTS_COMMAND=make $(if $(filter trilogy,$(ST_SUITE)),trilogy,test$(if $(T), T=$(T)))' -- \
		build/selftests/run --suite $(ST_SUITE) --info build/kernel/$1/info.json --results build/results \
		$(ST_GUEST:%=build/selftests/$1/%) || [ $$$$? = 4 ]	# nothing but skips: fine

.PHONY: selftests-vm-$1
endef
$(foreach f,$(FLAVOURS),$(eval $(call st_rules,$f)))

# its network is the testbed's
$(foreach f,$(FLAVOURS),$(eval build/selftests/$f/boundary: tunnels-testbed/net.c tunnels-testbed/net.h))

selftests-run:
	$(Q)rc=0; for f in $(FLAVOURS); do $(MAKE) selftests-vm-$$f || rc=1; done; exit $$rc

# One kernel will do: what is tested is the way of running things.
harness-run: $(addprefix build/selftests/,run die results) build/testbed/testbed-$(ST_FIRST) \
		build/testbed/tbtool build/testbed/matrix build/bpf/$(ST_FIRST)/paths.bpf.o build/vm/vmrun build/vm/init build/report/report
	@mkdir -p build/results
	$(Q)VMRUN=build/vm/vmrun MATRIX=build/testbed/matrix TESTBED=build/testbed/testbed-$(ST_FIRST) BPF=build/bpf/$(ST_FIRST)/paths.bpf.o DIE=build/selftests/die KERNEL=build/kernel/$(ST_FIRST) \
		RESULTS_COMMAND='make test$(if $(T), T=$(T))' \
		build/vm/vmrun --host --name harness-$(ST_FIRST) --timeout $(if $(DEBUG),5400,1800) -- \
		build/selftests/run --suite harness --info build/kernel/$(ST_FIRST)/info.json \
		--results build/results $(patsubst selftests/harness/results.sh,build/selftests/results,\
			$(ST_HOST:%=selftests/harness/%.sh))

.PHONY: selftests-run harness-run

# The unit tests of the arithmetic, which the series brings (KUnit).
kunit:
	$(LOCKED) '$(KERNELS); $(MAKE) T=kunit selftests-run'

.PHONY: kunit
