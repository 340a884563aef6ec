# SPDX-License-Identifier: GPL-2.0
#
# build/vm/vmrun boots a kernel and runs a command in it, build/vm/init is the guest's PID 1.

VM_CFLAGS := -O2 -g -Wall -Wextra -Wno-format-truncation -Ilib

build/vm/vmrun: $(addprefix vm/,vmrun.c qemu.c judge.c) lib/ktap_read.c \
		$(addprefix vm/,qemu.h judge.h) lib/ktap_read.h lib/ktap.h
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(VM_CFLAGS) -o $@ $(filter %.c,$^)
	$(Q)ln -sfn ../../vm/splat.allow $(@D)/splat.allow

# it runs before there is a root to take libraries from
build/vm/init: vm/init.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) $(VM_CFLAGS) -static -o $@ $<
