# SPDX-License-Identifier: GPL-2.0
#
# make trilogy: every design on the same kernel, programs, tests and tunnels, and the
# comparison of what came of it. The tunnels are those of make run: all 100 and more cases
# on six kernels take an hour, make matrix has them. The tests' results are
# in files of their own: those of make test stay.

trilogy:
	$(Q)$(MAKE) VARIANT='$(DESIGNS)' trilogy-run

# The comparison even if a suite failed: it shows what.
trilogy-run:
	$(LOCKED) '$(KERNELS); rc=0; \
		$(MAKE) T=semantics,traits,storage,skbext,kunit ST_SUITE=trilogy selftests-run || rc=1; \
		$(MAKE) TB_SET="$(TB_CORE)" testbed-run || rc=1; \
		echo; trilogy/compare $(VARIANTS) && exit $$rc'

# Its tables in the README, and in the one of this folder.
trilogy-readme:
	$(Q)trilogy/readme README.md && trilogy/readme trilogy/README.md

# what selftests/semantics.c is linked with
$(foreach f,$(FLAVOURS),$(eval build/selftests/$f/semantics: \
	build/bpf/$f/semantics.skel.h bpf-progs/semantics.h))

.PHONY: trilogy trilogy-run trilogy-readme
