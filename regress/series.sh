#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the tests that the series of VARIANT brings itself, see bpf.sh.

TESTS=bpf-$VARIANT exec "${0%/*}/bpf.sh"
