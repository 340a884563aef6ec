// SPDX-License-Identifier: GPL-2.0
/* What became of metadata: through tunnels, and in the cases of the semantics test. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tunnels-testbed/checkpoints.h"
#include "report.h"

#define SHOWN	40	/* of a list; the results have all of it */

static enum mark mark_of(const struct row *r)
{
	return !strcmp(r->observed, "kept") ? KEPT : !strcmp(r->observed, "lost") ? LOST :
	       !strcmp(r->observed, "corrupt") ? CORRUPT : MISSED;
}

static bool is_cell(const struct row *r, const char *suite)
{
	return *r->checkpoint && !strcmp(runs[r->run].suite, suite) &&
	       strcmp(r->verdict, "skip");
}

struct fates fates_of(int variant, const char *suite, const char *hook)
{
	struct fates f = { 0 };
	const char *last = NULL;

	for (int i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];

		if (!is_cell(r, suite) || variant_of(r) != variant || (hook && strcmp(r->hook, hook)))
			continue;
		f.cells++;
		f.fate[mark_of(r)]++;
		f.unexpected += !strcmp(r->verdict, "fail");
		f.cases += r->name != last;	/* those of a case are together */
		last = r->name;
	}
	return f;
}

/* Each name once, in the order seen; returns its number. */
static int number(const char **list, int *nr, int max, const char *name)
{
	int i = 0;

	while (i < *nr && list[i] != name)
		i++;
	if (i == max)
		return -1;
	if (i == *nr)
		list[(*nr)++] = name;
	return i;
}

#define MAX_CASES 1024

/* Of each variant the run that has them; -1: none. make test makes one, make trilogy another. */
static int semantics_run[MAX_VARIANTS];

static bool semantics_case(const struct row *r)
{
	const char *suite = runs[r->run].suite;

	return variant_of(r) >= 0 && !strncmp(r->name, "semantics.", 10) &&
	       (!strcmp(suite, "selftests") || !strcmp(suite, "trilogy"));
}

static void find_semantics(void)
{
	for (int v = 0; v < nr_variants; v++)
		semantics_run[v] = -1;
	for (int i = 0; i < nr_rows; i++) {
		const int run = rows[i].run;
		int *of;

		if (!semantics_case(&rows[i]))
			continue;
		of = &semantics_run[variant_of(&rows[i])];
		/* the later one, as in trilogy/compare */
		if (*of < 0 || strcmp(runs[run].date, runs[*of].date) > 0)
			*of = run;
	}
}

run_mask semantics_runs(void)
{
	run_mask m = 0;

	for (int v = 0; v < nr_variants; v++)
		if (semantics_run[v] >= 0)
			m |= 1ull << semantics_run[v];
	return m;
}

static bool semantics_row(const struct row *r)
{
	return semantics_case(r) && semantics_run[variant_of(r)] == r->run;
}

void survival_check(void)
{
	static const char *of[MAX_VARIANTS][MAX_CASES], *all[MAX_CASES];
	int nr[MAX_VARIANTS] = { 0 }, nr_all = 0;

	for (int i = 0; i < nr_rows; i++) {
		int v = variant_of(&rows[i]);

		if (v < 0 || strcmp(runs[rows[i].run].suite, "testbed"))
			continue;
		number(of[v], &nr[v], MAX_CASES, rows[i].name);
		number(all, &nr_all, MAX_CASES, rows[i].name);
	}
	for (int v = 0; v < nr_variants; v++) {
		const int run = find_run("testbed", variants[v]);

		if (run >= 0 && nr[v] < nr_all)
			missing("matrix", variants[v], "`%s` has %d of the %d tunnels and paths that "
				"there are results of (it was made by `%s`)", runs[run].file, nr[v],
				nr_all, runs[run].command);
		else if (run >= 0 && strncmp(runs[run].command, "make matrix", 11) &&
			 (strstr(runs[run].command, " T=") || !strncmp(runs[run].command, "make run", 8)))
			missing("matrix", variants[v], "`%s` was made by `%s`, which does not send packets "
				"through all tunnels and paths there are", runs[run].file,
				runs[run].command);
	}

	find_semantics();
	nr_all = 0;
	for (int i = 0; i < nr_rows; i++)
		if (semantics_row(&rows[i]))
			number(all, &nr_all, MAX_CASES, rows[i].name);
	for (int v = 0; v < nr_variants; v++) {
		const int run = semantics_run[v] >= 0 ? semantics_run[v] :
			find_run("selftests", variants[v]);
		int right, n;

		semantics_count(v, &right, &n);
		if (run >= 0 && (!n || n < nr_all))
			missing("test", variants[v], "`%s` has %d of the %d cases `semantics.*` that there "
				"are results of (it was made by `%s`)", runs[run].file, n, nr_all,
				runs[run].command);
	}
}

static void heat_map(struct doc *d, const char *hook)
{
	static const char *cases[MAX_CASES], *points[64];
	const char *groups[MAX_VARIANTS];
	struct heat h = { .row = cases, .column = points, .group = groups };
	int of[MAX_VARIANTS];
	char caption[512];

	for (int v = 0; v < nr_variants; v++) {
		of[v] = h.groups;
		if (fates_of(v, "testbed", hook).cells)
			groups[h.groups++] = variants[v];
	}

	for (size_t i = 0; i < NR_CHECKPOINTS; i++)
		points[h.columns++] = intern(checkpoints[i].name);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < nr_rows; i++) {
			const struct row *r = &rows[i];
			int v = variant_of(r), c, p;
			struct heat_cell *cell;
			enum mark m;

			if (v < 0 || !is_cell(r, "testbed") || strcmp(r->hook, hook))
				continue;
			c = number(cases, &h.rows, MAX_CASES, r->name);
			p = number(points, &h.columns, 64, r->checkpoint);
			if (!pass || c < 0 || p < 0)
				continue;
			cell = h.cell + (c * h.groups + of[v]) * h.columns + p;
			m = mark_of(r);
			cell->split |= cell->mark && (m == KEPT) != (cell->mark == KEPT);
			cell->unexpected |= !strcmp(r->verdict, "fail");
			if (m > cell->mark)
				cell->mark = m;
		}
		if (!pass)
			h.cell = calloc(h.rows * h.groups * h.columns, sizeof(*h.cell));
	}
	snprintf(caption, sizeof(caption),
		 "Survival by tunnel or path, checkpoint and variant, read through `%s`. "
		 "A cell is the worst of all sizes and kinds of traffic; blank: the path has no such "
		 "checkpoint, or there is no result.", hook);
	doc_heat(d, &h, runs_of("testbed"), caption);
	free(h.cell);
}

/* Why cells are not kept: one row a variant, fate and reason. */
static void reasons(struct doc *d, int only)
{
	struct reason {
		int variant, cells;
		enum mark mark;
		const char *why;
		const char *cases[MAX_CASES];
		int nr_cases;
	} *list = calloc(256, sizeof(*list));
	struct table t = { .wide = true };
	int nr = 0;

	for (int i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];
		int v = variant_of(r), at = 0;

		if (v < 0 || !is_cell(r, "testbed") || strcmp(r->verdict, "xfail") ||
		    (only >= 0 && v != only))
			continue;
		while (at < nr && (list[at].variant != v || list[at].why != r->reason ||
				   list[at].mark != mark_of(r)))
			at++;
		if (at == 256)
			continue;
		if (at == nr)
			list[nr++] = (struct reason){ .variant = v, .why = r->reason,
						      .mark = mark_of(r) };
		list[at].cells++;
		number(list[at].cases, &list[at].nr_cases, MAX_CASES, r->name);
	}
	table_column(&t, "variant");
	table_column(&t, "fate");
	table_column(&t, ">cells");
	table_column(&t, "reason");
	table_column(&t, "where");
	for (int v = 0; v < nr_variants; v++)
		for (int i = 0; i < nr; i++) {
			char where[256] = "";
			int n = 0, c = 0;

			if (list[i].variant != v)
				continue;
			if (d->format == TEXT) {
				doc_item(d, "%d %s: %s (%s%s)", list[i].cells,
					 mark_name[list[i].mark], list[i].why, list[i].cases[0],
					 list[i].nr_cases > 1 ? ", ..." : "");
				continue;
			}
			for (; c < list[i].nr_cases && n < 120; c++)
				n += snprintf(where + n, sizeof(where) - n, "%s%.60s", c ? ", " : "",
					      list[i].cases[c]);
			if (c < list[i].nr_cases)
				snprintf(where + n, sizeof(where) - n, " and %d more",
					 list[i].nr_cases - c);
			table_cell(&t, NULL, "%s", variants[v]);
			table_cell(&t, NULL, "%s", mark_name[list[i].mark]);
			table_cell(&t, NULL, "%d", list[i].cells);
			table_cell(&t, NULL, "%s", list[i].why);
			table_cell(&t, NULL, "%s", where);
		}
	if (d->format != TEXT)
		doc_table(d, &t, runs_of("testbed"), "Cells that are not kept, as expected: why.");
	free(list);
}

/* One line a variant, case and reason. */
static void unexpected(struct doc *d)
{
	struct group {
		const struct row *first;
		int cells;
	} *list = calloc(nr_rows + 1, sizeof(*list));
	int nr = 0;

	for (int i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];
		int at = nr;

		if (variant_of(r) < 0 || strcmp(r->verdict, "fail") || !*r->checkpoint)
			continue;
		while (at && (list[at - 1].first->run != r->run || list[at - 1].first->name != r->name ||
			      list[at - 1].first->reason != r->reason))
			at--;
		if (!at)
			list[at = nr++].first = r;
		else
			at--;
		list[at].cells++;
	}
	if (nr) {
		doc_text(d, "Not as expected:");
		doc_list(d, true);
	}
	for (int i = 0; i < nr && i < SHOWN; i++)
		doc_item(d, "%s, `%s`, %d cells: %s (the first: %s, `%s:%u`)",
			 runs[list[i].first->run].variant, list[i].first->name, list[i].cells,
			 list[i].first->reason, list[i].first->checkpoint,
			 runs[list[i].first->run].file, list[i].first->line);
	if (nr > SHOWN)
		doc_item(d, "and %d more, see the files", nr - SHOWN);
	if (nr)
		doc_list(d, false);
	free(list);
}

static void fates_cells(struct table *t, const struct fates *f)
{
	table_cell(t, NULL, "%u", f->cells);
	table_cell(t, NULL, "%u", f->fate[KEPT]);
	table_cell(t, NULL, "%u", f->fate[LOST]);
	table_cell(t, f->fate[CORRUPT] ? "bad" : NULL, "%u", f->fate[CORRUPT]);
	table_cell(t, NULL, "%u", f->fate[MISSED]);
	table_cell(t, f->unexpected ? "bad" : NULL, "%u", f->unexpected);
}

static void fates_columns(struct table *t)
{
	table_column(t, ">cells");
	table_column(t, ">kept");
	table_column(t, ">lost");
	table_column(t, ">corrupt");
	table_column(t, ">missed");
	table_column(t, ">not as expected");
}

/* Tunnels in tunnels, by how many there are. */
static void nested(struct doc *d)
{
	struct fates f[MAX_VARIANTS][16] = { 0 };
	struct table t = { 0 };

	for (int i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];
		int v = variant_of(r), depth = 1;

		if (v < 0 || (!is_cell(r, "nested") && !is_cell(r, "testbed")))
			continue;
		for (const char *p = r->name; *p; p++)
			depth += *p == '/';
		if (depth < 2 || depth > 15)
			continue;
		f[v][depth].cells++;
		f[v][depth].fate[mark_of(r)]++;
		f[v][depth].unexpected += !strcmp(r->verdict, "fail");
	}
	table_column(&t, "variant");
	table_column(&t, ">tunnels deep");
	fates_columns(&t);
	for (int v = 0; v < nr_variants; v++)
		for (int depth = 2; depth < 16; depth++) {
			if (!f[v][depth].cells)
				continue;
			table_cell(&t, NULL, "%s", variants[v]);
			table_cell(&t, NULL, "%d", depth);
			fates_cells(&t, &f[v][depth]);
		}
	doc_table(d, &t, runs_of("nested") | runs_of("testbed"), "Tunnels in tunnels.");
}

static const char *hooks[16];
static int nr_hooks;

static void find_hooks(void)
{
	nr_hooks = 0;
	for (int i = 0; i < nr_rows; i++)
		if (variant_of(&rows[i]) >= 0 && is_cell(&rows[i], "testbed"))
			number(hooks, &nr_hooks, 16, rows[i].hook);
}

void survival_section(struct doc *d)
{
	struct table t = { 0 };

	find_hooks();
	if (!nr_hooks) {
		doc_text(d, "No results of the tunnels testbed.");
		return;
	}
	doc_text(d, "Each packet's metadata is made by XDP at its first hop from a value in its own "
		 "payload, and compared byte by byte at each checkpoint. A cell is one tunnel or "
		 "path, checkpoint, way to read, size and kind of traffic: kept is all packets "
		 "with the right bytes, lost is at least one without metadata, corrupt at least "
		 "one with any other bytes.");
	table_column(&t, "variant");
	table_column(&t, "read by");
	table_column(&t, ">tunnels, paths");
	fates_columns(&t);
	for (int v = 0; v < nr_variants; v++)
		for (int h = 0; h < nr_hooks; h++) {
			struct fates f = fates_of(v, "testbed", hooks[h]);

			if (!f.cells)
				continue;
			table_cell(&t, NULL, "%s", variants[v]);
			table_cell(&t, NULL, "%s", hooks[h]);
			table_cell(&t, NULL, "%u", f.cases);
			fates_cells(&t, &f);
		}
	doc_table(d, &t, runs_of("testbed"), "What became of metadata, by variant and way to read.");
	for (int h = 0; h < nr_hooks; h++) {
		char summary[64];

		snprintf(summary, sizeof(summary), "the same map, read through `%s`", hooks[h]);
		if (h)
			doc_fold(d, summary);
		heat_map(d, hooks[h]);
		if (h)
			doc_unfold(d);
	}
	nested(d);
	unexpected(d);
	doc_fold(d, "why cells are not kept, by reason");
	reasons(d, -1);
	doc_unfold(d);
}

void survival_summary(struct doc *d, int variant)
{
	const int both[] = { find_variant("baseline"), variant };
	struct table t = { 0 };
	struct fates f = { 0 };
	double sizes[16];
	int nr = 0, n = 0;
	char buf[128];

	table_column(&t, "survival, cells");
	table_column(&t, ">all");
	table_column(&t, ">kept");
	table_column(&t, ">lost");
	table_column(&t, ">corrupt");
	for (int i = 0; i < 2; i++) {
		if (both[i] < 0 || (i && both[0] == both[1]))
			continue;
		f = fates_of(both[i], "testbed", NULL);
		if (!f.cells)
			continue;
		table_cell(&t, NULL, "%s", i ? variants[both[i]] : "stock");
		table_cell(&t, NULL, "%u", f.cells);
		table_cell(&t, NULL, "%u", f.fate[KEPT]);
		table_cell(&t, NULL, "%u", f.fate[LOST]);
		table_cell(&t, NULL, "%u", f.fate[CORRUPT]);
	}
	doc_table(d, &t, 0, " ");
	if (!f.cells)
		return;
	for (int i = 0; i < nr_rows; i++) {
		int at = 0;

		if (variant_of(&rows[i]) != variant || !is_cell(&rows[i], "testbed"))
			continue;
		while (at < nr && sizes[at] != rows[i].size)
			at++;
		if (at == nr && nr < 16 && !isnan(rows[i].size))
			sizes[nr++] = rows[i].size;
	}
	for (int i = 0; i < nr; i++)
		n += snprintf(buf + n, sizeof(buf) - n, "%s%g", i ? i == nr - 1 ? " and " : ", " : "",
			      sizes[i]);
	doc_text(d, "A cell is one of %u tunnels and paths, at one of up to %zu checkpoints, with %s "
		 "bytes, one kind of traffic and one way to read. Of %s:", f.cases, NR_CHECKPOINTS,
		 nr ? buf : "some", variants[variant]);
	if (f.cells == f.fate[KEPT])
		doc_item(d, "all %u cells are kept", f.cells);
	reasons(d, variant);
	if (f.unexpected)
		doc_item(d, "%u NOT as expected", f.unexpected);
}

/* ---- semantics ---- */

void semantics_count(int variant, int *right, int *nr)
{
	*right = *nr = 0;
	for (int i = 0; i < nr_rows; i++)
		if (semantics_row(&rows[i]) && variant_of(&rows[i]) == variant) {
			*right += !strcmp(rows[i].verdict, "pass");
			++*nr;
		}
}

void semantics_section(struct doc *d)
{
	static const char *names[256];
	const struct row *found[256][MAX_VARIANTS] = { 0 };
	struct table t = { 0 }, why = { .wide = true };
	int nr = 0;

	for (int i = 0; i < nr_rows; i++) {
		int at;

		if (!semantics_row(&rows[i]))
			continue;
		at = number(names, &nr, 256, rows[i].name);
		if (at >= 0)
			found[at][variant_of(&rows[i])] = &rows[i];
	}
	if (!nr) {
		doc_text(d, "No results of the semantics test.");
		return;
	}
	table_column(&t, "case");
	table_column(&why, "variant");
	table_column(&why, "case");
	table_column(&why, "what is not as it should be");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, "%s", variants[v]);
	for (int c = 0; c < nr; c++) {
		table_cell(&t, NULL, "%s", names[c] + strlen("semantics."));
		for (int v = 0; v < nr_variants; v++) {
			const struct row *r = found[c][v];

			if (!r)
				table_cell(&t, "missing", "?");
			else if (!strcmp(r->verdict, "pass"))
				table_cell(&t, "good", "yes");
			else if (!strcmp(r->verdict, "xfail"))
				table_cell(&t, "part", "no");
			else if (!strcmp(r->verdict, "skip"))
				table_cell(&t, "part", "skipped");
			else
				table_cell(&t, "bad", "FAILED");
		}
	}
	for (int v = 0; v < nr_variants; v++)
		for (int c = 0; c < nr; c++)
			if (found[c][v] && strcmp(found[c][v]->verdict, "pass")) {
				table_cell(&why, NULL, "%s", variants[v]);
				table_cell(&why, NULL, "%s", names[c] + strlen("semantics."));
				table_cell(&why, NULL, "%s", found[c][v]->reason);
			}
	doc_table(d, &t, semantics_runs(), "Cases of the semantics test: is it as it should be? "
		  "no: known, with its reason below; ?: not measured.");
	doc_table(d, &why, semantics_runs(), "What is not as it should be.");
}
