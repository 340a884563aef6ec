/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of what a variant is expected to do (expect/VARIANT), one rule a line:
 *
 *	case checkpoint hook size traffic  kept|lost|corrupt|refused  # reason
 *
 * The first five are globs. The last rule that fits counts. What no rule fits is
 * expected to be kept. A rule that expects anything else must give its reason, and corrupt
 * is expected of expect/baseline alone: no design may take other bytes for metadata.
 * Refused is a hook whose program the verifier does not take; that of the checkpoint
 * `maker` is the one that makes metadata where packets start.
 */
#ifndef TB_EXPECT_H
#define TB_EXPECT_H

#include <stdbool.h>

enum fate { KEPT, LOST, CORRUPT, REFUSED };

extern const char * const fate_name[];

struct rule {
	char *glob[5];
	enum fate fate;
	char *reason;
	unsigned int line, used;	/* how many cells it decided */
};

struct expect {
	const char *path;
	struct rule *rules;
	int nr;
};

/* 0, or -1 with a line on stderr. */
int expect_read(struct expect *e, const char *path);
/* NULL: kept. */
struct rule *expect_find(struct expect *e, const char *name, const char *checkpoint,
			 const char *hook, unsigned int size, const char *traffic);
/* Is corrupt expected anywhere? */
bool expect_garbage(const struct expect *e);

#endif
