/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Readers at hooks that are no device's: enum tb_point of testbed.h, in its order. What
 * packets do there is judged as at any checkpoint, but not counted to the last one: a hook
 * sees a packet once or several times, and each packet as often as any other.
 */
#ifndef TB_POINTS_H
#define TB_POINTS_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#include "../bpf-progs/testbed.h"

/* libbpf says nothing, or what it said before: for what may be refused. */
void points_quiet(bool on);

/*
 * Which of these programs the kernel's verifier takes, each by itself; the names are those
 * of their functions. False: the object file cannot be read.
 */
bool points_try(const void *elf, size_t size, const char * const *names, int nr, bool *refused);

/* Those of the mask, a bit each; 0, or -1 and a line on stderr. */
int points_attach(const struct bpf_object *obj, unsigned int mask);
void points_detach(void);

#endif
