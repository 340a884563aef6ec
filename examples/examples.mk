# SPDX-License-Identifier: GPL-2.0
#
# make example E=NAME: one example in a guest, and what it says.
# make examples: all of them on every design there is, and which can do which.
# WITHHOLD=1: nobody makes metadata, and what needs it has to fail.
# make examples-readme: what they said last, in the READMEs.
#
# An example is a folder: NAME/NAME.c and NAME/NAME.bpf.c are what is run, other C files
# in it programs of their own. `expect` in it says what which design cannot do, and why.

comma    := ,
EX_ALL   := $(sort $(foreach c,$(wildcard examples/*/*.bpf.c),$(notdir $(patsubst %/,%,$(dir $c)))))
EX_ONE   := $(subst $(comma), ,$(E))
EX_RUN   := $(if $(E),$(EX_ONE),$(if $(T),$(filter $(subst $(comma), ,$(T)),$(EX_ALL)),$(EX_ALL)))

ifneq ($(filter example examples,$(MAKECMDGOALS)),)
  ifneq ($(filter-out $(EX_ALL),$(EX_ONE)),)
    $(error E=$(firstword $(filter-out $(EX_ALL),$(EX_ONE))): no such example; valid are: $(EX_ALL))
  endif
endif

# As a test: on movable, where all of it works, and again with metadata withheld, where
# what needs it has to fail.
TESTS += $(if $(and $(filter movable,$(VARIANTS)),$(EX_RUN)),examples-test)

EX_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
EX_LIB    := examples/example.c lib/netns.c lib/results.c lib/train.c

# The skeletons it uses: its own, perhaps others'.
$(foreach e,$(EX_ALL),$(eval EX_SKEL_$e := $(shell sed -n \
	's/^\#include "\(.*\.skel\.h\)"/\1/p' examples/$e/$e.c)))

# build/examples/FLAVOUR/NAME/: $(call ex_rules,FLAVOUR,NAME)
define ex_rules
build/examples/$1/$2/$2: examples/$2/$2.c $(EX_LIB) $(EX_SKEL_$2:%=build/bpf/$1/%) \
			 $(wildcard examples/*.h examples/$2/*.h lib/*.h bpf-progs/*.h)
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo '  CC      $$@')
	$$(Q)$$(CC) $$(EX_CFLAGS) -Ilib -Iexamples -Ibpf-progs -Ibuild/bpf/$1 -Ibuild/tools/include \
		-o $$@ $$(filter %.c,$$^) build/tools/lib/libbpf.a -lelf -lz

build/examples/$1/$2/%: examples/$2/%.c $(wildcard examples/$2/*.h)
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo '  CC      $$@')
	$$(Q)$$(CC) $$(EX_CFLAGS) -o $$@ $$< -pthread

# $$(EX_HOW): nothing, or the name of a special way to run it; $$(EX_FLAGS): how it is told
example-vm-$1-$2: build/vm/vmrun build/vm/init \
		  $(patsubst examples/$2/%.c,build/examples/$1/$2/%,\
		    $(filter-out %.bpf.c,$(wildcard examples/$2/*.c)))
	$$(Q)out=build/examples/$1/results/$2$$(EX_HOW); rm -rf $$$$out; mkdir -p $$$$out; \
	build/vm/vmrun --kernel build/kernel/$1 --name example-$2$$(EX_HOW)-$1 --smp 1 --timeout 240 \
		--accel $$(or $$(ACCEL),$$(if $$(DEBUG),auto,icount)) $$(if $$(V),,--quiet) --share $$$$out \
		--env 'RESULTS_COMMAND=make $$(or $$(EX_COMMAND),example E=$2)' -- \
		build/examples/$1/$2/$2 -i build/kernel/$1/info.json -r $$$$out -o $$$$out/text \
		-e examples/$2/expect $$(EX_FLAGS) >$$$$out/vm 2>&1; rc=$$$$?; \
	[ -n "$$(EX_HOW)" ] || [ ! -f $$$$out/$2.json ] || \
	install -D -m 644 $$$$out/$2.json build/results/$2-$1.json; \
	$$(if $$(EX_QUIET),[ $$$$rc = 0 ] ||) cat $$$$out/text; cat $$$$out/vm; exit $$$$rc

.PHONY: example-vm-$1-$2
endef
$(foreach f,$(FLAVOURS),$(foreach e,$(EX_ALL),$(eval $(call bpf_rules,$f,$e,examples/$e))\
	$(eval $(call ex_rules,$f,$e))))

# $(call ex_each,FLAVOURS): runs all that are asked for, whatever the others do; sets rc
ex_each = rc=0; for f in $1; do for e in $(EX_RUN); do $(MAKE) example-vm-$$f-$$e || rc=1; done; done

# What an example says is kept with the results of the others on the same kernel.
example: VARIANTS := $(or $(VARIANT),movable)
example:
	$(if $(E),,@echo 'make example E=NAME: NAME is one of $(EX_ALL)' >&2; exit 2)
	$(Q)$(MAKE) VARIANT='$(VARIANTS)' $(if $(WITHHOLD),EX_HOW=.without EX_FLAGS='-s -w') example-run

example-run:
	$(LOCKED) '$(KERNELS); $(call ex_each,$(FLAVOURS)); examples/merge $(FLAVOURS) || rc=1; exit $$rc'

examples:
	$(Q)$(MAKE) VARIANT='$(DESIGNS)' examples-run

examples-run:
	$(LOCKED) '$(KERNELS); $(MAKE) EX_QUIET=1 EX_COMMAND=examples examples-all'

examples-all:
	$(Q)$(call ex_each,$(FLAVOURS)); examples/merge $(FLAVOURS) || rc=1; \
	echo; examples/table $(FLAVOURS:%=build/results/examples-%.jsonl) || rc=1; exit $$rc

# Without metadata it is the example that is tested: once is enough, with DEBUG it takes long.
examples-test:
	$(Q)rc=0; for e in $(EX_RUN); do for f in $(filter movable%,$(FLAVOURS)); do \
		$(MAKE) EX_QUIET=1 EX_COMMAND=test EX_HOW=.test EX_FLAGS=-s example-vm-$$f-$$e || rc=1; \
		$(if $(DEBUG),,$(MAKE) EX_QUIET=1 EX_COMMAND=test EX_HOW=.without EX_FLAGS='-s -w' \
			example-vm-$$f-$$e || rc=1;) \
	done; done; examples/merge --test $(filter movable%,$(FLAVOURS)) || rc=1; exit $$rc

examples-readme:
	$(LOCKED) 'examples/readme examples/README.md examples/*/README.md'

.PHONY: examples-readme example example-run examples examples-run examples-all examples-test
