# SPDX-License-Identifier: GPL-2.0
#
# build/bpf/FLAVOUR/NAME.bpf.o and its skeleton, from DIR/NAME.bpf.c, for each kernel: compiled
# against its types, with the backend of pkt_meta.bpf.h for its variant.

# the newest there is, not older than 17
CLANG   ?= $(firstword $(foreach c,clang-21 clang-20 clang-19 clang-18 clang-17 clang,\
	     $(shell command -v $c)))
ifeq ($(CLANG),)
  CLANG = $(error there is no clang for BPF programs: make deps installs it)
endif
BPFTOOL := build/tools/bin/bpftool
# (kernel types have anonymous members of named types)
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -fms-extensions -Wno-microsoft-anon-tag -Wall -Werror \
	      -Ibpf-progs -Ibuild/tools/include

# The link build/kernel/FLAVOUR may go back to an older kernel, with older files in it.
build/bpf/%/kernel: FORCE
	@mkdir -p $(@D)
	@to=$$(readlink build/kernel/$*); [ "$$to" = "$$(cat $@ 2>/dev/null)" ] || echo "$$to" >$@

# $(call bpf_rules,FLAVOUR,NAME,DIR)
define bpf_rules
build/bpf/$1/$2.bpf.o: $3/$2.bpf.c bpf-progs/bpf.mk build/bpf/$1/kernel
	$$(if $(V),,@echo '  CLANG   $$@')
	$$(Q)$$(CLANG) $$(BPF_CFLAGS) -DPKT_META_$(shell echo $(1:-debug=) | tr a-z A-Z) \
		-isystem build/kernel/$1 -MMD -MT $$@ -MF $$(@:.o=.d) -c $$< -o $$@

build/bpf/$1/$2.skel.h: build/bpf/$1/$2.bpf.o
	$$(Q)$(BPFTOOL) gen skeleton $$< name $2_bpf >$$@.new && mv $$@.new $$@

-include build/bpf/$1/$2.bpf.d
endef

$(foreach f,$(FLAVOURS),$(foreach p,$(patsubst bpf-progs/%.bpf.c,%,$(wildcard bpf-progs/*.bpf.c)),\
	$(eval $(call bpf_rules,$f,$p,bpf-progs))))

FORCE:
.PHONY: FORCE
