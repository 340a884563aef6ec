/* SPDX-License-Identifier: GPL-2.0 */
/* What the test of the key-value library and its programs agree on: lists of calls. */
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

/* Besides the ways of enum meta_kv_spoil: 32 bytes, and a head that has 8 keys of 8 bytes. */
#define KV_LONG_HEAD	SPOILS

/* When an skb's program takes over what XDP left. */
enum kv_adopt { KV_ADOPT_NOT, KV_ADOPT_FIRST, KV_ADOPT_LAST };

struct kv_run {
	__u32 spoil;			/* at XDP, before the first step */
	__u32 adopt;			/* at an skb: enum kv_adopt */
	__u32 nr;			/* steps */
	struct kv_step steps[KV_STEPS];
	__u32 done;			/* filled in: how often this was run, */
	__s32 adopted;			/* what adopting returned, */
	__s64 size;			/* the metadata afterwards, */
	__u32 image[META_KV_SIZE / 4];	/* and its bytes */
};

#endif
