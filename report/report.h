/* SPDX-License-Identifier: GPL-2.0 */
/* What is in the report: one file a subject, each asked by report.c. */
#ifndef REPORT_H
#define REPORT_H

#include "doc.h"
#include "read.h"

#define MAX_VARIANTS	8

extern const char *variants[MAX_VARIANTS];	/* in the order of columns */
extern int nr_variants;

/* -1: none of those. Debug kernels' results are in no figure. */
int variant_of(const struct row *r);
int find_variant(const char *name);
int find_run(const char *suite, const char *variant);
run_mask runs_of(const char *suite);

/* What is missing, and the make target that makes it, for a variant; NULL: none. */
void missing(const char *target, const char *variant, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* survival.c */
struct fates {
	unsigned int cells, fate[MARKS], unexpected, cases;
};

struct fates fates_of(int variant, const char *suite, const char *hook);	/* NULL: all hooks */
void survival_check(void);
void survival_section(struct doc *d);
void survival_summary(struct doc *d, int variant);	/* beside baseline, for a cover letter */
void semantics_section(struct doc *d);
/* Rows that are as they should be; 0 rows: not measured. */
void semantics_count(int variant, int *right, int *rows);
run_mask semantics_runs(void);

/* cost.c */
void cost_read(void);
void cost_check(bool page);	/* a page wants all paths there are, a letter some */
void cost_trilogy(struct table *t);	/* rows of the one table: a label, a cell a variant */
void cost_targets(struct doc *d);
void cost_section(struct doc *d);
void cost_counts(struct doc *d);
void cost_bytes(struct doc *d);
void cost_examples(struct doc *d);
void cost_seconds(struct doc *d);
void cost_summary(struct doc *d, int variant);
bool cost_sizes_summary(struct doc *d, int variant);
void cost_not_shown(struct doc *d);

/* sizes.c: report/sizes' lines, about series and images */
int sizes_read(const char *path, char **why);
void sizes_check(void);
void sizes_trilogy(struct table *t);
void sizes_section(struct doc *d);
void sizes_summary(struct doc *d, int variant);
const char *series_hash(const char *variant);	/* "": not known */

#endif
