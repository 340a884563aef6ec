/* SPDX-License-Identifier: GPL-2.0 */
/* What the test of the traits' kfuncs and its programs agree on: a list of calls. */
#ifndef TRAITS_H
#define TRAITS_H

enum trait_op { TRAIT_SET = 1, TRAIT_GET, TRAIT_DEL, ADJUST_HEAD, ADJUST_META };

struct trait_step {
	__u32 op;
	__s32 ret;		/* filled in */
	__u64 key;		/* or the bytes to adjust by */
	__u32 len;		/* below 16 */
	__u32 flags;
	__u64 val;		/* set; get: filled in */
};

#define TRAIT_STEPS	80

#endif
