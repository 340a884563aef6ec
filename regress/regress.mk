# SPDX-License-Identifier: GPL-2.0
#
# make regress: the kernel's own tests on the stock kernel and on a patched one, and
# what differs. T=NAME: one test.

regress: VARIANTS := baseline $(filter-out baseline,$(or $(VARIANT),movable))
regress:
	$(LOCKED) '$(KERNELS); scripts/deps regress/packages; \
		for v in $(VARIANTS); do regress/build.sh $$v; done; regress/build-net.sh; \
		$(MAKE) build/vm/vmrun build/vm/init build/selftests/run; regress/run.sh $(VARIANTS)'

.PHONY: regress
