// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs. Nothing here knows the benchmark's cases: whatever has a unit and a value
 * is a figure, figures that differ in nothing but their size are a plot by size, and so on.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define MAX_FIGURES	4096
#define MAX_PLOTS	48

/* One thing measured, on each variant: the first row of it, by which it is told apart. */
static struct figure {
	const struct row *is;
	const struct row *on[MAX_VARIANTS];
} figures[MAX_FIGURES];

static int nr_figures;

/* Paths of the benchmark that were not asked for, of each variant. */
static int left_out[MAX_VARIANTS];

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

/*
 * A row of the benchmark's table does the same whatever hooks that takes: some designs have to
 * adopt at tc what XDP wrote.
 */
static bool is_row(const struct row *r)
{
	return !strcmp(r->state, "row");
}

static bool same_case(const struct row *a, const struct row *b)
{
	return a->name == b->name && a->state == b->state && (is_row(a) || a->hook == b->hook) &&
	       a->more == b->more && a->unit == b->unit && same(a->labelled, b->labelled) &&
	       same(a->packets, b->packets);
}

static bool same_figure(const struct row *a, const struct row *b)
{
	return same_case(a, b) && a->path == b->path && same(a->size, b->size) &&
	       same(a->depth, b->depth) && same(a->hops, b->hops);
}

/* ---- kinds of figures, by unit ---- */

/* COST: of the whole path; PROGRAMS: of this, in BPF programs, as the kernel counts. */
enum kind { COST, PROGRAMS, COUNT, BYTES, SECONDS, TARGET, EXAMPLE, SIZE, FUNCTION };

static enum kind kind_of(const struct row *r)
{
	static const char * const clocks[] = { "instructions", "ns/", "ns in ", "cycles", "TSC cycles" };

	if (!strcmp(r->state, "target"))
		return TARGET;
	if (!strncmp(runs[r->run].suite, "examples", 8))
		return EXAMPLE;
	if (!strcmp(runs[r->run].suite, "size"))
		return strcmp(r->state, "function") ? SIZE : FUNCTION;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		if (!strncmp(r->unit, clocks[i], strlen(clocks[i])))
			return strstr(r->unit, "BPF") ? PROGRAMS : COST;
	return !strcmp(r->unit, "bytes") || !strcmp(r->unit, "B") ? BYTES :
	       !strcmp(r->unit, "seconds") || !strcmp(r->unit, "s") ? SECONDS : COUNT;
}

/* Does a packet of it have metadata? */
static bool labelled(const struct row *r)
{
	return r->size > 0 && !(r->labelled == 0);
}

/* What it costs beyond the same path with programs that only count. */
static double cost(const struct row *r)
{
	return r ? isnan(r->floor) ? r->value : r->value - r->floor : NAN;
}

static int stock;

/* The stock kernel's row beside it. That has nothing to be armed: there it is idle. */
static const struct row *on_stock(const struct figure *f)
{
	if (stock < 0 || f->on[stock] || strcmp(f->is->state, "armed"))
		return stock < 0 ? NULL : f->on[stock];
	for (int i = 0; i < nr_figures; i++)
		if (!strcmp(figures[i].is->state, "idle") && figures[i].is->path == f->is->path &&
		    figures[i].is->name == f->is->name && figures[i].is->unit == f->is->unit)
			return figures[i].on[stock];
	return NULL;
}

static double percent(const struct figure *f, int v)
{
	const struct row *a = on_stock(f), *b = f->on[v];

	return a && b && v != stock && a->value ? (b->value - a->value) / a->value * 100 : NAN;
}

/* Of tunnels in tunnels in tunnels the outermost and the innermost. */
static const char *shorten(char buf[64], const char *name)
{
	const char *first = strchr(name, '/'), *last = strrchr(name, '/');

	if (first != last)
		snprintf(buf, 64, "%.*s/..%s", (int)(first - name), name, last);
	else
		snprintf(buf, 64, "%s", name);
	return buf;
}

/* In words; sized: with size and depth. */
static const char *label(const struct row *r, bool sized)
{
	static char buf[256];
	char name[64], path[64];
	const char * const parts[] = { r->path == r->name ? "" : path, is_row(r) ? "" : r->state,
				       is_row(r) ? "" : r->hook, r->more };
	size_t n = snprintf(buf, sizeof(buf) - 64, "%s", shorten(name, r->name));

	shorten(path, r->path);
	for (size_t i = 0; i < 4 && n < sizeof(buf) - 64; i++)
		/* a state or hook that is in the name already says nothing */
		if (*parts[i] && !strstr(r->name, parts[i]))
			n += snprintf(buf + n, sizeof(buf) - 64 - n, "%s%s", i ? " " : " on ", parts[i]);
	if (n > sizeof(buf) - 64)
		n = sizeof(buf) - 64;
	if (r->labelled > 0 && r->labelled < 1)
		n += snprintf(buf + n, sizeof(buf) - n, ", 1 in %.0f", 1 / r->labelled);
	if (sized && r->size > 0)
		n += snprintf(buf + n, sizeof(buf) - n, ", %g bytes", r->size);
	if (sized && r->depth > 1)
		n += snprintf(buf + n, sizeof(buf) - n, ", %g deep", r->depth);
	/* there is one for each length of rounds; of rows how many are labelled tells them apart */
	if (!strcmp(r->state, "floor") && !isnan(r->packets))
		n += snprintf(buf + n, sizeof(buf) - n, ", rounds of %g", r->packets);
	return buf;
}

/* ---- reading ---- */

void cost_read(void)
{
	stock = find_variant("baseline");
	for (int i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];
		int v = variant_of(r), f = 0;

		/* seconds are make targets', on no kernel of ours: cost_seconds() */
		if (v < 0 || !*r->unit || kind_of(r) == SECONDS)
			continue;
		if (!strcmp(r->state, "left out")) {
			left_out[v] += !strcmp(runs[r->run].suite, "bench");
			continue;
		}
		while (f < nr_figures && !same_figure(figures[f].is, r))
			f++;
		if (f == nr_figures) {
			if (f == MAX_FIGURES)
				continue;
			figures[nr_figures++] = (struct figure){ .is = r };
		}
		if (figures[f].on[v]) {
			missing(NULL, NULL, "`%s:%u` measures what line %u does (%s), by the fields that "
				"are looked at; the first is shown", runs[r->run].file, r->line,
				figures[f].on[v]->line, label(r, true));
			continue;
		}
		figures[f].on[v] = r;
	}
}

static bool has_value(const struct figure *f)
{
	for (int v = 0; v < nr_variants; v++)
		if (f->on[v] && !isnan(f->on[v]->value))
			return true;
	return false;
}

static run_mask from(enum kind kind)
{
	run_mask m = 0;

	for (int i = 0; i < nr_figures; i++)
		for (int v = 0; v < nr_variants && kind_of(figures[i].is) == kind; v++)
			if (figures[i].on[v])
				m |= 1ull << figures[i].on[v]->run;
	return m;
}

/* ---- plots ---- */

enum axis { BY_SIZE, BY_DEPTH, BY_HOPS };

static const char * const axis_name[] = { "bytes of metadata", "tunnels around a packet", "hops" };

static double at(const struct row *r, enum axis x)
{
	return x == BY_SIZE ? r->size : x == BY_DEPTH ? r->depth : r->hops;
}

/*
 * Points of one plot: alike but for what is on its axis. Each depth, and each number of
 * hops, is a path of its own; those by hops have no tunnel.
 */
static bool same_plot(const struct row *a, const struct row *b, enum axis x)
{
	return same_case(a, b) &&
	       (x == BY_SIZE || same(a->size, b->size)) &&
	       (x != BY_SIZE || (a->path == b->path && same(a->hops, b->hops))) &&
	       (x == BY_DEPTH || same(a->depth, b->depth));
}

static bool plottable(const struct row *r, enum axis x)
{
	return kind_of(r) == COST && labelled(r) && !(r->labelled < 1) && (x == BY_SIZE || at(r, x) > 0) &&
	       (x != BY_HOPS || !(r->depth > 0));
}

static void add_point(struct line *l, double x, double y)
{
	int i = l->nr;

	for (int k = 0; k < l->nr; k++)
		if (l->x[k] == x)
			return;		/* two paths of one depth: the first stands for it */
	if (l->nr == MAX_POINTS)
		return;
	for (; i > 0 && l->x[i - 1] > x; i--) {
		l->x[i] = l->x[i - 1];
		l->y[i] = l->y[i - 1];
	}
	l->x[i] = x;
	l->y[i] = y;
	l->nr++;
}

static bool make_plot(struct plot *p, const struct row *is, enum axis x)
{
	struct row r = *is;
	int most = 0;

	memset(p, 0, sizeof(*p));
	for (int v = 0; v < nr_variants; v++) {
		struct line *l = &p->line[p->nr];

		*l = (struct line){ .name = variants[v], .mark = v };
		for (int i = 0; i < nr_figures; i++) {
			const struct row *on = figures[i].on[v];

			if (on && same_plot(figures[i].is, is, x) && plottable(figures[i].is, x) &&
			    !isnan(on->value))
				add_point(l, at(on, x), cost(on));
		}
		if (l->nr > most)
			most = l->nr;
		p->nr += l->nr > 0;
	}
	if (x != BY_SIZE)
		r.path = "";
	snprintf(p->title, sizeof(p->title), "%s", label(&r, false));
	if (x != BY_SIZE)
		snprintf(p->title + strlen(p->title), sizeof(p->title) - strlen(p->title),
			 ", %g bytes", r.size);
	snprintf(p->x, sizeof(p->x), "%s", axis_name[x]);
	snprintf(p->y, sizeof(p->y), "%.30s%s", r.unit, isnan(r.floor) ? "" : " beyond the floor");
	return most > 1;
}

/*
 * One a case: by size on the first path there is, by depth and hops of the largest size. Or
 * all others of them.
 */
static int make_plots(struct plot *plots, enum axis x, bool others)
{
	const struct row *first[MAX_PLOTS], *done[MAX_PLOTS];
	int nr_first = 0, nr = 0, k;

	for (int i = 0; i < nr_figures; i++) {
		const struct row *is = figures[i].is;
		struct plot p;

		if (!plottable(is, x) || !make_plot(&p, is, x))
			continue;
		for (k = 0; k < nr_first && !same_case(first[k], is); k++)
			;
		if (k == MAX_PLOTS)
			continue;
		if (k == nr_first)
			first[nr_first++] = is;
		else if (x != BY_SIZE && is->size > first[k]->size)
			first[k] = is;
	}
	for (k = 0; k < nr_first && !others; k++)
		make_plot(&plots[nr++], first[k], x);
	for (int i = 0; i < nr_figures && others && nr < MAX_PLOTS; i++) {
		const struct row *is = figures[i].is;

		for (k = 0; k < nr_first && !same_plot(first[k], is, x); k++)
			;
		if (k < nr_first || !plottable(is, x))
			continue;
		for (k = 0; k < nr && !same_plot(done[k], is, x); k++)
			;
		if (k < nr || !make_plot(&plots[nr], is, x))
			continue;
		done[nr++] = is;
	}
	return nr;
}

static void plot(struct doc *d, enum axis x, bool others, const char *caption)
{
	struct plot *plots = calloc(MAX_PLOTS, sizeof(*plots));
	int nr = make_plots(plots, x, others);

	if (nr && others)
		doc_fold(d, caption);
	doc_plots(d, plots, nr, from(COST), caption);
	if (nr && others)
		doc_unfold(d);
	free(plots);
}

/* No key to what nobody finds. */
static void only_with_dots(struct dots *dots)
{
	int names = 0;

	for (int n = 0; n < dots->names; n++) {
		bool any = false;

		for (int i = 0; i < dots->rows; i++) {
			const double value = dots->row[i].value[n];

			any |= !isnan(value);
			dots->row[i].value[names] = value;
		}
		dots->name[names] = dots->name[n];
		dots->mark[names] = dots->mark[n];
		names += any;
	}
	dots->names = names;
}

/* A floor that differs from one before it in nothing but the length of rounds. */
static bool second_floor(int nr)
{
	const struct row *r = figures[nr].is;

	for (int i = 0; i < nr && !strcmp(r->state, "floor"); i++)
		if (figures[i].is->state == r->state && figures[i].is->path == r->path &&
		    figures[i].is->hook == r->hook && figures[i].is->more == r->more &&
		    figures[i].is->unit == r->unit)
			return true;
	return false;
}

/* What it costs others: rows without metadata, in percent of the same on stock. */
static void idle_dots(struct doc *d)
{
	struct dots dots = { .names = 0 };
	int of[MAX_VARIANTS];
	double most = 0;
	char caption[256];

	for (int v = 0; v < nr_variants; v++)
		if (v != stock) {
			of[dots.names] = dots.mark[dots.names] = v;
			dots.name[dots.names++] = variants[v];
		}
	dots.row = calloc(nr_figures + 1, sizeof(*dots.row));
	for (int i = 0; i < nr_figures; i++) {
		const struct figure *f = &figures[i];
		struct dots_row *row = &dots.row[dots.rows];
		bool any = false;

		if (kind_of(f->is) != COST || (labelled(f->is) && !(f->is->labelled < 1)) ||
		    second_floor(i))
			continue;
		snprintf(row->label, sizeof(row->label), "%.90s", label(f->is, true));
		row->target = f->is->target;
		for (int n = 0; n < dots.names; n++) {
			row->value[n] = percent(f, of[n]);
			any |= !isnan(row->value[n]);
			if (f->on[of[n]] && f->on[of[n]]->spread > most)
				most = f->on[of[n]]->spread;
		}
		dots.rows += any;
	}
	only_with_dots(&dots);
	snprintf(caption, sizeof(caption), "What it costs packets without metadata: the whole path, in "
		 "percent of the same on baseline. Boots differ by up to %.3f %%.", most * 100);
	doc_dots(d, &dots, "% over baseline", from(COST), caption);
	free(dots.row);
}

/* What metadata costs on each path, at one size. */
static void path_dots(struct doc *d)
{
	struct dots dots = { .names = nr_variants };
	const char *of = NULL;
	char unit[96] = "";

	for (int v = 0; v < nr_variants; v++) {
		dots.name[v] = variants[v];
		dots.mark[v] = v;
	}
	dots.row = calloc(nr_figures + 1, sizeof(*dots.row));
	for (int i = 0; i < nr_figures; i++) {
		const struct figure *f = &figures[i];
		struct dots_row *row = &dots.row[dots.rows];
		double best = NAN;
		bool any = false;

		/* on one axis is one unit */
		if (!plottable(f->is, BY_SIZE) || (dots.rows && f->is->unit != of))
			continue;
		of = f->is->unit;
		/* of each case and path the size nearest to 64 bytes */
		for (int k = 0; k < nr_figures; k++)
			if (same_plot(figures[k].is, f->is, BY_SIZE) && has_value(&figures[k]) &&
			    !(fabs(figures[k].is->size - 64) >= fabs(best - 64)))
				best = figures[k].is->size;
		if (f->is->size != best)
			continue;
		snprintf(row->label, sizeof(row->label), "%.90s", label(f->is, true));
		row->target = NAN;
		for (int v = 0; v < nr_variants; v++) {
			row->value[v] = cost(f->on[v]);
			any |= !isnan(row->value[v]);
		}
		dots.rows += any;
		snprintf(unit, sizeof(unit), "%.40s%s", f->is->unit,
			 isnan(f->is->floor) ? "" : " beyond the floor");
	}
	only_with_dots(&dots);
	doc_dots(d, &dots, unit, from(COST), "What metadata costs, by path and what is done with it: beyond "
		 "the same path with programs that only count, on the same kernel.");
	free(dots.row);
}

/* ---- tables ---- */

static void value_cell(struct table *t, const struct figure *f, int v, int digits)
{
	const struct row *r = f->on[v];
	const double p = kind_of(f->is) == COST ? percent(f, v) : NAN;

	if (!r)
		table_cell(t, "part", " ");
	else if (!strcmp(r->verdict, "skip"))
		table_cell(t, "part", "cannot");
	else if (isnan(r->value))
		table_cell(t, "bad", "FAILED");
	else if (!isnan(p))
		table_cell(t, strcmp(r->verdict, "fail") ? NULL : "bad", "%.*f (%+.2f %%)", digits,
			   r->value, p);
	else
		table_cell(t, strcmp(r->verdict, "fail") ? NULL : "bad", "%.*f", digits,
			   kind_of(f->is) == COUNT ? cost(r) : r->value);
}

static void cost_cell(struct table *t, const struct figure *f, int v)
{
	const struct row *r = f->on[v];

	if (r && !isnan(r->value) && !isnan(r->floor))
		table_cell(t, NULL, "%+.1f", cost(r));
	else
		table_cell(t, "part", r && !strcmp(r->verdict, "skip") ? "cannot" : " ");
}

/* Of what is counted: on some variant there is more of it than at the floor, or less. */
static bool counts(const struct figure *f)
{
	for (int v = 0; v < nr_variants; v++)
		if (f->on[v] && fabs(cost(f->on[v])) >= .0005)
			return strcmp(f->is->state, "floor");
	return false;
}

static void figures_table(struct doc *d, enum kind kind, int digits, const char *caption)
{
	struct table t = { .wide = true };

	table_column(&t, "what");
	if (kind != BYTES)
		table_column(&t, "unit");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, ">%s", variants[v]);
	for (int i = 0; i < nr_figures; i++) {
		if (kind_of(figures[i].is) != kind || (kind == COUNT && !counts(&figures[i])))
			continue;
		table_cell(&t, NULL, "%s", label(figures[i].is, true));
		if (kind != BYTES)
			table_cell(&t, NULL, "%s", figures[i].is->unit);
		for (int v = 0; v < nr_variants; v++)
			value_cell(&t, &figures[i], v, digits);
	}
	doc_table(d, &t, from(kind), "%s", caption);
}

static void beyond_table(struct doc *d, enum kind kind, const char *caption)
{
	struct table t = { .wide = true };

	table_column(&t, "what");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, ">%s", variants[v]);
	for (int i = 0; i < nr_figures; i++) {
		bool floor = false;

		for (int v = 0; v < nr_variants; v++)
			floor |= figures[i].on[v] && !isnan(figures[i].on[v]->floor);
		if (kind_of(figures[i].is) != kind || !floor)
			continue;
		table_cell(&t, NULL, "%s", label(figures[i].is, true));
		for (int v = 0; v < nr_variants; v++)
			cost_cell(&t, &figures[i], v);
	}
	doc_table(d, &t, from(kind), "%s", caption);
}

/* Of each clock that there are costs by. */
static void clock_text(struct doc *d)
{
	const char *done[MAX_RUNS];
	int nr = 0, k;

	for (int i = 0; i < nr_figures; i++) {
		const char *accel, *more = figures[i].is->more;
		double most = 0, least = INFINITY;

		if (kind_of(figures[i].is) != COST)
			continue;
		for (k = 0; k < nr && done[k] != more; k++)
			;
		if (k < nr || nr == MAX_RUNS)
			continue;
		done[nr++] = more;
		accel = runs[figures[i].is->run].accel;
		for (int f = i; f < nr_figures; f++)
			for (int v = 0; v < nr_variants; v++) {
				const struct row *r = figures[f].on[v];

				if (!r || r->more != more || kind_of(r) != COST)
					continue;
				most = fmax(most, isnan(r->spread) ? 0 : r->spread);
				least = fmin(least, isnan(r->boots) ? INFINITY : r->boots);
			}
		doc_text(d, "%s: %s. Values are medians over %g or more %s, which differ by at most "
			 "%.3f %%.", *more ? "Another clock" : "The clock",
			 !strcmp(accel, "icount") ? "instructions of the guest, counted by QEMU "
			 "(`-icount`), the same on every machine; they are not time" :
			 !strcmp(accel, "kvm") ? "time under KVM, of the machine it ran on" :
			 !strcmp(accel, "host") ? "time on the machine itself" : accel,
			 isinf(least) ? 1 : least, strcmp(accel, "host") ? "boots" : "runs", most * 100);
	}
}

void cost_section(struct doc *d)
{
	if (!from(COST)) {
		doc_text(d, "No results of the benchmark.");
		return;
	}
	clock_text(d);
	idle_dots(d);
	plot(d, BY_SIZE, false, "Cost by size of the metadata, one plot a case, on the first path of each.");
	plot(d, BY_SIZE, true, "Cost by size on other paths.");
	plot(d, BY_DEPTH, false, "Cost by nesting depth: tunnels in tunnels.");
	plot(d, BY_HOPS, false, "Cost by hops.");
	path_dots(d);
	doc_fold(d, "all values");
	figures_table(d, COST, 1, "The whole path, per packet; in brackets what it is over baseline.");
	beyond_table(d, COST, "The same beyond the floor: the value less the same path with programs that "
		     "only count, or the state before it, on the same kernel.");
	beyond_table(d, PROGRAMS, "Of this, in the programs themselves, as the kernel counts.");
	doc_unfold(d);
}

void cost_counts(struct doc *d)
{
	if (from(COUNT))
		doc_fold(d, "all that is not 0");
	figures_table(d, COUNT, 3, "Counted while packets went through, beyond the same with programs that "
		      "only count. Empty: not measured. What is 0 on all of them is not listed.");
	if (from(COUNT))
		doc_unfold(d);
}

/* Of make size each number beside baseline's, which is in the same row. */
static void sizes_table(struct doc *d, enum kind kind, const char *caption)
{
	struct table t = { 0 };

	table_column(&t, kind == FUNCTION ? "function" : "what");
	for (int v = 0; v < nr_variants; v++)
		if (v != stock)
			table_column(&t, ">%s", variants[v]);
	for (int i = 0; i < nr_figures; i++) {
		if (kind_of(figures[i].is) != kind)
			continue;
		table_cell(&t, NULL, kind == FUNCTION ? "`%s`" : "%s", figures[i].is->name);
		for (int v = 0; v < nr_variants; v++) {
			const struct row *r = figures[i].on[v];

			if (v == stock)
				continue;
			if (r)
				table_cell(&t, NULL, "%.0f (%+.0f)", r->value, r->value - r->floor);
			else
				table_cell(&t, "part", " ");
		}
	}
	doc_table(d, &t, from(kind), "%s", caption);
}

void cost_bytes(struct doc *d)
{
	figures_table(d, BYTES, 0, "Bytes.");
	sizes_table(d, SIZE, "What a series adds to the image, in bytes, and places where code jumps by a "
		    "static key (`make size`); in brackets the difference to baseline.");
	if (from(FUNCTION))
		doc_fold(d, "which functions");
	sizes_table(d, FUNCTION, "Functions that differ most, in bytes, without unit tests (`make size`, by "
		    "the kernel's bloat-o-meter); in brackets the difference to baseline. Empty: not "
		    "among the largest of that variant.");
	if (from(FUNCTION))
		doc_unfold(d);
}

void cost_examples(struct doc *d)
{
	figures_table(d, EXAMPLE, 1, "What the examples cost: value, per packet if the unit says so.");
	beyond_table(d, EXAMPLE, "The same beyond the floor that each example says it has.");
}

/* Rows of bench/times: whatever kernels they made, the machine is one. */
static const struct row *seconds_of(const char *name, const char *state)
{
	for (int i = 0; i < nr_rows; i++)
		if (kind_of(&rows[i]) == SECONDS && rows[i].name == name &&
		    !strcmp(rows[i].state, state))
			return &rows[i];
	return NULL;
}

static void seconds_cell(struct table *t, const struct row *r)
{
	if (!r)
		table_cell(t, "part", " ");
	else if (strcmp(r->verdict, "pass"))
		table_cell(t, "bad", "FAILED after %.1f", r->value);
	else
		table_cell(t, NULL, "%.1f", r->value);
}

void cost_seconds(struct doc *d)
{
	struct table t = { 0 };
	run_mask m = 0;

	table_column(&t, "target");
	table_column(&t, ">kernels there");
	table_column(&t, ">kernels built");
	for (int i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i], *warm = seconds_of(r->name, "warm"),
				 *cold = seconds_of(r->name, "cold");

		/* the first row of each target */
		if (kind_of(r) != SECONDS || (r != warm && r != cold) || (warm && warm < r) ||
		    (cold && cold < r))
			continue;
		m |= 1ull << r->run;
		table_cell(&t, NULL, "%s", r->name);
		seconds_cell(&t, warm);
		seconds_cell(&t, cold);
	}
	doc_table(d, &t, m, "Wall time of make targets, seconds, on the machine that made the file.");
}

/* ---- the summaries ---- */

/* Without metadata, of a state and by a clock: is any of it measured? */
static bool measured(const struct row *r, int v)
{
	for (int i = 0; i < nr_figures; i++)
		if (figures[i].is->state == r->state && figures[i].is->more == r->more && kind_of(figures[i].is) == COST && figures[i].on[v])
			return true;
	return false;
}

/* What is measured of one size on one path is a detail, and in no summary. */
static bool several(const struct figure *f)
{
	for (int i = 0; i < nr_figures; i++)
		if (same_case(figures[i].is, f->is) && !same_figure(figures[i].is, f->is))
			return true;
	return false;
}

/* The size of a case that upstream's benchmark has, or the next one, on its first path. */
static bool typical(const struct figure *f)
{
	double best = NAN;

	for (int i = 0; i < nr_figures; i++) {
		const struct row *is = figures[i].is;

		if (!same_case(is, f->is) || !has_value(&figures[i]) || kind_of(is) != COST)
			continue;
		if (is->path != f->is->path || !same(is->depth, f->is->depth)) {
			/* the first path there is */
			if (&figures[i] < f)
				return false;
			continue;
		}
		if (isnan(best) || fabs(is->size - 16) < fabs(best - 16))
			best = is->size;
	}
	return several(f) && f->is->size == best;
}

static bool first_of_unit(int nr, enum kind kind)
{
	for (int i = 0; i < nr; i++)
		if (kind_of(figures[i].is) == kind && figures[i].is->unit == figures[nr].is->unit)
			return false;
	return kind_of(figures[nr].is) == kind;
}

/* Of what is counted the case with most of it. */
static void most_cell(struct table *t, const char *unit, int v)
{
	double most = NAN;

	for (int i = 0; i < nr_figures && v >= 0; i++)
		if (figures[i].is->unit == unit && labelled(figures[i].is) &&
		    !isnan(cost(figures[i].on[v])) && !(cost(figures[i].on[v]) <= most))
			most = cost(figures[i].on[v]);
	if (isnan(most))
		table_cell(t, "missing", "?");
	else
		table_cell(t, NULL, most < 1000 ? "%.4g" : "%.0f", most);
}

void cost_trilogy(struct table *t)
{
	const struct row *states[32];
	int nr = 0;

	/* of each state without metadata the path that fares worst */
	for (int i = 0; i < nr_figures; i++) {
		const struct row *is = figures[i].is;
		int s = 0;

		if (kind_of(is) != COST || labelled(is) || !*is->state || is_row(is))
			continue;
		while (s < nr && (states[s]->state != is->state || states[s]->more != is->more))
			s++;
		if (s < nr || nr == 32)
			continue;
		states[nr++] = is;
		table_cell(t, NULL, "%s%s%s: %% over baseline, worst path", is->state,
			   *is->more ? ", " : "", is->more);
		for (int v = 0; v < nr_variants; v++) {
			double worst = NAN;

			if (v == stock && measured(is, v))
				worst = 0;
			for (int k = i; k < nr_figures; k++) {
				double p = percent(&figures[k], v);

				if (figures[k].is->state == is->state &&
				    figures[k].is->more == is->more && !labelled(figures[k].is) &&
				    kind_of(figures[k].is) == COST && !(p <= worst) && !isnan(p))
					worst = p;
			}
			if (isnan(worst))
				table_cell(t, "missing", "?");
			else
				table_cell(t, NULL, v == stock ? "%.0f" : "%+.2f", worst);
		}
	}
	for (int i = 0; i < nr_figures; i++) {
		const struct figure *f = &figures[i];

		if (kind_of(f->is) != COST || !labelled(f->is) || f->is->labelled < 1 || !typical(f))
			continue;
		table_cell(t, NULL, "%s: %s%s", label(f->is, true), f->is->unit,
			   isnan(f->is->floor) ? "" : " beyond the floor");
		for (int v = 0; v < nr_variants; v++) {
			if (f->on[v] && !strcmp(f->on[v]->verdict, "skip"))
				table_cell(t, "part", "cannot");
			else if (isnan(cost(f->on[v])))
				table_cell(t, "missing", "?");
			else
				table_cell(t, NULL, "%.0f", cost(f->on[v]));
		}
	}
	for (int i = 0; i < nr_figures; i++) {
		if (!first_of_unit(i, COUNT))
			continue;
		table_cell(t, NULL, "%s, labelled, most of any case", figures[i].is->unit);
		for (int v = 0; v < nr_variants; v++)
			most_cell(t, figures[i].is->unit, v);
	}
}

/* Of a path without metadata the percent over baseline, of others what it costs. */
static bool relative(const struct row *r)
{
	return kind_of(r) == COST && !labelled(r);
}

static double of_target(const struct figure *f, int v)
{
	return relative(f->is) ? percent(f, v) : cost(f->on[v]);
}

/* What the benchmark reckons of several of its rows. */
static void reckoned(struct doc *d)
{
	struct table t = { 0 };

	table_column(&t, "target");
	table_column(&t, "variant");
	table_column(&t, "in");
	table_column(&t, ">at most");
	table_column(&t, ">measured");
	table_column(&t, "met?");
	table_column(&t, "why not");
	for (int i = 0; i < nr_figures; i++)
		for (int v = 0; v < nr_variants; v++) {
			const struct row *r = figures[i].on[v];

			if (!r || kind_of(r) != TARGET)
				continue;
			table_cell(&t, NULL, "%s", r->name);
			table_cell(&t, NULL, "%s", variants[v]);
			table_cell(&t, NULL, "%s", r->unit);
			table_cell(&t, NULL, "%g", r->target);
			if (isnan(r->value)) {
				table_cell(&t, "missing", "?");
				table_cell(&t, "missing", "not measured");
			} else {
				table_cell(&t, NULL, "%.3g", r->value);
				table_cell(&t, r->value <= r->target ? "good" : "bad", "%s",
					   r->value <= r->target ? "met" : "MISSED");
			}
			table_cell(&t, NULL, "%s", r->reason);
		}
	doc_table(d, &t, from(TARGET) | from(COST), "Targets, and whether they are met.");
}

void cost_targets(struct doc *d)
{
	struct table t = { 0 };

	reckoned(d);
	table_column(&t, "what");
	table_column(&t, "in");
	table_column(&t, ">at most");
	for (int v = 0; v < nr_variants; v++)
		if (v != stock)
			table_column(&t, ">%s", variants[v]);
	for (int i = 0; i < nr_figures; i++) {
		const struct figure *f = &figures[i];
		double target = NAN;

		for (int v = 0; v < nr_variants; v++)
			if (v != stock && f->on[v] && !isnan(f->on[v]->target))
				target = f->on[v]->target;
		if (isnan(target) || kind_of(f->is) == TARGET)
			continue;
		table_cell(&t, NULL, "%s", label(f->is, true));
		table_cell(&t, NULL, "%s", relative(f->is) ? "% over baseline" : f->is->unit);
		table_cell(&t, NULL, "%g", target);
		for (int v = 0; v < nr_variants; v++) {
			const double have = of_target(f, v);

			if (v == stock)
				continue;
			if (f->on[v] && isnan(f->on[v]->target))
				table_cell(&t, "part", "none");
			else if (isnan(have))
				table_cell(&t, "missing", "?");
			else
				table_cell(&t, have <= f->on[v]->target ? "good" : "bad", "%.2f %s", have,
					   have <= f->on[v]->target ? "met" : "MISSED");
		}
	}
	doc_table(d, &t, from(COST) | from(COUNT), "Targets, of rows of results that have one.");
}

static void summary_of(struct doc *d, int variant, const char *unit, double *spread, double *boots)
{
	struct table idle = { 0 }, beyond = { 0 };

	table_column(&idle, "%s", unit);
	table_column(&idle, ">stock");
	table_column(&idle, ">%s", variants[variant]);
	table_column(&idle, ">diff");
	table_column(&idle, ">%%");
	table_column(&beyond, "beyond the floor");
	table_column(&beyond, ">stock");
	table_column(&beyond, ">%s", variants[variant]);
	for (int i = 0; i < nr_figures; i++) {
		const struct figure *f = &figures[i];
		const struct row *a = on_stock(f), *b = f->on[variant];

		if (kind_of(f->is) != COST || f->is->unit != unit || !b || isnan(b->value) ||
		    !strcmp(f->is->state, "floor"))
			continue;
		if (plottable(f->is, BY_SIZE)) {
			if (!several(f))
				continue;
			table_cell(&beyond, NULL, "%s", label(f->is, true));
			if (a && !isnan(a->value))
				table_cell(&beyond, NULL, "%.1f", cost(a));
			else
				table_cell(&beyond, NULL, "-");
			table_cell(&beyond, NULL, "%.1f", cost(b));
		} else if (!labelled(f->is) && a && !isnan(a->value)) {
			table_cell(&idle, NULL, "%s", label(f->is, true));
			table_cell(&idle, NULL, "%.1f", a->value);
			table_cell(&idle, NULL, "%.1f", b->value);
			table_cell(&idle, NULL, "%+.1f", b->value - a->value);
			table_cell(&idle, NULL, "%+.2f", percent(f, variant));
		} else {
			continue;
		}
		*spread = fmax(*spread, fmax(a && !isnan(a->spread) ? a->spread : 0,
					     isnan(b->spread) ? 0 : b->spread));
		*boots = fmin(*boots, isnan(b->boots) ? INFINITY : b->boots);
	}
	doc_table(d, &idle, 0, " ");
	doc_table(d, &beyond, 0, " ");
}

void cost_summary(struct doc *d, int variant)
{
	double spread = 0, boots = INFINITY;
	struct table t = { 0 };

	for (int i = 0; i < nr_figures; i++)
		if (first_of_unit(i, COST))
			summary_of(d, variant, figures[i].is->unit, &spread, &boots);
	if (!isinf(boots))
		doc_text(d, "Medians of %g boot%s, which differ by at most %.3f %%. Beyond the floor: what a "
			 "packet with metadata costs beyond one on the same kernel that goes through "
			 "programs that only count. -: stock cannot.", boots, boots == 1 ? "" : "s",
			 spread * 100);

	table_column(&t, "labelled packets, most of any case");
	table_column(&t, ">stock");
	table_column(&t, ">%s", variants[variant]);
	for (int i = 0; i < nr_figures; i++)
		if (first_of_unit(i, COUNT)) {
			table_cell(&t, NULL, "%s", figures[i].is->unit);
			most_cell(&t, figures[i].is->unit, stock);
			most_cell(&t, figures[i].is->unit, variant);
		}
	doc_table(d, &t, 0, " ");

	table_column(&t, "bytes");
	table_column(&t, ">stock");
	table_column(&t, ">%s", variants[variant]);
	for (int i = 0; i < nr_figures; i++)
		if (kind_of(figures[i].is) == BYTES && figures[i].on[variant]) {
			table_cell(&t, NULL, "%s", label(figures[i].is, true));
			if (stock >= 0)
				value_cell(&t, &figures[i], stock, 0);
			else
				table_cell(&t, NULL, "-");
			value_cell(&t, &figures[i], variant, 0);
		}
	doc_table(d, &t, 0, " ");
}

/* What make size found, for a letter; false: nothing. */
bool cost_sizes_summary(struct doc *d, int variant)
{
	struct table t = { 0 };
	bool any = false;

	table_column(&t, "bytes, places");
	table_column(&t, ">stock");
	table_column(&t, ">%s", variants[variant]);
	table_column(&t, ">diff");
	for (int i = 0; i < nr_figures; i++) {
		const struct row *r = figures[i].on[variant];

		if (kind_of(figures[i].is) != SIZE || !r)
			continue;
		any = true;
		table_cell(&t, NULL, "%s", r->name);
		table_cell(&t, NULL, "%.0f", r->floor);
		table_cell(&t, NULL, "%.0f", r->value);
		table_cell(&t, NULL, "%+.0f", r->value - r->floor);
	}
	doc_table(d, &t, 0, " ");
	return any;
}

/* ---- what there is not ---- */

/* The smallest number of distinct values that any case has on that axis, on a variant. */
static bool varies(enum axis x, int v)
{
	struct plot p;

	for (int i = 0; i < nr_figures; i++)
		if (figures[i].on[v] && plottable(figures[i].is, x) && make_plot(&p, figures[i].is, x))
			for (int l = 0; l < p.nr; l++)
				if (p.line[l].name == variants[v] && p.line[l].nr > 1)
					return true;
	return false;
}

/* Which of these depths no case has, in words. */
static const char *depths_without(int v)
{
	static const double depths[] = { 1, 2, 4, 8 };
	static char buf[64];
	size_t n = 0;

	buf[0] = '\0';
	for (size_t d = 0; d < sizeof(depths) / sizeof(depths[0]); d++) {
		bool there = false;

		for (int i = 0; i < nr_figures && !there; i++)
			there = figures[i].on[v] && plottable(figures[i].is, BY_DEPTH) &&
				figures[i].is->depth == depths[d] &&
				(!isnan(figures[i].on[v]->value) ||
				 !strcmp(figures[i].on[v]->verdict, "skip"));
		if (!there)
			n += snprintf(buf + n, sizeof(buf) - n, "%s%g", n ? ", " : "", depths[d]);
	}
	return buf;
}

void cost_check(bool page)
{
	bool counted = false, bytes = false;

	for (int v = 0; v < nr_variants; v++) {
		int run = find_run("bench", variants[v]);

		if (run < 0)
			continue;
		if (!varies(BY_SIZE, v))
			missing("bench", variants[v], "`%s` has no case with more than one size: cost by "
				"size", runs[run].file);
		if (!page)
			continue;
		if (left_out[v])
			missing("bench T=all", variants[v], "`%s` is without %d paths of the benchmark",
				runs[run].file, left_out[v]);
		else if (*depths_without(v))
			missing("bench T=all", variants[v], "`%s` has no cost at nesting depth %s",
				runs[run].file, depths_without(v));
	}
	for (int i = 0; i < nr_figures; i++) {
		counted |= kind_of(figures[i].is) == COUNT;
		bytes |= kind_of(figures[i].is) == BYTES || !strncmp(figures[i].is->unit, "bytes", 5);
		/* to be compared with other designs, it takes their results */
		for (int v = 0; v < nr_variants && nr_variants > 2; v++) {
			const struct row *r = figures[i].on[v];

			if (r && kind_of(r) == TARGET && isnan(r->value))
				missing("bench", NULL, "`%s:%u`: the target %s is not measured",
					runs[r->run].file, r->line, r->name);
		}
	}
	if (!counted)
		missing("bench", NULL, "no result counts anything per packet (allocations, bytes moved)");
	if (!bytes)
		missing("bench", NULL, "no result says how many bytes are allocated for a labelled packet");
}

void cost_not_shown(struct doc *d)
{
	static const double sizes[] = { 4, 16, 64, 128, 208, 252 }, depths[] = { 1, 2, 4, 8 };
	char no_size[64] = "", no_depth[64] = "";
	bool real = false, icount = false, hops = false;

	for (size_t s = 0; s < 6 + 4; s++) {
		char *out = s < 6 ? no_size : no_depth;
		double want = s < 6 ? sizes[s] : depths[s - 6];
		bool there = false;

		for (int i = 0; i < nr_figures && !there; i++)
			there = plottable(figures[i].is, s < 6 ? BY_SIZE : BY_DEPTH) && has_value(&figures[i]) &&
				at(figures[i].is, s < 6 ? BY_SIZE : BY_DEPTH) == want;
		if (!there)
			sprintf(out + strlen(out), "%s%g", *out ? ", " : "", want);
	}
	for (int i = 0; i < nr_figures; i++) {
		hops |= figures[i].is->hops > 0;
		for (int v = 0; v < nr_variants; v++)
			if (figures[i].on[v] && kind_of(figures[i].is) == COST) {
				const char *accel = runs[figures[i].on[v]->run].accel;

				icount |= !strcmp(accel, "icount");
				real |= !strcmp(accel, "kvm") || !strcmp(accel, "host");
			}
	}
	if (*no_size)
		doc_item(d, "Cost with %s bytes of metadata.", no_size);
	if (*no_depth)
		doc_item(d, "Cost at nesting depth %s.", no_depth);
	if (!hops)
		doc_item(d, "Cost by number of hops as a curve: no result has the field `hops`; paths with "
			 "more and fewer hops are side by side.");
	if (icount && (find_variant("storage") >= 0 || find_variant("table") >= 0))
		doc_item(d, "Entries of `storage` and `table` as short as their labels: they are 256 bytes "
			 "in all rows (`PKT_META_VALUE_MAX`).");
	if (!real)
		doc_item(d, "Time: nothing here was measured on real hardware (`make bench ACCEL=kvm` "
			 "does).%s", icount ? " Counted instructions know neither caches nor memory: a "
			 "memmove() and a load that misses all caches are what they are in "
			 "instructions, no more." : "");
}
