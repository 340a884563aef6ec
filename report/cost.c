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

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static bool same_case(const struct row *a, const struct row *b)
{
	return a->name == b->name && a->state == b->state && a->hook == b->hook &&
	       a->more == b->more && a->unit == b->unit && same(a->labelled, b->labelled);
}

static bool same_figure(const struct row *a, const struct row *b)
{
	return same_case(a, b) && a->path == b->path && same(a->size, b->size) &&
	       same(a->depth, b->depth) && same(a->hops, b->hops);
}

/* ---- kinds of figures, by unit ---- */

enum kind { COST, COUNT, BYTES, SECONDS };

static enum kind kind_of(const struct row *r)
{
	static const char * const clocks[] = { "instructions", "ns", "nanoseconds", "cycles", "us" };

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		if (!strncmp(r->unit, clocks[i], strlen(clocks[i])))
			return COST;
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

static double percent(const struct figure *f, int v)
{
	const struct row *a = stock < 0 ? NULL : f->on[stock], *b = f->on[v];

	return a && b && a != b && a->value ? (b->value - a->value) / a->value * 100 : NAN;
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
	const char * const parts[] = { r->path == r->name ? "" : path, r->state, r->hook, r->more };
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
	if (sized && !isnan(r->hops))
		n += snprintf(buf + n, sizeof(buf) - n, ", %g hops", r->hops);
	return buf;
}

/* ---- reading ---- */

void cost_read(void)
{
	stock = find_variant("baseline");
	for (int i = 0; i < nr_rows; i++) {
		const struct row *r = &rows[i];
		int v = variant_of(r), f = 0;

		if (v < 0 || !*r->unit)
			continue;
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

/* Points of one plot: alike but for what is on its axis. Each depth is a path of its own. */
static bool same_plot(const struct row *a, const struct row *b, enum axis x)
{
	return same_case(a, b) &&
	       (x == BY_SIZE || same(a->size, b->size)) &&
	       (x == BY_DEPTH || (a->path == b->path && same(a->depth, b->depth))) &&
	       (x == BY_HOPS || x == BY_DEPTH || same(a->hops, b->hops));
}

static bool plottable(const struct row *r, enum axis x)
{
	return kind_of(r) == COST && labelled(r) && (x == BY_SIZE || at(r, x) > 0);
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
	if (x == BY_DEPTH)
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

		if (kind_of(f->is) != COST || (labelled(f->is) && !(f->is->labelled < 1)))
			continue;
		snprintf(row->label, sizeof(row->label), "%.60s", label(f->is, true));
		row->target = f->is->target;
		for (int n = 0; n < dots.names; n++) {
			row->value[n] = percent(f, of[n]);
			any |= !isnan(row->value[n]);
			if (f->on[of[n]] && f->on[of[n]]->spread > most)
				most = f->on[of[n]]->spread;
		}
		dots.rows += any;
	}
	snprintf(caption, sizeof(caption), "What it costs packets without metadata: the whole path, in "
		 "percent of the same on baseline. Boots differ by up to %.3f %%.", most * 100);
	doc_dots(d, &dots, "% over baseline", from(COST), caption);
	free(dots.row);
}

/* What metadata costs on each path, at one size. */
static void path_dots(struct doc *d)
{
	struct dots dots = { .names = nr_variants };
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

		if (!plottable(f->is, BY_SIZE) || f->is->labelled < 1)
			continue;
		/* of each case and path the size nearest to 64 bytes */
		for (int k = 0; k < nr_figures; k++)
			if (same_plot(figures[k].is, f->is, BY_SIZE) && has_value(&figures[k]) &&
			    !(fabs(figures[k].is->size - 64) >= fabs(best - 64)))
				best = figures[k].is->size;
		if (f->is->size != best)
			continue;
		snprintf(row->label, sizeof(row->label), "%.60s", label(f->is, true));
		row->target = NAN;
		for (int v = 0; v < nr_variants; v++) {
			row->value[v] = cost(f->on[v]);
			any |= !isnan(row->value[v]);
		}
		dots.rows += any;
		snprintf(unit, sizeof(unit), "%.40s%s", f->is->unit,
			 isnan(f->is->floor) ? "" : " beyond the floor");
	}
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
		table_cell(t, strcmp(r->verdict, "fail") ? NULL : "bad", "%.*f", digits, r->value);
}

static void cost_cell(struct table *t, const struct figure *f, int v)
{
	const struct row *r = f->on[v];

	if (r && !isnan(r->value) && !isnan(r->floor))
		table_cell(t, NULL, "%+.1f", cost(r));
	else
		table_cell(t, "part", r && !strcmp(r->verdict, "skip") ? "cannot" : " ");
}

static void figures_table(struct doc *d, enum kind kind, int digits, const char *caption)
{
	struct table t = { .wide = true };

	table_column(&t, "what");
	if (kind != BYTES && kind != SECONDS)
		table_column(&t, "unit");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, ">%s", variants[v]);
	for (int i = 0; i < nr_figures; i++) {
		if (kind_of(figures[i].is) != kind)
			continue;
		table_cell(&t, NULL, "%s", label(figures[i].is, true));
		if (kind != BYTES && kind != SECONDS)
			table_cell(&t, NULL, "%s", figures[i].is->unit);
		for (int v = 0; v < nr_variants; v++)
			value_cell(&t, &figures[i], v, digits);
	}
	doc_table(d, &t, from(kind), "%s", caption);
}

static void beyond_table(struct doc *d)
{
	struct table t = { .wide = true };

	table_column(&t, "what");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, ">%s", variants[v]);
	for (int i = 0; i < nr_figures; i++) {
		if (kind_of(figures[i].is) != COST || isnan(figures[i].is->floor))
			continue;
		table_cell(&t, NULL, "%s", label(figures[i].is, true));
		for (int v = 0; v < nr_variants; v++)
			cost_cell(&t, &figures[i], v);
	}
	doc_table(d, &t, from(COST), "The same beyond the floor: the value less the same path with programs "
		  "that only count, or the state before it, on the same kernel.");
}

static void clock_text(struct doc *d)
{
	double most = 0, least = INFINITY;
	const char *accel = "";
	run_mask m = from(COST);

	for (int i = 0; i < nr_rows; i++) {
		if (!(m >> rows[i].run & 1) || !*rows[i].unit)
			continue;
		most = fmax(most, isnan(rows[i].spread) ? 0 : rows[i].spread);
		least = fmin(least, isnan(rows[i].boots) ? INFINITY : rows[i].boots);
		accel = runs[rows[i].run].accel;
	}
	doc_text(d, "The clock: %s. Values are medians over %g or more boots, which differ by at most "
		 "%.3f %%.", !strcmp(accel, "icount") ? "instructions of the guest, counted by QEMU "
		 "(`-icount`), the same on every machine; they are not time" :
		 !strcmp(accel, "kvm") ? "time under KVM, of the machine it ran on" : accel,
		 isinf(least) ? 1 : least, most * 100);
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
	beyond_table(d);
	doc_unfold(d);
}

void cost_counts(struct doc *d)
{
	figures_table(d, COUNT, 3, "How often, counted while it ran.");
}

void cost_bytes(struct doc *d)
{
	figures_table(d, BYTES, 0, "Bytes.");
}

void cost_seconds(struct doc *d)
{
	figures_table(d, SECONDS, 1, "Wall time, seconds.");
}

/* ---- the summaries ---- */

/* The size of a case that upstream's benchmark has, or the next one. */
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
	return f->is->size == best;
}

void cost_trilogy(struct table *t)
{
	const char *states[32];
	int nr = 0;

	/* of each state without metadata the path that fares worst */
	for (int i = 0; i < nr_figures; i++) {
		const struct row *is = figures[i].is;
		int s = 0;

		if (kind_of(is) != COST || labelled(is) || !*is->state)
			continue;
		while (s < nr && states[s] != is->state)
			s++;
		if (s < nr || nr == 32)
			continue;
		states[nr++] = is->state;
		table_cell(t, NULL, "%s: %% over baseline, worst path", is->state);
		for (int v = 0; v < nr_variants; v++) {
			double worst = NAN;

			for (int k = i; k < nr_figures; k++) {
				double p = percent(&figures[k], v);

				if (figures[k].is->state == is->state && !labelled(figures[k].is) &&
				    kind_of(figures[k].is) == COST && !(p <= worst) && !isnan(p))
					worst = p;
			}
			if (v == stock)
				table_cell(t, NULL, "0");
			else if (isnan(worst))
				table_cell(t, "missing", "?");
			else
				table_cell(t, NULL, "%+.2f", worst);
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
		const struct figure *f = &figures[i];

		if (kind_of(f->is) != COUNT || !labelled(f->is) || strncmp(f->is->unit, "allocations", 11))
			continue;
		table_cell(t, NULL, "%s: %s", label(f->is, true), f->is->unit);
		for (int v = 0; v < nr_variants; v++)
			if (f->on[v] && !isnan(f->on[v]->value))
				table_cell(t, NULL, "%.2f", f->on[v]->value);
			else
				table_cell(t, "missing", "?");
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

void cost_targets(struct doc *d)
{
	struct table t = { 0 };

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
		if (isnan(target))
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

void cost_summary(struct doc *d, int variant)
{
	struct table t = { 0 };
	const char *unit = "";
	double spread = 0, boots = INFINITY;
	bool foot = false;

	for (int i = 0; i <= nr_figures; i++) {
		const struct figure *f = &figures[i];
		const struct row *a, *b;

		if (i == nr_figures || (kind_of(f->is) == COST && unit != f->is->unit)) {
			if (t.nr)
				doc_table(d, &t, 0, " ");
			if (i == nr_figures)
				break;
			unit = f->is->unit;
			table_column(&t, "%s", unit);
			table_column(&t, ">stock");
			table_column(&t, ">%s", variants[variant]);
			table_column(&t, ">diff");
			table_column(&t, ">%%");
		}
		a = stock < 0 ? NULL : f->on[stock];
		b = f->on[variant];
		if (kind_of(f->is) != COST || !b || isnan(b->value))
			continue;
		table_cell(&t, NULL, "%s", label(f->is, true));
		if (a && !isnan(a->value)) {
			table_cell(&t, NULL, "%.1f", a->value);
			table_cell(&t, NULL, "%.1f", b->value);
			table_cell(&t, NULL, "%+.1f", b->value - a->value);
			table_cell(&t, NULL, "%+.2f", percent(f, variant));
			spread = fmax(spread, isnan(a->spread) ? 0 : a->spread);
		} else {
			table_cell(&t, NULL, "-");
			table_cell(&t, NULL, "%.1f", b->value);
			table_cell(&t, NULL, " ");
			table_cell(&t, NULL, " ");
		}
		spread = fmax(spread, isnan(b->spread) ? 0 : b->spread);
		boots = fmin(boots, isnan(b->boots) ? INFINITY : b->boots);
		foot = true;
	}
	if (foot)
		doc_text(d, "Medians of %g boots, spread over boots at most %.3f %%.",
			 isinf(boots) ? 1 : boots, spread * 100);

	for (int k = 0; k < 2; k++) {
		const enum kind kind = k ? BYTES : COUNT;

		table_column(&t, "%s", k ? "bytes" : "counted");
		if (!k)
			table_column(&t, "unit");
		table_column(&t, ">stock");
		table_column(&t, ">%s", variants[variant]);
		for (int i = 0; i < nr_figures; i++) {
			const struct figure *f = &figures[i];

			if (kind_of(f->is) != kind || !f->on[variant])
				continue;
			table_cell(&t, NULL, "%s", label(f->is, true));
			if (!k)
				table_cell(&t, NULL, "%s", f->is->unit);
			if (stock >= 0)
				value_cell(&t, f, stock, k ? 0 : 2);
			else
				table_cell(&t, NULL, "-");
			value_cell(&t, f, variant, k ? 0 : 2);
		}
		doc_table(d, &t, 0, " ");
	}
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

void cost_check(void)
{
	bool counted = false, bytes = false;

	for (int v = 0; v < nr_variants; v++) {
		int run = find_run("bench", variants[v]);

		if (run < 0)
			continue;
		if (!varies(BY_SIZE, v))
			missing("bench", variants[v], "`%s` has no case with more than one size: cost by "
				"size", runs[run].file);
		if (!varies(BY_DEPTH, v))
			missing("bench", variants[v], "`%s` has no case with more than one depth: cost by "
				"nesting depth", runs[run].file);
	}
	for (int i = 0; i < nr_figures; i++) {
		counted |= kind_of(figures[i].is) == COUNT;
		bytes |= kind_of(figures[i].is) == BYTES;
	}
	if (!counted)
		missing("bench", NULL, "no result counts anything per packet (allocations, bytes moved)");
	if (!bytes)
		missing("bench", NULL, "no result has the unit bytes: memory per labelled packet");
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
	if (!real)
		doc_item(d, "Time: nothing here was measured on real hardware (`make bench ACCEL=kvm` "
			 "does).%s", icount ? " Counted instructions know neither caches nor memory: a "
			 "memmove() and a load that misses all caches are what they are in "
			 "instructions, no more." : "");
}
