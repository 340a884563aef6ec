/* SPDX-License-Identifier: GPL-2.0 */
/* In what ways meta_kv_spoil.bpf.h makes metadata unusable. */
#ifndef META_KV_SPOIL_H
#define META_KV_SPOIL_H

enum meta_kv_spoil {
	SPOIL_NOT,
	SPOIL_NONE,		/* no metadata is made */
	SPOIL_SHORT,		/* shorter than the head */
	SPOIL_MAGIC,		/* something else's */
	SPOIL_VERSION,		/* a later version's */
	SPOIL_FULL,		/* no room for a value */
	SPOILS,
};

#endif
