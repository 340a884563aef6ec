/* SPDX-License-Identifier: GPL-2.0 */
/* What the test of the key-value library and its programs agree on: a list of calls. */
#ifndef KV_H
#define KV_H

#include "meta_kv.h"
#include "meta_kv_spoil.h"

enum kv_op { KV_MAKE, KV_SET32, KV_SET64, KV_FLAG, KV_GET32, KV_GET64, KV_HAS, KV_DEL, KV_OPS };

struct kv_step {
	__u32 op, key;
	__u64 val;	/* to set; of a get: filled in */
	__s64 ret;	/* filled in */
};

#define KV_STEPS	500

struct kv_run {
	__u32 spoil;			/* enum meta_kv_spoil, at XDP, before the first step */
	struct kv_step steps[KV_STEPS];
	__s64 size;			/* filled in: the metadata afterwards, */
	__u32 image[META_KV_SIZE / 4];	/* and its bytes */
};

#endif
