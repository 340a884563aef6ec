/* SPDX-License-Identifier: GPL-2.0 */
/* Between site.bpf.c and site.c; the servers know nothing of it. */
#ifndef SITE_PRIVATE_H
#define SITE_PRIVATE_H

#include "meta_kv_spoil.h"

/* An outer source address, and which site it is. */
struct site_prefix {
	__u32 len;
	__be32 addr;
};

enum site_mode { SITE_WORK, SITE_COUNT };	/* the latter: nothing but count packets */

#define FORGED	77	/* a site that there is not */

struct site_learn_stats {
	__u64 sites, foreign;	/* labelled; from nowhere that is in the map */
	__u64 spoiled;		/* whose metadata was spoiled before */
	__u64 forged;
	struct meta_kv_bad bad;
};

struct site_arrive_stats {
	__u64 sites, unknown;
	struct meta_kv_bad bad;
};

#endif
